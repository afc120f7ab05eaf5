using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Sending;

/// <summary>What the operator named in one directory, looked at one by one.</summary>
internal sealed class NamedEntries(SyncContext context, DirectoryScanner scanner, LinkFollower links)
{
    private readonly DirectoryListing _one = new();

    /// <summary>The entries in order, where each comes from, and which source it belongs to.</summary>
    /// <param name="node">The directory.</param>
    /// <param name="origins">Gets the places that hold the entries, behind what is there already.</param>
    public (DirectoryListing Listing, int[] Origins, int[] Orders) Scan(SourceNode node, List<Origin> origins)
    {
        var listing = new DirectoryListing();
        var from = new List<int>();
        var orders = new List<int>();
        var places = new Dictionary<SourcePlace, int>();
        foreach (var child in node.Children)
        {
            var error = Look(child, node.Path);
            foreach (var problem in _one.Problems ?? [])
            {
                listing.AddProblem(problem.Operation, problem.Error, problem.Name);
            }

            if (error < 0)
            {
                listing.AddProblem(Operation.Stat, -error, child.Name);
            }

            if (error < 0 || _one.Count == 0)
            {
                listing.Incomplete = true;
                continue;
            }

            if (!places.TryGetValue(child.Place!, out var origin))
            {
                origin = origins.Count;
                places.Add(child.Place!, origin);
                origins.Add(new Origin(child.Place!, [], child.Filters!));
            }

            listing.Append(child.Name, _one.Metadata(0), _one.Identity(0), _one.LinkTarget(0), _one.Xattrs(0));
            from.Add(origin);
            orders.Add(child.Order);
        }

        return (listing, [.. from], [.. orders]);
    }

    private int Look(SourceNode child, byte[] path)
    {
        _one.Clear();
        if (child.Mark == EntryMark.Missing)
        {
            _one.Append(child.Name, new EntryMetadata { Mode = (uint)EntryType.Regular << 12 }, default, default, default);
            return 0;
        }

        var place = child.Own ?? child.Place!;
        var fd = place.Take();
        if (fd < 0)
        {
            return fd;
        }

        int error;
        if (child.Own is null)
        {
            error = scanner.ScanName(fd, child.Name, context.SendFields, _one);
            if (error >= 0)
            {
                links.Apply(fd, path, _one, scanner);
            }
        }
        else
        {
            error = context.Io.Stat(fd, out var status);
            if (error >= 0)
            {
                _one.Append(child.Name, status.ToMetadata(), FileIdentity.From(status), default, scanner.ReadXattrs(fd, context.SendFields));
            }
        }

        place.Return(fd);
        return error;
    }
}
