using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session.Receiving.Directories;
using NativeSync.Engine.Session.Receiving.Places;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving.Reconciling;

/// <summary>What --compare-dest, --copy-dest and --link-dest do about one entry, as rsync does it.</summary>
/// <remarks>Used by the dispatcher alone, but for <see cref="CopyHere"/>, which writers do.</remarks>
internal sealed class AlternateReconciler(SyncContext context, ReceiverTree tree)
{
    private bool IsDry => context.Has(JobFlags.DryRun);

    private AlternateUse Use => tree.Alternates.Use;

    /// <summary>
    /// Sees to an entry by what an alternate directory has: for one that is not here what is there, and where a file is here already
    /// that need not be (it is left out, or is to be a link), what is there in its place.
    /// </summary>
    /// <param name="directory">Where the entry is.</param>
    /// <param name="dirfd">That directory.</param>
    /// <param name="index">The entry.</param>
    /// <param name="here">Its index in what is here; -1 when it is not.</param>
    /// <param name="match">The best match, as <see cref="AlternateDirectories.Find"/> found it.</param>
    /// <param name="pending">True when its content is on the way.</param>
    /// <returns>False when it must be seen to in the ordinary way; then the match may still be its basis.</returns>
    public bool TryUse(ReceiverDirectory directory, int dirfd, int index, int here, in AlternateMatch match, out bool pending)
    {
        pending = false;
        var isRegular = directory.Remote!.Entries.Metadata(index).IsRegular;
        if (match.Level == AlternateLevel.Exact && Use != AlternateUse.Copy && TakeExact(directory, dirfd, index, here, match.Place))
        {
            return true;
        }

        if (!isRegular || here >= 0 || match.Level < AlternateLevel.Content)
        {
            return false;
        }

        pending = Copy(directory, index, match);
        return true;
    }

    /// <summary>Begins to copy a file from an alternate directory.</summary>
    /// <returns>True when its content is pending.</returns>
    public bool Copy(ReceiverDirectory directory, int index, in AlternateMatch match)
    {
        if (IsDry)
        {
            Report(directory, index, match.Differences);
            tree.Links.LeaderIsHere(directory, index);
            return false;
        }

        directory.Remote!.State(index) = ContentState.Arriving;
        directory.Remote.Differences(index) = match.Differences;
        tree.Bases.Choose(directory, index, new BasisChoice(match.Place));
        tree.Writers.CopyHere(directory, index);
        return true;
    }

    /// <summary>A writer's part: the chosen file is copied; where that fails the content is asked for.</summary>
    public void CopyHere(ReceiverDirectory directory, int index)
    {
        var handle = tree.Handles.Take(directory);
        try
        {
            var error = handle.Fd < 0 ? handle.Fd : CopyTo(directory, index, handle.Fd);
            if (error < 0 && error is not (-Errno.ENOSPC or -Errno.EDQUOT))
            {
                tree.Contents.AskWhole(directory, index);
                return;
            }

            tree.Contents.Copied(directory, index, error);
        }
        finally
        {
            tree.Handles.Return(handle);
        }
    }

    private int CopyTo(ReceiverDirectory directory, int index, int dirfd)
    {
        var from = tree.Bases.Open(directory, index, out _);
        if (from < 0)
        {
            return from;
        }

        var error = CopiedFile.Make(context, tree, directory, index, dirfd, from);
        context.Io.Close(from);
        return error;
    }

    /// <summary>What is the same in everything is left out, or linked.</summary>
    private bool TakeExact(ReceiverDirectory directory, int dirfd, int index, int here, int place)
    {
        if (!IsDry && !(Use == AlternateUse.Link ? Link(directory, dirfd, index, place) : LeaveOut(directory, dirfd, index, here)))
        {
            return false;
        }

        tree.Outcomes.Unchanged(directory, index, Use == AlternateUse.Link ? Changes.HardLink : 0);
        tree.Links.LeaderDone(directory.Remote!.Group(index), succeeded: Use == AlternateUse.Link, aside: false);
        return true;
    }

    /// <summary>What is here, and need not be, goes.</summary>
    private bool LeaveOut(ReceiverDirectory directory, int dirfd, int index, int here)
    {
        if (here < 0)
        {
            return true;
        }

        var name = tree.LocalName(directory, index);
        var error = IsToBeKept(directory, dirfd, index)
            ? tree.Placement.Backups.KeepDeleted(tree.PathOf(directory, index), dirfd, name)
            : context.Io.UnlinkAt(dirfd, name, directory: false);
        if (error < 0)
        {
            tree.Report(Operation.Remove, -error, tree.PathOf(directory, index));
            return false;
        }

        tree.Directories.Touch(directory);
        return true;
    }

    /// <returns>False where a link cannot be: then it is copied, as with rsync.</returns>
    private bool Link(ReceiverDirectory directory, int dirfd, int index, int place)
    {
        var io = context.Io;
        var name = tree.LocalName(directory, index);
        var handles = tree.Alternates.Handles(place);
        var handle = handles.Take(directory);
        try
        {
            if (handle.Fd < 0)
            {
                return false;
            }

            if (io.StatAt(dirfd, name, out var old) < 0)
            {
                if (io.LinkAt(handle.Fd, name, dirfd, name) < 0)
                {
                    return false;
                }
            }
            else if (io.StatAt(handle.Fd, name, out var there) >= 0 && there.SameObject(old))
            {
                return true;
            }
            else
            {
                var staged = new Staged(dirfd, TemporaryName.For(name));
                if (io.LinkAt(handle.Fd, name, dirfd, staged.Name) < 0)
                {
                    return false;
                }

                var error = IsToBeKept(directory, dirfd, index)
                    ? tree.Placement.Replace(tree.PathOf(directory, index), staged, dirfd, name)
                    : io.RenameAt(dirfd, staged.Name, dirfd, name);

                // Renaming one name of a file over another does nothing.
                tree.Placement.Discard(staged);
                if (error < 0)
                {
                    return false;
                }
            }

            tree.Directories.Touch(directory);
            return true;
        }
        finally
        {
            handles.Return(handle);
        }
    }

    /// <summary>
    /// rsync keeps no backup of what gives way to another directory's file. Where that is the same nothing is lost; else it would be.
    /// </summary>
    private bool IsToBeKept(ReceiverDirectory directory, int dirfd, int index)
    {
        ref var wanted = ref directory.Remote!.Entries.Metadata(index);
        return tree.Placement.Backups.IsOn
            && context.Io.StatAt(dirfd, tree.LocalName(directory, index), out var old) >= 0
            && (old.Size != wanted.Size || !MetadataWriter.SameTime(old.Modified, wanted.Modified, context.TimeWindow));
    }

    private void Report(ReceiverDirectory directory, int index, Changes changes)
    {
        if (changes == 0)
        {
            tree.Outcomes.Unchanged(directory, index, Changes.Content);
        }
        else
        {
            tree.Outcomes.Done(OutcomeKind.Copied, directory, index, changes);
        }
    }
}
