using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Filters;
using NativeSync.Engine.Session.Receiving.Directories;
using NativeSync.Engine.Session.Receiving.Places;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving;

/// <summary>
/// What is done when all contents are here: delayed updates take their places, then what --delete-after and --delete-delay found
/// goes, and then directories get their attributes, which both would have changed again.
/// </summary>
/// <remarks>Lists are guarded by <c>_gate</c>; <see cref="Run"/> is called once, when nobody adds any more.</remarks>
internal sealed class LateWork(SyncContext context, ReceiverTree tree)
{
    private readonly Lock _gate = new();
    private readonly List<LateUpdate> _updates = [];
    private readonly HashSet<(int Directory, int Index)> _held = [];
    private readonly HashSet<byte[]> _cleared = new(ByteArrayComparer.Instance);
    private readonly List<LateDeletion> _deletions = [];
    private readonly List<(byte[] Directory, DirectoryGoal Goal)> _goals = [];

    /// <summary>True when deletions wait for the end: that was asked for, or what is extraneous may be taken for new names (--detect-renamed).</summary>
    public bool TakesDeletions { get; } = context.Has(JobFlags.Delete)
        && (context.Options.DeleteTiming is DeleteTiming.Delay or DeleteTiming.After || (context.Options.DeleteTiming == DeleteTiming.During && context.Options.DetectRenamed));

    /// <summary>True when directories must wait for the end with their attributes.</summary>
    public bool IsExpected => TakesDeletions || context.Has(JobFlags.DelayUpdates);

    /// <param name="directory">The directory that holds it.</param>
    /// <param name="index">The entry.</param>
    /// <param name="isLink">What waits is another name of something that waits elsewhere.</param>
    public void AddUpdate(ReceiverDirectory directory, int index, bool isLink)
    {
        lock (_gate)
        {
            _updates.Add(new LateUpdate(directory.Id, directory.Path, index, tree.LocalName(directory, index).ToArray(), isLink));
            _held.Add((directory.Id, index));
        }
    }

    /// <summary>True when an entry waits for the end.</summary>
    public bool Holds(ReceiverDirectory directory, int index)
    {
        lock (_gate)
        {
            return _held.Count > 0 && _held.Contains((directory.Id, index));
        }
    }

    /// <summary>Something was taken out of a directory's place for delayed updates.</summary>
    public void AddCleared(byte[] directory)
    {
        lock (_gate)
        {
            _cleared.Add(directory);
        }
    }

    public void AddDeletion(in LateDeletion deletion)
    {
        tree.Finder.IsDoomed(deletion.Directory, deletion.Name);
        lock (_gate)
        {
            _deletions.Add(deletion);
        }
    }

    /// <summary>What was found extraneous, in the order in which it was found; false when there is no more so far.</summary>
    public bool TryGetDeletion(int number, out LateDeletion deletion)
    {
        lock (_gate)
        {
            var isThere = number < _deletions.Count;
            deletion = isThere ? _deletions[number] : default;
            return isThere;
        }
    }

    public void AddGoal(byte[] directory, DirectoryGoal goal)
    {
        lock (_gate)
        {
            _goals.Add((directory, goal));
        }
    }

    /// <summary>What a directory that is done but for its attributes is to look like; null for one that does not wait.</summary>
    public DirectoryGoal? GoalOf(ReadOnlySpan<byte> directory)
    {
        lock (_gate)
        {
            foreach (var (path, goal) in _goals)
            {
                if (directory.SequenceEqual(path))
                {
                    return goal;
                }
            }

            return null;
        }
    }

    public void Run()
    {
        // What failed last may have failed because the session is ending.
        context.Abort.ThrowIfAborted();
        foreach (var update in _updates)
        {
            var error = Update(update);
            if (error < 0)
            {
                Interlocked.Increment(ref tree.Statistics.Failed);
                tree.Report(Operation.Rename, -error, PathBytes.Join(update.Directory, update.Name));
            }
        }

        foreach (var directory in _cleared)
        {
            Clear(directory);
        }

        if (_deletions.Count > 0 && tree.Deleter.MayDelete([]))
        {
            foreach (var deletion in _deletions)
            {
                context.Abort.ThrowIfAborted();
                Delete(deletion);
            }

            tree.Deleter.FinishLate();
        }

        foreach (var (directory, goal) in _goals)
        {
            tree.Attributes.ApplyToDirectory(tree.Handles, directory, goal);
        }
    }

    private int Update(in LateUpdate update)
    {
        var dirfd = tree.Handles.Open(update.Directory);
        if (dirfd < 0)
        {
            return dirfd;
        }

        var partials = tree.Placement.Partials;
        var place = partials.Open(dirfd);
        var error = place;
        if (place >= 0)
        {
            error = tree.Placement.Replace(PathBytes.Join(update.Directory, update.Name), new Staged(place, update.Name), dirfd, update.Name);
            if (error >= 0)
            {
                // Renaming one name of a file over another does nothing.
                context.Io.UnlinkAt(place, update.Name, directory: false);
                tree.Confirmer.ConfirmLate(update, dirfd);
            }
            else if (update.IsLink)
            {
                // Contents wait for the next run; it would not look for a name, which costs nothing to make again.
                context.Io.UnlinkAt(place, update.Name, directory: false);
            }

            partials.Close(place);
            partials.RemoveIfEmpty(dirfd);
        }

        context.Io.Close(dirfd);
        return error;
    }

    private void Clear(byte[] directory)
    {
        var dirfd = tree.Handles.Open(directory);
        if (dirfd >= 0)
        {
            tree.Placement.Partials.RemoveIfEmpty(dirfd);
            context.Io.Close(dirfd);
        }
    }

    private void Delete(in LateDeletion deletion)
    {
        var dirfd = tree.Handles.Open(deletion.Directory);
        if (dirfd < 0)
        {
            if (dirfd != -Errno.ENOENT || !context.Has(JobFlags.DryRun))
            {
                tree.Report(Operation.Open, -dirfd, deletion.Directory);
            }

            return;
        }

        tree.Deleter.RemoveLate(deletion, dirfd);
    }
}

/// <summary>What --delay-updates put aside.</summary>
/// <param name="DirectoryId">The directory that holds it; settled by the time of the end.</param>
/// <param name="Directory">Its path relative to the destination.</param>
/// <param name="Index">The entry.</param>
/// <param name="Name">Its name here.</param>
/// <param name="IsLink">It is another name of something that waits elsewhere.</param>
internal readonly record struct LateUpdate(int DirectoryId, byte[] Directory, int Index, byte[] Name, bool IsLink);

/// <summary>What --delete-after and --delete-delay found.</summary>
/// <param name="Directory">The directory that holds it, relative to the destination.</param>
/// <param name="Name">Its name there.</param>
/// <param name="Type">What it is.</param>
/// <param name="Rules">The filter rules in that directory.</param>
internal readonly record struct LateDeletion(byte[] Directory, byte[] Name, EntryType Type, DirectoryRules Rules);
