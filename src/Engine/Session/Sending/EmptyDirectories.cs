using System.Text;
using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Filters;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Sending;

/// <summary>
/// Looks ahead for <c>--prune-empty-dirs</c>: whether there is anything but directories below a directory. As in rsync, a directory
/// that a rule for all directories protects at the receiver is kept, too, and so is one that cannot be read.
/// </summary>
internal sealed class EmptyDirectories(SyncContext context)
{
    private readonly DirectoryScanner _scanner = new(context.Io);
    private readonly LinkFollower _follower = new(context);

    /// <summary>What was found out on the way to another answer, so that no directory is looked at more than twice. By path.</summary>
    private readonly Dictionary<string, bool> _known = [];

    /// <summary>Whether the directory stays in the transfer.</summary>
    /// <param name="origins">Where it is; none for one that is not descended into.</param>
    /// <param name="path">Its path in the transfer.</param>
    public bool HasContent(Origin[] origins, byte[] path)
    {
        var key = Encoding.Latin1.GetString(path);
        if (!_known.Remove(key, out var has))
        {
            has = Look(origins, path);
        }

        return has;
    }

    private bool Look(Origin[] origins, byte[] path)
    {
        if (EntrySelection.IsProtected(context.Filters.Global, path, isDirectory: true))
        {
            return true;
        }

        foreach (var origin in origins)
        {
            if (Look(origin, path))
            {
                return true;
            }
        }

        return false;
    }

    private bool Look(Origin origin, byte[] path)
    {
        var listing = new DirectoryListing();
        var fd = _follower.OpenDirectory(origin);
        if (fd < 0)
        {
            return true;
        }

        FileStatus status;
        try
        {
            if (context.Io.Stat(fd, out status) < 0 || _scanner.Scan(fd, ScanFields.None, listing) < 0)
            {
                return true;
            }

            origin = origin.Enter(path, fd);
        }
        finally
        {
            context.Io.Close(fd);
        }

        EntrySelection.ForSending(origin.Rules!, listing, path);
        for (var i = 0; i < listing.Count; i++)
        {
            if (!listing.Metadata(i).IsDirectory)
            {
                return true;
            }
        }

        for (var i = 0; i < listing.Count; i++)
        {
            var name = listing.Name(i).ToArray();
            var below = PathBytes.Join(path, name);
            var crosses = context.Has(JobFlags.OneFileSystem) && listing.Identity(i).Device != status.Device;
            var has = crosses ? EntrySelection.IsProtected(context.Filters.Global, below, isDirectory: true) : Look([origin.Child(name)], below);
            _known[Encoding.Latin1.GetString(below)] = has;
            if (has)
            {
                return true;
            }
        }

        return false;
    }
}
