using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session.Receiving.Directories;
using NativeSync.Engine.Session.Receiving.Places;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving.Reconciling;

/// <summary>Compares regular files with what is here, and asks for the contents that are needed.</summary>
/// <remarks>Used by the dispatcher alone.</remarks>
internal sealed class FileReconciler(
    SyncContext context, ReceiverTree tree, AttributeUpdates updates, ContentComparison comparison, ContentRequests requests, QuickCheck quick)
{
    /// <param name="directory">Where the entry is.</param>
    /// <param name="dirfd">That directory; -1 in a dry run that would make it.</param>
    /// <param name="index">The entry.</param>
    /// <param name="here">Its index in what is here; -1 when it is not.</param>
    /// <param name="group">Its set of hard links; 0 for none.</param>
    /// <param name="alternate">What the alternate directories have.</param>
    /// <returns>True when its content is pending.</returns>
    public bool Reconcile(ReceiverDirectory directory, int dirfd, int index, int here, ulong group, in AlternateMatch alternate)
    {
        var remote = directory.Remote!;
        if (here >= 0 && directory.Local!.Metadata(here).IsRegular)
        {
            return ReconcileExisting(directory, dirfd, index, here);
        }

        if (here >= 0 && directory.Local!.Metadata(here).IsDirectory
            && !tree.Deleter.MakeWay(directory, dirfd, tree.LocalName(directory, index), directory.Local.Metadata(here)))
        {
            tree.Links.LeaderDone(group, succeeded: false, aside: false);
            return false;
        }

        if (!context.MayAskForContent)
        {
            var isOther = alternate.Level != AlternateLevel.None;
            tree.Outcomes.Done(
                isOther ? OutcomeKind.Updated : OutcomeKind.Created, directory, index, (isOther ? alternate.Differences : Changes.New) | Changes.Content);
            tree.Links.LeaderIsHere(directory, index);
            return false;
        }

        if (directory.Void && group == 0)
        {
            // It comes unasked.
            remote.State(index) = ContentState.Awaited;
            remote.Differences(index) = Changes.New;
            return true;
        }

        remote.Differences(index) = alternate.Level == AlternateLevel.None ? Changes.New : alternate.Differences;
        if (comparison.TryElsewhere(directory, index, isHere: false))
        {
            return true;
        }

        requests.Ask(directory, dirfd, index, -1, alternate);
        return true;
    }

    private bool ReconcileExisting(ReceiverDirectory directory, int dirfd, int index, int here)
    {
        var remote = directory.Remote!;
        ref var local = ref directory.Local!.Metadata(here);
        ref var wanted = ref remote.Entries.Metadata(index);
        remote.Differences(index) = Differences(directory, index, here);
        if (comparison.TryElsewhere(directory, index, isHere: true))
        {
            return true;
        }

        var isAgreed = !context.Has(JobFlags.Checksum) && quick.Agree(local, wanted);
        if ((context.Has(JobFlags.Checksum) && local.Size == wanted.Size) || (isAgreed && tree.Placement.Unflushed.Doubts(directory.Local.Identity(here))))
        {
            remote.State(index) = ContentState.Awaited;
            tree.Basis.RequestCompare(directory, index);
            return true;
        }

        if (isAgreed)
        {
            updates.Update(directory, dirfd, index, tree.LocalName(directory, index), local, directory.Local.Xattrs(here));
            tree.Links.LeaderIsHere(directory, index);
            return false;
        }

        if ((context.Flags & (JobFlags.Append | JobFlags.AppendVerify)) != 0 && local.Size >= wanted.Size)
        {
            // --append is for files that grow: another one is left alone in everything.
            tree.Outcomes.Skipped(directory, index, isNew: false);
            tree.Links.LeaderIsHere(directory, index);
            return false;
        }

        if (!context.MayAskForContent)
        {
            tree.Outcomes.Done(OutcomeKind.Updated, directory, index, remote.Differences(index) | Changes.Content);
            tree.Links.LeaderIsHere(directory, index);
            return false;
        }

        requests.Ask(directory, dirfd, index, local.Size, default);
        return true;
    }

    private Changes Differences(ReceiverDirectory directory, int index, int here)
    {
        ref var wanted = ref directory.Remote!.Entries.Metadata(index);
        ref var local = ref directory.Local!.Metadata(here);
        return tree.Attributes.Compare(wanted, directory.Remote.Entries.Xattrs(index), local, directory.Local.Xattrs(here))
            | (wanted.Size != local.Size ? Changes.Size : 0)
            | (MetadataWriter.SameTime(wanted.Modified, local.Modified, context.TimeWindow) ? 0 : Changes.Time);
    }
}
