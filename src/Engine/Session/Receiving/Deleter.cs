using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Filters;
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

        if ((remote.Incomplete || context.Problems.SourceFailed) && !context.Has(JobFlags.IgnoreErrors))
        {
            if (!_sourceFailureReported)
            {
                _sourceFailureReported = true;
                tree.Outcomes.Problem(Operation.Remove, 0, directory.Path, warning: true);
            }

            return;
        }

        lock (_gate)
        {
            RemoveExtraneous(directory, rules, dirfd, local, remote);
        }
    }

    private void RemoveExtraneous(ReceiverDirectory directory, DirectoryRules rules, int dirfd, DirectoryListing local, DirectoryListing remote)
    {
        for (var i = local.Count - 1; i >= 0; i--)
        {
            if (remote.Find(local.Name(i)) >= 0)
            {
                continue;
            }

            var name = local.Name(i).ToArray();
            if (!EntrySelection.IsProtected(rules, PathBytes.Join(directory.Path, name), local.Metadata(i).IsDirectory))
            {
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
        return error >= 0 && listing.Count == 0;
    }

    /// <summary>Removes an entry so that one of another type can take its name. A directory with contents goes only with --delete or --force.</summary>
    /// <returns>False when it is still there; reported.</returns>
    public bool MakeWay(ReceiverDirectory directory, int dirfd, ReadOnlySpan<byte> name, in EntryMetadata local)
    {
        var error = context.Io.UnlinkAt(dirfd, name, local.IsDirectory);
        if (error >= 0)
        {
            tree.Touch(directory);
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

    /// <param name="directory">The announced directory below which this is.</param>
    /// <param name="rules">The filter rules in the directory that holds the entry.</param>
    /// <param name="dirfd">That directory.</param>
    /// <param name="name">The entry.</param>
    /// <param name="below">Its path below <paramref name="directory"/>.</param>
    /// <param name="type">Its type.</param>
    /// <param name="count">False for what only makes way, which --max-delete does not count.</param>
    private bool Remove(ReceiverDirectory directory, DirectoryRules rules, int dirfd, byte[] name, byte[] below, EntryType type, bool count)
    {
        if (type == EntryType.Directory && !Empty(directory, rules, dirfd, name, below, count))
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
            var error = context.Io.UnlinkAt(dirfd, name, type == EntryType.Directory);
            if (error < 0 && error != -Errno.ENOENT)
            {
                tree.Report(Operation.Remove, -error, PathBytes.Join(directory.Path, below));
                return false;
            }

            tree.Touch(directory);
        }

        // What makes way is told by what takes its place; what was in it is told by itself.
        if (count || below.Length > name.Length)
        {
            tree.Outcomes.Deleted(directory, below, type);
        }

        return true;
    }

    /// <summary>Removes everything in a directory that no rule protects.</summary>
    /// <returns>True when nothing is left.</returns>
    private bool Empty(ReceiverDirectory directory, DirectoryRules rules, int dirfd, byte[] name, byte[] below, bool count)
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

            rules = tree.EnterRules(rules, PathBytes.Join(directory.Path, below), fd);
            var empty = !rules.IsUncertain;
            for (var i = rules.IsUncertain ? -1 : listing.Count - 1; i >= 0; i--)
            {
                var child = listing.Name(i).ToArray();
                var childBelow = PathBytes.Join(below, child);
                var type = listing.Metadata(i).Type;
                empty &= !EntrySelection.IsProtected(rules, PathBytes.Join(directory.Path, childBelow), type == EntryType.Directory, insideDeletion: true)
                    && Remove(directory, rules, fd, child, childBelow, type, count);
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
