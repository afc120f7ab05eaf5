using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session.Receiving.Directories;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving;

/// <summary>What becomes of contents that were asked for, or came unasked: each ends once, and whoever waits for it goes on.</summary>
/// <remarks>Used by the dispatcher, by writers and by the basis thread.</remarks>
internal sealed class ContentResults(SyncContext context, ReceiverTree tree)
{
    /// <summary>Asks for a file, or asks again, whole.</summary>
    public void AskWhole(ReceiverDirectory directory, int index)
    {
        directory.Remote!.State(index) = ContentState.Awaited;
        tree.Bases.Forget(directory, index);
        context.Outbox.Want(directory.Id, index);
    }

    /// <summary>Counts another attempt at a content; false when there have been enough.</summary>
    public static bool MayAskAgain(ReceiverDirectory directory, int index) => directory.Remote!.Attempts(index)++ < 2;

    /// <summary>Nothing more is expected for one entry.</summary>
    /// <param name="directory">Where the entry is.</param>
    /// <param name="index">The entry.</param>
    /// <param name="counted">Bytes of it that count already.</param>
    public void Settled(ReceiverDirectory directory, int index, long counted = 0)
    {
        if (directory.Remote is { } remote)
        {
            remote.State(index) = ContentState.Done;
            ref var metadata = ref remote.Entries.Metadata(index);
            context.Progress.Settled(1, (metadata.IsRegular ? metadata.Size : 0) - counted);
        }

        tree.Directories.ContentSettled(directory);
    }

    /// <summary>The answer to a Compare: the content here is that of the source.</summary>
    public void IsSame(ReceiverDirectory directory, int index)
    {
        if (!directory.Skipped && !tree.Finder.TryTake(directory, index) && tree.Reconciler.Comparison.ContentIsSame(directory, index))
        {
            Settled(directory, index);
        }
    }

    /// <summary>The answer to a Compare: the content must be transferred.</summary>
    public void Differs(ReceiverDirectory directory, int index)
    {
        if (directory.Skipped || tree.Finder.TryNext(directory, index))
        {
            return;
        }

        if (!context.MayAskForContent)
        {
            tree.Outcomes.Done(OutcomeKind.Updated, directory, index, directory.Remote!.Differences(index) | Changes.Content);
            Done(directory, index, succeeded: true);
            return;
        }

        tree.Reconciler.Comparison.ContentDiffers(directory, index);
    }

    /// <summary>An entry's content is left as it is, on purpose.</summary>
    public void LeftAlone(ReceiverDirectory directory, int index)
    {
        tree.Outcomes.Skipped(directory, index, isNew: false);
        Done(directory, index, succeeded: true);
    }

    /// <summary>An entry's content cannot be put in place; why is reported.</summary>
    public void GivenUp(ReceiverDirectory directory, int index) => Done(directory, index, succeeded: false);

    /// <summary>A writer is done with an entry's content.</summary>
    /// <param name="directory">Where the entry is.</param>
    /// <param name="index">The entry.</param>
    /// <param name="error">0, or -errno.</param>
    /// <param name="size">Bytes of the file.</param>
    /// <param name="literal">Of them, bytes that came as data.</param>
    /// <param name="matched">Of them, bytes that came from the basis.</param>
    /// <param name="digest">XXH3-128 of the content.</param>
    /// <param name="counted">Bytes that count already.</param>
    public void Written(ReceiverDirectory directory, int index, int error, long size, long literal, long matched, UInt128 digest = default, long counted = 0)
    {
        if (error < 0)
        {
            // What is missing is told: none of it is there.
            context.Progress.Settled(0, -counted);
            counted = 0;
            tree.Full.ThrowIf(error, tree.PathOf(directory, index), directory.Remote!.Entries.Metadata(index).Size);
        }

        if (error < 0)
        {
            tree.Outcomes.Failed(directory, index, Operation.Write, -error);
        }
        else
        {
            tree.Placement.Unflushed.Written();
            tree.Directories.Touch(directory);
            var statistics = tree.Statistics;
            Interlocked.Increment(ref statistics.FilesTransferred);
            Interlocked.Add(ref statistics.TransferredSize, size);
            Interlocked.Add(ref statistics.LiteralBytes, literal);
            Interlocked.Add(ref statistics.MatchedBytes, matched);
            Interlocked.Add(ref statistics.DeltaFiles, matched > 0 ? 1 : 0);
            var changes = directory.Remote!.Differences(index);
            tree.Outcomes.Done(
                (changes & Changes.New) != 0 ? OutcomeKind.Created : OutcomeKind.Updated, directory, index, changes | Changes.Content, literal, digest);
        }

        Done(directory, index, error >= 0, counted);
    }

    /// <summary>A writer has copied an entry's content from another place of this machine.</summary>
    public void Copied(ReceiverDirectory directory, int index, int error)
    {
        if (error < 0)
        {
            Written(directory, index, error, 0, 0, 0);
            return;
        }

        tree.Placement.Unflushed.Written();
        tree.Directories.Touch(directory);
        if (directory.Remote!.Differences(index) is var changes and not 0)
        {
            tree.Outcomes.Done(OutcomeKind.Copied, directory, index, changes);
        }
        else
        {
            tree.Outcomes.Unchanged(directory, index, Changes.Content);
        }

        Done(directory, index, succeeded: true);
    }

    /// <summary>What arrived is not what the source had: asked for again, and given up after a few times.</summary>
    public void Mismatch(ReceiverDirectory directory, int index)
    {
        if (MayAskAgain(directory, index))
        {
            AskWhole(directory, index);
            return;
        }

        tree.Outcomes.Failed(directory, index, Operation.Verify, 0);
        Done(directory, index, succeeded: false);
    }

    /// <summary>The sender cannot give an entry's content: what is here stays.</summary>
    public void SourceFailed(ReceiverDirectory directory, int index, int errno, long counted = 0)
    {
        context.Problems.Add(new SyncProblem(errno == 0 ? Operation.Batch : Operation.Read, errno, tree.PathOf(directory, index), OnSource: true, Warning: errno == Errno.ENOENT));
        Done(directory, index, succeeded: false, counted);
    }

    /// <summary>The source changed while it was read, and did not hold still: what came is kept, and listed.</summary>
    public void SourceChanged(ReceiverDirectory directory, int index)
    {
        Interlocked.Increment(ref tree.Statistics.Unstable);
        tree.Outcomes.Problem(Operation.Changed, 0, tree.PathOf(directory, index), warning: true, onSource: true);
    }

    /// <summary>The content of an entry is in place, or cannot be had: whoever waits for it goes on.</summary>
    private void Done(ReceiverDirectory directory, int index, bool succeeded, long counted = 0)
    {
        tree.Bases.Forget(directory, index);
        var remote = directory.Remote!;
        if (succeeded && !context.Has(JobFlags.DryRun) && tree.Placement.Resume.HasAny)
        {
            tree.Placement.Resume.Remove(tree.PathOf(directory, index));
        }

        if (succeeded && !context.Has(JobFlags.DryRun) && tree.Placement.Partials.TakeFound(directory.Id, index) && remote.State(index) != ContentState.Aside)
        {
            RemovePartial(directory, index);
        }

        tree.Links.LeaderDone(remote.Group(index), succeeded, remote.State(index) == ContentState.Aside);
        Settled(directory, index, counted);
    }

    private void RemovePartial(ReceiverDirectory directory, int index)
    {
        var handle = tree.Handles.Take(directory);
        if (handle.Fd >= 0)
        {
            tree.Placement.Partials.Remove(handle.Fd, tree.LocalName(directory, index));
        }

        tree.Handles.Return(handle);
    }
}
