using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session.Receiving.Directories;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving.Reconciling;

/// <summary>Makes the directories among the entries, or compares those that are here. What they look like in the end is a goal.</summary>
/// <remarks>Used by the dispatcher alone.</remarks>
internal sealed class DirectoryReconciler(SyncContext context, ReceiverTree tree)
{
    /// <param name="directory">Where the entry is.</param>
    /// <param name="dirfd">That directory; -1 in a dry run that would make it.</param>
    /// <param name="index">The entry.</param>
    /// <param name="here">Its index in what is here; -1 when it is not.</param>
    public void Reconcile(ReceiverDirectory directory, int dirfd, int index, int here)
    {
        var remote = directory.Remote!.Entries;
        var name = tree.LocalName(directory, index);
        var isPassage = directory.Remote.Mark(index) == EntryMark.Passage;
        var goal = new DirectoryGoal(name.ToArray(), remote.Metadata(index), remote.Xattrs(index).ToArray()) { Umask = directory.Umask, IsPassage = isPassage };
        directory.Goals.Add(goal);
        if (here >= 0 && LooksLikeDirectory(directory, dirfd, name, here, isPassage, out var link))
        {
            if (!isPassage)
            {
                Compare(directory, index, here, goal, link);
            }

            return;
        }

        if (here < 0 ? context.Has(JobFlags.Existing) : context.Has(JobFlags.IgnoreExisting))
        {
            tree.Outcomes.Skipped(directory, index, isNew: here < 0);
            return;
        }

        if (here >= 0 && !tree.Deleter.MakeWay(directory, dirfd, name, directory.Local!.Metadata(here)))
        {
            return;
        }

        if (!context.Has(JobFlags.DryRun) && !Make(directory, dirfd, index, goal))
        {
            return;
        }

        goal.Differs = true;
        goal.IsNew = true;
        if (isPassage)
        {
            return;
        }

        // As in rsync, one that is made is compared with what is elsewhere.
        if (!tree.Alternates.IsOn || tree.Alternates.FindDirectory(directory, index) is not { } changes)
        {
            tree.Outcomes.Done(OutcomeKind.Created, directory, index, Changes.New);
        }
        else if (changes != 0)
        {
            tree.Outcomes.Done(OutcomeKind.Updated, directory, index, changes);
        }
        else
        {
            tree.Outcomes.Unchanged(directory, index, Changes.Content);
        }
    }

    private void Compare(ReceiverDirectory directory, int index, int here, DirectoryGoal goal, EntryMetadata? link)
    {
        var changes = link is { } there
            ? tree.Attributes.Compare(goal.Metadata, default, there, default)
            : tree.Attributes.Compare(goal.Metadata, goal.Xattrs, directory.Local!.Metadata(here), directory.Local.Xattrs(here));
        goal.Differs = changes != 0;
        if (goal.Differs)
        {
            tree.Outcomes.Done(OutcomeKind.MetadataOnly, directory, index, changes);
        }
        else
        {
            tree.Outcomes.Unchanged(directory, index);
        }
    }

    /// <returns>False when it cannot be made; why is reported.</returns>
    private bool Make(ReceiverDirectory directory, int dirfd, int index, DirectoryGoal goal)
    {
        var name = tree.LocalName(directory, index);
        var mode = goal.IsPassage ? tree.Attributes.DefaultDirectoryMode : ModeBits.PrivateDirectory;
        var error = context.Io.MakeDirectoryAt(dirfd, name, mode);
        goal.IsPrivate = error >= 0 && !goal.IsPassage;
        if (error == -Errno.EEXIST && context.Io.StatAt(dirfd, name, out var hidden) >= 0)
        {
            // A rule hid it from the comparison. Rules protect from deletion, not from what the source has in its place.
            error = hidden.IsDirectory ? 0
                : tree.Deleter.MakeWay(directory, dirfd, name, hidden.ToMetadata())
                    ? context.Io.MakeDirectoryAt(dirfd, name, mode)
                    : error;
        }

        if (error < 0)
        {
            tree.Outcomes.Failed(directory, index, Operation.MakeDirectory, -error);
            return false;
        }

        tree.Directories.Touch(directory);
        return true;
    }

    /// <summary>A directory, or with --keep-dirlinks, or for what is only passed, a link to one.</summary>
    private bool LooksLikeDirectory(ReceiverDirectory directory, int dirfd, ReadOnlySpan<byte> name, int here, bool isPassage, out EntryMetadata? link)
    {
        link = null;
        ref var local = ref directory.Local!.Metadata(here);
        if (!local.IsSymbolicLink || !(isPassage || context.Has(JobFlags.KeepDirLinks)))
        {
            return local.IsDirectory;
        }

        if (context.Io.StatFollowing(dirfd, name, out var status) < 0 || !status.IsDirectory)
        {
            return false;
        }

        link = status.ToMetadata();
        return true;
    }
}
