using NativeSync.Engine.FileSystem;

namespace NativeSync.Engine.Session.Sending;

/// <summary>
/// Merges listings of several sources into one, by name. As in rsync a directory wins over what is none, since there may be
/// something in it; else the source that was named first wins.
/// </summary>
internal sealed class ListingMerger(DirectoryListing into)
{
    private readonly List<Part> _parts = [];

    /// <summary>Adds a listing.</summary>
    /// <param name="part">Sorted by name.</param>
    /// <param name="origin">Where all of it comes from.</param>
    /// <param name="order">Which source it belongs to.</param>
    public void Add(DirectoryListing part, int origin, int order) => Add(new Part(part, null, origin, null, order));

    /// <summary>Adds a listing whose entries come from several places and sources.</summary>
    public void Add(DirectoryListing part, int[] origins, int[] orders) => Add(new Part(part, origins, 0, orders, 0));

    /// <summary>Fills the listing; returns the origin of each entry.</summary>
    public int[] Finish()
    {
        var origins = new List<int>();
        while (FindNext() is { } best)
        {
            var i = best.Next;
            var from = best.Listing;
            var name = from.Name(i);
            into.Append(name, from.Metadata(i), from.Identity(i), from.LinkTarget(i), from.Xattrs(i));
            origins.Add(best.Origin);
            foreach (var part in _parts)
            {
                if (part.HasNext && part.Name.SequenceEqual(name))
                {
                    part.Next++;
                }
            }
        }

        return [.. origins];
    }

    private void Add(Part part)
    {
        _parts.Add(part);
        into.Incomplete |= part.Listing.Incomplete;
        foreach (var problem in part.Listing.Problems ?? [])
        {
            into.AddProblem(problem.Operation, problem.Error, problem.Name);
        }
    }

    private Part? FindNext()
    {
        Part? best = null;
        foreach (var part in _parts)
        {
            if (!part.HasNext)
            {
                continue;
            }

            var order = best is null ? -1 : part.Name.SequenceCompareTo(best.Name);
            if (order < 0 || (order == 0 && part.WinsOver(best!)))
            {
                best = part;
            }
        }

        return best;
    }

    private sealed class Part(DirectoryListing listing, int[]? origins, int origin, int[]? orders, int order)
    {
        public DirectoryListing Listing { get; } = listing;

        public int Next { get; set; }

        public bool HasNext => Next < Listing.Count;

        public ReadOnlySpan<byte> Name => Listing.Name(Next);

        public int Origin => origins is null ? origin : origins[Next];

        private int Order => orders is null ? order : orders[Next];

        private bool IsDirectory => Listing.Metadata(Next).IsDirectory;

        public bool WinsOver(Part other) => IsDirectory != other.IsDirectory ? IsDirectory : Order < other.Order;
    }
}
