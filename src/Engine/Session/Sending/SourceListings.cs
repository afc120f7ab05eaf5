using NativeSync.Engine.FileSystem;

namespace NativeSync.Engine.Session.Sending;

/// <summary>Reads the directories of the sources: one place or several merged, with what the operator named, the rules and followed links applied.</summary>
/// <remarks>Of the scanner thread alone.</remarks>
internal sealed class SourceListings(SyncContext context, SenderTable table, DirectoryScanner scanner, LinkFollower follower, ScanFields fields)
{
    private readonly NamedEntries _named = new(context, scanner, follower);

    /// <summary>Scanned into until a directory needs it as it is.</summary>
    private DirectoryListing? _scratch;

    /// <summary>Reads what is sent of a directory into its <see cref="SenderDirectory.Listing"/>; what cannot be read is told.</summary>
    /// <returns>False when there is nothing to announce.</returns>
    public bool TryScan(SenderDirectory directory)
    {
        _scratch ??= table.TakeListing();
        directory.Listing = _scratch;
        if (!TryScan(directory, _scratch))
        {
            return false;
        }

        if (_scratch.IsSparse)
        {
            directory.Listing = _scratch.Compact();
            _scratch.Recycle();
        }
        else
        {
            _scratch = null;
        }

        return true;
    }

    private bool TryScan(SenderDirectory directory, DirectoryListing listing)
    {
        listing.Clear();
        var named = directory.Node is { Children.Count: > 0 };
        if (!named && directory.Contents.Length == 1)
        {
            var error = ScanOrigin(directory, 0, listing);
            if (error < 0)
            {
                SenderProblems.Unreadable(context, directory.Path, error);
            }

            return error >= 0;
        }

        var merged = new ListingMerger(listing);
        var readable = named || directory.Parent is null;
        if (named)
        {
            var origins = new List<Origin>(directory.Contents);
            var (entries, from, orders) = _named.Scan(directory.Node!, origins);
            directory.Origins = [.. origins];
            merged.Add(entries, from, orders);
        }

        for (var i = 0; i < directory.Contents.Length; i++)
        {
            var part = new DirectoryListing();
            var error = ScanOrigin(directory, i, part);
            if (error < 0)
            {
                SenderProblems.Unreadable(context, directory.Path, error);
                listing.Incomplete = true;
                continue;
            }

            readable = true;
            merged.Add(part, i, OrderOf(directory, i));
        }

        directory.EntryOrigins = merged.Finish();
        return readable;
    }

    /// <summary>Which source a directory's content belongs to; below the named ones the order is that of the origins.</summary>
    private static int OrderOf(SenderDirectory directory, int origin)
    {
        var node = directory.Node;
        var inherited = directory.Contents.Length - (node?.Contents.Count ?? 0);
        return node is not null && origin >= inherited ? node.Contents[origin - inherited].Order : origin;
    }

    /// <summary>Scans one place of a directory, makes of it what is sent, and leaves what its rules show.</summary>
    private int ScanOrigin(SenderDirectory directory, int index, DirectoryListing into)
    {
        ref var origin = ref directory.Contents[index];
        var error = follower.CheckLoop(origin);
        var fd = error < 0 ? error : follower.OpenDirectory(origin);
        if (fd < 0)
        {
            return fd;
        }

        try
        {
            error = scanner.Scan(fd, fields, into);
            if (error >= 0)
            {
                context.Changes?.Listed(fd, into, origin);
                EntrySelection.HideResumePlace(context, into);
                origin = origin.Enter(directory.Path, fd);
                follower.Apply(fd, directory.Path, into, scanner, origin.Rules);
                EntrySelection.ForSending(origin.Rules!, into, directory.Path);
            }

            return error;
        }
        finally
        {
            context.Io.Close(fd);
        }
    }
}
