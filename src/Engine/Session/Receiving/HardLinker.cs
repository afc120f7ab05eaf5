using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session.Receiving.Directories;
using NativeSync.Engine.Session.Receiving.Places;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving;

/// <summary>
/// Makes entries hard links to the first member of their set, at once or when that one has arrived. Used by the dispatcher and by
/// writers.
/// </summary>
internal sealed class HardLinker(SyncContext context, ReceiverTree tree)
{
    private readonly HardLinkTable _table = new();
    private bool _allSeen;

    private bool IsDry => context.Has(JobFlags.DryRun);

    /// <summary>Enters a member of a set. The caller sees to the content of the leader.</summary>
    /// <param name="group">The set.</param>
    /// <param name="directory">Where the member is.</param>
    /// <param name="dirfd">That directory.</param>
    /// <param name="index">The member.</param>
    /// <param name="isHere">A file to begin with is here under its name, or in another place given for that.</param>
    /// <param name="pending">True when the member is not settled yet.</param>
    /// <returns>True when the member is seen to; false for the leader.</returns>
    public bool Enter(ulong group, ReceiverDirectory directory, int dirfd, int index, bool isHere, out bool pending)
    {
        // Where everything is new, no member can be here.
        var mayWait = !isHere && !IsDry && !tree.Root.Created && !_allSeen && directory.Remote!.Entries.Metadata(index).IsRegular;
        var role = _table.Enter(group, directory, index, tree.LocalName(directory, index), mayWait, IsDry, out var set);
        pending = role switch
        {
            LinkRole.Follower => Link(directory, dirfd, index, set) == LinkResult.Leads,
            LinkRole.Waiter => true,
            _ => false,
        };
        if (role == LinkRole.Waiter)
        {
            directory.Remote!.State(index) = ContentState.Linking;
            if (_table.IsFull)
            {
                AppointLeaders();
            }
        }

        return role != LinkRole.Leader;
    }

    /// <summary>All members of all sets have been seen: sets of which nothing is here get a leader whose content is asked for.</summary>
    public void AllAreKnown()
    {
        _allSeen = true;
        AppointLeaders();
    }

    /// <summary>An entry that needs no content, or whose content is here: those linked to it can be linked.</summary>
    public void LeaderIsHere(ReceiverDirectory directory, int index) => LeaderDone(directory.Remote!.Group(index), succeeded: true, aside: false);

    /// <summary>The first of a set is here, or cannot be had: the others are linked, or the next one leads.</summary>
    /// <param name="group">The set; 0 for none.</param>
    /// <param name="succeeded">It is here.</param>
    /// <param name="aside">It waits for the end under another name, and so must those linked to it.</param>
    public void LeaderDone(ulong group, bool succeeded, bool aside)
    {
        if (group == 0 || !context.Has(JobFlags.HardLinks))
        {
            return;
        }

        if (!succeeded)
        {
            if (_table.LeaderFailed(group) is { } next)
            {
                Appoint(next.Directory, next.Index);
            }

            return;
        }

        foreach (var (directory, index) in _table.LeaderIsReady(group, aside, out var set))
        {
            if (_table.WaitAgain(set!, directory, index))
            {
                continue; // one before it in this loop began a new file
            }

            var handle = tree.Handles.Take(directory);
            try
            {
                if (handle.Fd < 0)
                {
                    tree.Report(Operation.Open, -handle.Fd, directory.Path);
                }
                else if (Link(directory, handle.Fd, index, set!) == LinkResult.Leads)
                {
                    continue;
                }
            }
            finally
            {
                tree.Handles.Return(handle);
            }

            tree.Contents.Settled(directory, index);
        }
    }

    private void AppointLeaders()
    {
        foreach (var (directory, index) in _table.TakeLeaderless())
        {
            Appoint(directory, index);
        }
    }

    /// <summary>A member that waited leads: its content is asked for, or the next one leads.</summary>
    private void Appoint(ReceiverDirectory directory, int index)
    {
        var handle = tree.Handles.Take(directory);
        try
        {
            var name = tree.LocalName(directory, index);
            FileStatus here = default;
            var exists = handle.Fd >= 0 && context.Io.StatAt(handle.Fd, name, out here) >= 0;
            directory.Remote!.Differences(index) = exists ? Changes.HardLink : Changes.New;
            directory.Remote.State(index) = ContentState.Awaited;
            if (!exists || !here.IsDirectory || tree.Deleter.MakeWay(directory, handle.Fd, name, here.ToMetadata()))
            {
                tree.Reconciler.Comparison.Appointed(directory, index);
                return;
            }
        }
        finally
        {
            tree.Handles.Return(handle);
        }

        tree.Contents.GivenUp(directory, index);
    }

    private LinkResult Link(ReceiverDirectory directory, int dirfd, int index, LinkSet set)
    {
        var name = tree.LocalName(directory, index);
        var leader = IsDry && set.Directory.Void ? null : tree.Handles.Take(set.Directory);
        try
        {
            FileStatus here = default;
            var exists = dirfd >= 0 && context.Io.StatAt(dirfd, name, out here) >= 0;
            if (exists && !set.IsAside && leader is { Fd: >= 0 } && context.Io.StatAt(leader.Fd, set.Name, out var there) >= 0 && here.SameObject(there))
            {
                RemoveAside(directory, dirfd, name);
                tree.Outcomes.Unchanged(directory, index);
                return LinkResult.Done;
            }

            if (exists && here.IsDirectory)
            {
                if (!tree.Deleter.MakeWay(directory, dirfd, name, here.ToMetadata()))
                {
                    return LinkResult.Done;
                }

                exists = false;
            }

            if (IsDry)
            {
                Tell(directory, index, set, exists);
                return LinkResult.Done;
            }

            if (set.IsAside && leader is { Fd: >= 0 })
            {
                return Report(directory, index, set, tree.Placement.LinkAside(directory, index, dirfd, leader.Fd, set.Name), exists);
            }

            var error = LinkOver(directory, dirfd, name, leader!.Fd, set.Name, exists);
            if (error >= 0)
            {
                RemoveAside(directory, dirfd, name);
            }

            return Report(directory, index, set, error, exists);
        }
        finally
        {
            if (leader is not null)
            {
                tree.Handles.Return(leader);
            }
        }
    }

    private LinkResult Report(ReceiverDirectory directory, int index, LinkSet set, int error, bool exists)
    {
        if (error == -Errno.EMLINK)
        {
            // As many links as the file system allows: this one begins a new file.
            _table.Replace(directory.Remote!.Group(index), directory, tree.LocalName(directory, index));
            directory.Remote.State(index) = ContentState.Awaited;
            directory.Remote.Differences(index) = exists ? Changes.HardLink : Changes.New;
            tree.Contents.AskWhole(directory, index);
            return LinkResult.Leads;
        }

        if (error == -Errno.ENOENT && _table.WaitAgain(set, directory, index))
        {
            directory.Remote!.State(index) = ContentState.Linking;
            return LinkResult.Leads; // another thread's member began a new file meanwhile
        }

        if (error < 0)
        {
            tree.Outcomes.Failed(directory, index, Operation.Link, -error);
            return LinkResult.Done;
        }

        tree.Directories.Touch(directory);
        Tell(directory, index, set, exists);
        return LinkResult.Done;
    }

    /// <summary>As in rsync, a name that is the same elsewhere is nothing new, but for --copy-dest worth a line.</summary>
    private void Tell(ReceiverDirectory directory, int index, LinkSet set, bool exists)
    {
        var isElsewhere = !exists && tree.Alternates.IsOn && tree.Alternates.HasSame(directory, index);
        if (isElsewhere && tree.Alternates.Use == AlternateUse.Link)
        {
            tree.Outcomes.Unchanged(directory, index, Changes.HardLink, set.Path);
        }
        else
        {
            tree.Outcomes.Linked(directory, index, set.Path, isNew: !exists && !isElsewhere);
        }
    }

    /// <summary>What an earlier run put aside under a name that is linked now, and could not bring to its place: nobody looks for it any more.</summary>
    /// <remarks>The place goes at the end, when no thread puts anything there.</remarks>
    private void RemoveAside(ReceiverDirectory directory, int dirfd, ReadOnlySpan<byte> name)
    {
        if (!IsDry && context.Has(JobFlags.DelayUpdates) && tree.Placement.Partials is { IsShared: false } partials && partials.Unlink(dirfd, name))
        {
            tree.Late.AddCleared(directory.Path);
        }
    }

    /// <summary>Over something that exists by a temporary name, so that the old one stays until the new one is there.</summary>
    private int LinkOver(ReceiverDirectory directory, int dirfd, ReadOnlySpan<byte> name, int leaderFd, byte[] leaderName, bool exists)
    {
        if (leaderFd < 0)
        {
            return leaderFd;
        }

        if (!exists)
        {
            return context.Io.LinkAt(leaderFd, leaderName, dirfd, name);
        }

        var temporary = TemporaryName.For(name);
        var error = context.Io.LinkAt(leaderFd, leaderName, dirfd, temporary);
        if (error < 0)
        {
            return error;
        }

        error = tree.Placement.Replace(PathBytes.Join(directory.Path, name), new Staged(dirfd, temporary), dirfd, name);

        // Renaming one name of a file over another does nothing: it may be linked already where the leader could not be looked at.
        context.Io.UnlinkAt(dirfd, temporary, directory: false);
        return error;
    }

    private enum LinkResult : byte
    {
        /// <summary>Linked, or reported as failed.</summary>
        Done,

        /// <summary>It leads a new file, whose content was asked for, or waits for one.</summary>
        Leads,
    }
}
