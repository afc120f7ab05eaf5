using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving.Directories;

/// <summary>Gives directories their final attributes, once nothing in or below them changes any more.</summary>
internal sealed class DirectoryFinisher(SyncContext context, ReceiverTree tree)
{
    /// <summary>Sees to a directory, and to child directories that were not walked.</summary>
    public void Finish(ReceiverDirectory directory)
    {
        foreach (var goal in directory.Goals)
        {
            // What no listing came of is taken to be here by a sender that looks only at what changed.
            if (goal is { Claimed: false, IsNew: true })
            {
                Interlocked.Increment(ref tree.Statistics.UnlistedDirectories);
            }
        }

        if (!directory.Skipped && !context.Has(JobFlags.DryRun))
        {
            if (directory.Parent is null)
            {
                tree.IsWhole = directory.Goal is not null && !context.Problems.SourceFailed && Interlocked.Read(ref tree.Statistics.Failed) == 0;
                directory.Touched |= tree.Placement.Resume.Sweep(tree.IsWhole);
            }

            foreach (var goal in directory.Goals)
            {
                if (goal is { Claimed: false, Differs: true, IsPassage: false })
                {
                    Apply(PathBytes.Join(directory.Path, goal.Name), goal);
                }
            }

            if (directory.Goal is { IsPassage: false } own && (directory.Touched || own.Differs))
            {
                Apply(directory.Path, own);
            }
        }

        tree.Handles.Forget(directory);
        tree.Alternates.Forget(directory);
    }

    /// <summary>What comes behind all directories.</summary>
    public void FinishTree()
    {
        tree.Attributes.Locks.Set(tree.Root.Fd);
        tree.Attributes.Unkept.Tell(tree.Outcomes);
    }

    private void Apply(byte[] path, DirectoryGoal goal)
    {
        if (tree.Late.IsExpected)
        {
            tree.Late.AddGoal(path, goal);
        }
        else
        {
            tree.Attributes.ApplyToDirectory(tree.Handles, path, goal);
        }
    }
}
