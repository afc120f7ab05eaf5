using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session.Receiving.Directories;
using NativeSync.Engine.Session.Receiving.Places;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving.Reconciling;

/// <summary>-c: which of what is here, under its own name or elsewhere, has the content of the source. The sender answers.</summary>
/// <remarks>Used by the dispatcher alone.</remarks>
internal sealed class ContentComparison(
    SyncContext context, ReceiverTree tree, AttributeUpdates updates, AlternateReconciler alternates, ContentRequests requests)
{
    /// <summary>-c: begins to compare with the alternate directories.</summary>
    public bool TryElsewhere(ReceiverDirectory directory, int index, bool isHere)
    {
        if (!tree.Alternates.IsOn || !context.Has(JobFlags.Checksum) || (isHere && tree.Alternates.Use == AlternateUse.Copy))
        {
            return false;
        }

        var candidates = tree.Alternates.Candidates(directory, index, exactOnly: isHere);
        if (candidates.Count > 0)
        {
            directory.Remote!.State(index) = ContentState.Awaited;
            CompareElsewhere(directory, index, candidates);
        }

        return candidates.Count > 0;
    }

    /// <summary>The content here is already that of the source.</summary>
    /// <returns>False when something is still pending.</returns>
    public bool ContentIsSame(ReceiverDirectory directory, int index)
    {
        var handle = tree.Handles.Take(directory);
        try
        {
            var remote = directory.Remote!;
            var name = tree.LocalName(directory, index);
            if (tree.Bases.TryGet(directory, index, out var choice) && choice.Place >= 0)
            {
                return SameElsewhere(directory, handle.Fd, index, choice.Place);
            }

            if (context.Io.StatAt(handle.Fd, name, out var status) >= 0)
            {
                var xattrs = tree.Attributes.ReadXattrs(handle.Fd, name);
                updates.Update(directory, handle.Fd, index, name, status.ToMetadata(), xattrs);
            }

            tree.Links.LeaderIsHere(directory, index);
            return true;
        }
        finally
        {
            tree.Handles.Return(handle);
        }
    }

    /// <summary>-c: what an alternate directory has is the content of the source.</summary>
    private bool SameElsewhere(ReceiverDirectory directory, int dirfd, int index, int place)
    {
        var match = tree.Alternates.Look(directory, index, place);
        var here = context.Io.StatAt(dirfd, tree.LocalName(directory, index), out _) >= 0 ? 0 : -1;
        if (match.Level >= AlternateLevel.Content && alternates.TryUse(directory, dirfd, index, here, match, out var pending))
        {
            return !pending;
        }

        requests.AskLater(directory, index);
        return false;
    }

    /// <summary>-c: the content here, or in the place that was compared, is not that of the source.</summary>
    public void ContentDiffers(ReceiverDirectory directory, int index)
    {
        if ((context.Flags & (JobFlags.Append | JobFlags.AppendVerify)) != 0)
        {
            tree.Contents.LeftAlone(directory, index);
        }
        else if (!tree.Bases.TryGet(directory, index, out var choice) || choice.Place < 0)
        {
            requests.AskLater(directory, index);
        }
        else if (choice.Next.Count > 0)
        {
            CompareElsewhere(directory, index, choice.Next);
        }
        else
        {
            tree.Bases.Forget(directory, index);
            requests.CompareOrAsk(directory, index, choice.Place);
        }
    }

    /// <summary>A member of a set of hard links leads, and its content is needed.</summary>
    public void Appointed(ReceiverDirectory directory, int index)
    {
        if (!TryElsewhere(directory, index, isHere: false))
        {
            requests.AskLater(directory, index);
        }
    }

    private void CompareElsewhere(ReceiverDirectory directory, int index, ArraySegment<int> places)
    {
        tree.Bases.Choose(directory, index, new BasisChoice(places[0], Next: places[1..]));
        tree.Basis.RequestCompare(directory, index);
    }
}
