using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Filters;
using NativeSync.Engine.Session.Receiving.Directories;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving;

/// <summary>
/// Removes what the source does not have (--delete), and what stands in the way of an entry of another type. Deletes only in
/// directories whose complete listing came in this session, only what no rule protects, and nothing after the source could not be
/// read somewhere (rsync CVE-2026-53789 shows why).
/// </summary>
/// <remarks>Used by the dispatcher, and by writers that link: one at a time, by <c>_gate</c>.</remarks>
internal sealed class Deleter(SyncContext context, ReceiverTree tree)
{
    private readonly Lock _gate = new();
    private readonly DirectoryScanner _scanner = new(context.Io);
    private bool _limitReported;
    private bool _sourceFailureReported;

    public void DeleteExtraneous(ReceiverDirectory directory, int dirfd, DirectoryListing local, DirectoryListing remote)
    {
        if (!context.Has(JobFlags.Delete) || tree.Root.Rename is not null || directory.Remote!.IsSelected || directory.Rules is not { IsUncertain: false } rules)
        {
            return;
        }

        if (directory is { Parent: null, Goal: null })
        {
            // Entries that were named are put into the destination: what else is there is nobody's business.
            return;
        }

        if (!MayDelete(directory.Path, remote.Incomplete))
        {
            return;
        }

        if (tree.Late.TakesDeletions)
        {
            foreach (var i in InOrder(local))
            {
                if (IsExtraneous(directory, rules, local, i, remote))
                {
                    tree.Late.AddDeletion(new LateDeletion(directory.Path, local.Name(i).ToArray(), local.Metadata(i).Type, rules));
                    tree.Directories.Touch(directory);
                }
            }

            return;
        }

        lock (_gate)
        {
            RemoveExtraneous(directory, rules, dirfd, local, remote);
        }
    }

    /// <summary>False after the source could not be read.</summary>
    public bool IsAllowed => !context.Problems.SourceFailed || context.Has(JobFlags.IgnoreErrors);

    /// <summary>False, and reported once, after the source could not be read: what seems extraneous may be there.</summary>
    public bool MayDelete(byte[] path, bool incomplete = false)
    {
        if (IsAllowed && (!incomplete || context.Has(JobFlags.IgnoreErrors)))
        {
            return true;
        }

        if (!_sourceFailureReported)
        {
            _sourceFailureReported = true;
            tree.Outcomes.Problem(Operation.Remove, 0, path, warning: true);
        }

        return false;
    }

    /// <summary>Removes an entry that was found extraneous before, in a directory that is done by now.</summary>
    public void RemoveLate(in LateDeletion late, int dirfd)
    {
        lock (_gate)
        {
            // The sender has forgotten the directory: the path is told from the root.
            Remove(new ReceiverDirectory(0, []), late.Rules, dirfd, late.Name, PathBytes.Join(late.Directory, late.Name), late.Type, count: true);
        }
    }

    private void RemoveExtraneous(ReceiverDirectory directory, DirectoryRules rules, int dirfd, DirectoryListing local, DirectoryListing remote)
    {
        foreach (var i in InOrder(local))
        {
            if (IsExtraneous(directory, rules, local, i, remote))
            {
                var name = local.Name(i).ToArray();
                Remove(directory, rules, dirfd, name, name, local.Metadata(i).Type, count: true);
            }
        }
    }

    /// <summary>Removes what was named and is not at the source (--delete-missing-args). A directory with contents goes only with --delete or --force.</summary>
    public void RemoveMissing(ReceiverDirectory directory, int dirfd, ReadOnlySpan<byte> name, EntryType type)
    {
        lock (_gate)
        {
            if (type != EntryType.Directory || (context.Flags & (JobFlags.Delete | JobFlags.Force)) != 0 || IsEmpty(dirfd, name))
            {
                Remove(directory, directory.Rules!, dirfd, name.ToArray(), name.ToArray(), type, count: true);
            }
            else
            {
                tree.Outcomes.Problem(Operation.Remove, Errno.ENOTEMPTY, PathBytes.Join(directory.Path, name), warning: true);
            }
        }
    }

    /// <summary>With --one-file-system nothing is deleted on other file systems of the destination, either.</summary>
    private bool IsMountPoint(int dirfd, ReadOnlySpan<byte> name) =>
        context.Has(JobFlags.OneFileSystem) && context.Io.Stat(dirfd, out var here) >= 0 && context.Io.StatAt(dirfd, name, out var there) >= 0 && here.Device != there.Device;

    private bool IsEmpty(int dirfd, ReadOnlySpan<byte> name)
    {
        var fd = context.Io.OpenAt(dirfd, name, OpenFlags.Read | OpenFlags.Directory);
        if (fd < 0)
        {
            return false;
        }

        var listing = new DirectoryListing();
        var error = _scanner.Scan(fd, ScanFields.None, listing);
        context.Io.Close(fd);
        return error >= 0 && listing.Count == 0 && !listing.Incomplete;
    }

    private static bool IsExtraneous(ReceiverDirectory directory, DirectoryRules rules, DirectoryListing local, int index, DirectoryListing remote) =>
        remote.Find(local.Name(index)) < 0
        && !EntrySelection.IsProtected(rules, PathBytes.Join(directory.Path, local.Name(index)), local.Metadata(index).IsDirectory);

    /// <summary>Removes an entry so that one of another type can take its name. A directory with contents goes only with --delete or --force.</summary>
    /// <returns>False when it is still there; reported.</returns>
    public bool MakeWay(ReceiverDirectory directory, int dirfd, ReadOnlySpan<byte> name, in EntryMetadata local)
    {
        if (context.Has(JobFlags.DryRun))
        {
            return !local.IsDirectory || WouldMakeWay(directory, dirfd, name);
        }

        var backups = tree.Placement.Backups;
        var error = !local.IsDirectory && backups.KeepsDeleted(PathBytes.Join(directory.Path, name))
            ? backups.KeepDeleted(PathBytes.Join(directory.Path, name), dirfd, name)
            : context.Io.UnlinkAt(dirfd, name, local.IsDirectory);
        if (error >= 0)
        {
            tree.Directories.Touch(directory);
            return true;
        }

        if (local.IsDirectory && error is -Errno.ENOTEMPTY or -Errno.EEXIST && (context.Flags & (JobFlags.Delete | JobFlags.Force)) != 0)
        {
            lock (_gate)
            {
                if (Remove(directory, directory.Rules ?? tree.Filters.Outside, dirfd, name.ToArray(), name.ToArray(), EntryType.Directory, count: false))
                {
                    return true;
                }
            }
        }

        tree.Report(Operation.Remove, -error, PathBytes.Join(directory.Path, name));
        return false;
    }

    /// <summary>The same in a dry run: what is in the directory is told as deleted, or keeps it.</summary>
    private bool WouldMakeWay(ReceiverDirectory directory, int dirfd, ReadOnlySpan<byte> name)
    {
        if (IsEmpty(dirfd, name))
        {
            return true;
        }

        if ((context.Flags & (JobFlags.Delete | JobFlags.Force)) != 0)
        {
            lock (_gate)
            {
                if (Remove(directory, directory.Rules ?? tree.Filters.Outside, dirfd, name.ToArray(), name.ToArray(), EntryType.Directory, count: false))
                {
                    return true;
                }
            }
        }

        tree.Report(Operation.Remove, Errno.ENOTEMPTY, PathBytes.Join(directory.Path, name));
        return false;
    }

    /// <param name="directory">The announced directory below which this is.</param>
    /// <param name="rules">The filter rules in the directory that holds the entry.</param>
    /// <param name="dirfd">That directory.</param>
    /// <param name="name">The entry.</param>
    /// <param name="below">Its path below <paramref name="directory"/>.</param>
    /// <param name="type">Its type.</param>
    /// <param name="count">False for what itself makes way, which --max-delete does not hold back; what is in it counts.</param>
    private bool Remove(ReceiverDirectory directory, DirectoryRules rules, int dirfd, byte[] name, byte[] below, EntryType type, bool count)
    {
        if (type == EntryType.Directory && IsMountPoint(dirfd, name))
        {
            return false;
        }

        if (type == EntryType.Directory && !Empty(directory, rules, dirfd, name, below))
        {
            return false;
        }

        if (count && context.Options.MaxDelete is { } limit && Interlocked.Read(ref tree.Statistics.Deleted) >= limit)
        {
            Interlocked.Increment(ref tree.Statistics.DeletionsSkipped);
            _limitReported = true;
            return false;
        }

        if (!context.Has(JobFlags.DryRun))
        {
            var path = PathBytes.Join(directory.Path, below);
            var backups = tree.Placement.Backups;
            var error = type != EntryType.Directory && backups.KeepsDeleted(path)
                ? backups.KeepDeleted(path, dirfd, name)
                : context.Io.UnlinkAt(dirfd, name, type == EntryType.Directory);
            if (error < 0 && error != -Errno.ENOENT)
            {
                // Backups stay in a directory that would go: said, and no failure, as with rsync.
                tree.Outcomes.Problem(Operation.Remove, -error, path, warning: type == EntryType.Directory && error is -Errno.ENOTEMPTY or -Errno.EEXIST);
                return false;
            }

            tree.Directories.Touch(directory);
        }

        // What makes way is told by what takes its place; what was in it is told by itself.
        if (count || below.Length > name.Length)
        {
            tree.Outcomes.Deleted(directory, below, type);
        }

        return true;
    }

    /// <summary>rsync's order, of which --max-delete lets only the first go: directories from the last to the first, then the rest.</summary>
    private static IEnumerable<int> InOrder(DirectoryListing listing)
    {
        for (var pass = 0; pass < 2; pass++)
        {
            for (var i = listing.Count - 1; i >= 0; i--)
            {
                if (listing.Metadata(i).IsDirectory == (pass == 0))
                {
                    yield return i;
                }
            }
        }
    }

    /// <summary>Removes everything in a directory that no rule protects.</summary>
    /// <returns>True when nothing is left.</returns>
    private bool Empty(ReceiverDirectory directory, DirectoryRules rules, int dirfd, byte[] name, byte[] below)
    {
        var fd = context.Io.OpenAt(dirfd, name, OpenFlags.Read | OpenFlags.Directory);
        if (fd < 0)
        {
            tree.Report(Operation.Open, -fd, PathBytes.Join(directory.Path, below));
            return false;
        }

        try
        {
            var listing = new DirectoryListing();
            var error = _scanner.Scan(fd, ScanFields.None, listing);
            if (error < 0)
            {
                tree.Report(Operation.ReadDirectory, -error, PathBytes.Join(directory.Path, below));
                return false;
            }

            foreach (var problem in listing.Problems ?? [])
            {
                tree.Report(problem.Operation, problem.Error, PathBytes.Join(directory.Path, PathBytes.Join(below, problem.Name)));
            }

            rules = tree.EnterRules(rules, PathBytes.Join(directory.Path, below), fd);
            var empty = !rules.IsUncertain && !listing.Incomplete;
            foreach (var i in rules.IsUncertain ? [] : InOrder(listing))
            {
                var child = listing.Name(i).ToArray();
                var childBelow = PathBytes.Join(below, child);
                var type = listing.Metadata(i).Type;
                empty &= !EntrySelection.IsProtected(rules, PathBytes.Join(directory.Path, childBelow), type == EntryType.Directory, insideDeletion: true)
                    && Remove(directory, rules, fd, child, childBelow, type, count: true);
            }

            if (!empty && !_limitReported)
            {
                tree.Outcomes.Problem(Operation.Remove, Errno.ENOTEMPTY, PathBytes.Join(directory.Path, below), warning: true);
            }

            return empty;
        }
        finally
        {
            context.Io.Close(fd);
        }
    }
}
