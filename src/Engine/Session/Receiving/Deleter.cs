using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Filters;
using NativeSync.Engine.Session.Receiving.Deleting;
using NativeSync.Engine.Session.Receiving.Directories;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving;

/// <summary>
/// Removes what the source does not have (--delete), and what stands in the way of an entry of another type. Deletes only in
/// directories whose complete listing came in this session, only what no rule protects, and nothing after the source could not be
/// read somewhere (rsync CVE-2026-53789 shows why).
/// </summary>
/// <remarks>Used by the dispatcher, and by writers that link: one at a time, by <c>_gate</c>. <see cref="TreeRemover"/> does it.</remarks>
internal sealed class Deleter(SyncContext context, ReceiverTree tree)
{
    private static readonly int[] TheOne = [0];
    private static readonly DirectoryListing NoEntries = new();

    private readonly Lock _gate = new();
    private readonly DirectoryScanner _scanner = new(context.Io);
    private readonly TreeRemover _remover = new(context, tree);
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
            foreach (var i in Extraneous(directory, rules, local, remote))
            {
                tree.Late.AddDeletion(new LateDeletion(directory.Path, local.Name(i).ToArray(), local.Metadata(i).Type, rules));
                tree.Directories.Touch(directory);
            }

            return;
        }

        lock (_gate)
        {
            _remover.Remove(new DoomedDirectory(directory, [], dirfd, local), rules, Extraneous(directory, rules, local, remote));
            _remover.Finish();
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

    /// <summary>Begins to remove an entry that was found extraneous before, in a directory that is done by now; see <see cref="FinishLate"/>.</summary>
    /// <param name="late">The entry.</param>
    /// <param name="dirfd">Its directory; closed here.</param>
    public void RemoveLate(in LateDeletion late, int dirfd)
    {
        lock (_gate)
        {
            // The sender has forgotten the directory: the path is told from the root.
            if (late.Type == EntryType.Directory)
            {
                _remover.Remove(new DoomedDirectory(ReceiverDirectory.Top, late.Directory, dirfd, One(late.Name)) { OwnsFd = true }, late.Rules, TheOne);
                return;
            }

            try
            {
                _remover.RemoveFile(new DoomedDirectory(ReceiverDirectory.Top, late.Directory, dirfd, NoEntries), late.Name, late.Type, counts: true);
            }
            finally
            {
                context.Io.Close(dirfd);
            }
        }
    }

    /// <summary>What <see cref="RemoveLate"/> began is removed, and told.</summary>
    public void FinishLate()
    {
        lock (_gate)
        {
            _remover.Finish();
        }
    }

    /// <summary>Removes what was named and is not at the source (--delete-missing-args). A directory with contents goes only with --delete or --force.</summary>
    public void RemoveMissing(ReceiverDirectory directory, int dirfd, ReadOnlySpan<byte> name, EntryType type)
    {
        lock (_gate)
        {
            if (type != EntryType.Directory || (context.Flags & (JobFlags.Delete | JobFlags.Force)) != 0 || IsEmpty(dirfd, name))
            {
                Remove(directory, directory.Rules!, dirfd, name, type, counts: true);
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
        return error >= 0 && listing.Count == 0 && !listing.Incomplete;
    }

    private static IEnumerable<int> Extraneous(ReceiverDirectory directory, DirectoryRules rules, DirectoryListing local, DirectoryListing remote)
    {
        foreach (var i in DoomedDirectory.InOrder(local))
        {
            if (remote.Find(local.Name(i)) < 0 && !EntrySelection.IsProtected(rules, PathBytes.Join(directory.Path, local.Name(i)), local.Metadata(i).IsDirectory))
            {
                yield return i;
            }
        }
    }

    /// <summary>A directory as the only entry.</summary>
    private static DirectoryListing One(ReadOnlySpan<byte> name)
    {
        var listing = new DirectoryListing();
        listing.AppendStored(listing.Store(name), name.Length, new EntryMetadata { Mode = (uint)EntryType.Directory << 12 }, default);
        return listing;
    }

    private bool Remove(ReceiverDirectory directory, DirectoryRules rules, int dirfd, ReadOnlySpan<byte> name, EntryType type, bool counts)
    {
        if (type != EntryType.Directory)
        {
            return _remover.RemoveFile(new DoomedDirectory(directory, [], dirfd, NoEntries), name, type, counts);
        }

        var top = new DoomedDirectory(directory, [], dirfd, One(name));
        _remover.Remove(top, rules, TheOne, counts);
        _remover.Finish();
        return top.IsEmptied;
    }

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
                if (Remove(directory, directory.Rules ?? tree.Filters.Outside, dirfd, name, EntryType.Directory, counts: false))
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
                if (Remove(directory, directory.Rules ?? tree.Filters.Outside, dirfd, name, EntryType.Directory, counts: false))
                {
                    return true;
                }
            }
        }

        tree.Report(Operation.Remove, Errno.ENOTEMPTY, PathBytes.Join(directory.Path, name));
        return false;
    }
}
