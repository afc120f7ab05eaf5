using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving.Directories;

/// <summary>
/// The directories under way, and what must happen when the last thing in one of them is done: the sender is told that nothing
/// more is wanted, and the directory is finished, children before parents.
/// </summary>
/// <remarks>The table, and of a directory what stands below its line, are guarded by <c>_gate</c>; file-system work is done outside of it.</remarks>
internal sealed class DirectoryTable(SyncContext context, ReceiverTree tree, DirectoryGoal? rootGoal, Action onProgress)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<int, ReceiverDirectory> _directories = [];
    private readonly DirectoryFinisher _finisher = new(context, tree);
    private int _lastId = -1;
    private volatile bool _rootFinished;

    /// <summary>False while no directory was announced; at the end that means that the source could not be read at all.</summary>
    public bool HasRoot { get; private set; }

    /// <summary>True when no directory can get further children.</summary>
    public bool IsClosed
    {
        get
        {
            lock (_gate)
            {
                return _directories.Values.All(d => d.Closed);
            }
        }
    }

    /// <summary>True when the root and all below it is done.</summary>
    public bool IsDone => _rootFinished;

    public ReceiverDirectory Get(int id)
    {
        lock (_gate)
        {
            return _directories.TryGetValue(id, out var directory)
                ? directory
                : throw new ProtocolException(ProtocolError.BadOrder, $"directory {id} was not announced, or is done");
        }
    }

    /// <summary>Enters a new directory.</summary>
    public void Add(ReceiverDirectory directory)
    {
        lock (_gate)
        {
            if (directory.Id <= _lastId || (directory.Parent?.LastChild is { } last && directory.Name.AsSpan().SequenceCompareTo(last) <= 0))
            {
                throw new ProtocolException(ProtocolError.BadOrder, $"directory {directory.Id} is announced twice or out of order");
            }

            _lastId = directory.Id;
            _directories.Add(directory.Id, directory);
            HasRoot = true;
            if (directory.Parent is not { } parent)
            {
                directory.Goal = rootGoal;
                directory.GoalKnown = true;
            }
            else
            {
                parent.ChildrenPending++;
                parent.LastChild = directory.Name;
                if (parent.Resolved)
                {
                    Claim(parent, directory);
                }
                else
                {
                    (parent.Unclaimed ??= []).Add(directory);
                }
            }

            if (directory.Skipped)
            {
                directory.Resolved = true;
                directory.Settled = true;
            }
        }
    }

    /// <summary>Nothing of a directory is wanted.</summary>
    public void Skip(ReceiverDirectory directory)
    {
        lock (_gate)
        {
            directory.Resolved = true;
            directory.Settled = true;
        }

        Advance(directory);
    }

    /// <summary>A directory is as it should be; its children are announced all the same.</summary>
    public void IsSame(ReceiverDirectory directory)
    {
        lock (_gate)
        {
            MarkResolved(directory);
            directory.Settled = true;
        }
    }

    /// <summary>All entries of a directory were seen to, and that many contents are on the way.</summary>
    public void Resolve(ReceiverDirectory directory, int pending)
    {
        lock (_gate)
        {
            directory.ContentPending += pending;
            MarkResolved(directory);
        }

        directory.Local = null;
        Advance(directory);
    }

    /// <summary>No more children of this directory will be announced.</summary>
    public void Close(ReceiverDirectory directory)
    {
        lock (_gate)
        {
            directory.Closed = true;
        }

        Advance(directory);
    }

    /// <summary>A content that was pending is no more.</summary>
    public void ContentSettled(ReceiverDirectory directory)
    {
        lock (_gate)
        {
            directory.ContentPending--;
        }

        Advance(directory);
    }

    /// <summary>Something in the directory was made, renamed or removed.</summary>
    public void Touch(ReceiverDirectory directory)
    {
        lock (_gate)
        {
            directory.Touched = true;
        }
    }

    /// <summary>What the directory of that path is to look like; null when it looks like that, or that is not known.</summary>
    public DirectoryGoal? GoalOf(ReadOnlySpan<byte> path)
    {
        lock (_gate)
        {
            foreach (var directory in _directories.Values)
            {
                if (path.SequenceEqual(directory.Path))
                {
                    return directory.Goal;
                }
            }
        }

        return tree.Late.GoalOf(path);
    }

    /// <summary>Under the gate.</summary>
    private static void Claim(ReceiverDirectory parent, ReceiverDirectory child)
    {
        child.Goal = parent.FindGoal(child.Name);
        child.GoalKnown = true;
        if (child is { Skipped: false, Goal: { } goal })
        {
            goal.Claimed = true;
        }
    }

    /// <summary>Under the gate.</summary>
    private static void MarkResolved(ReceiverDirectory directory)
    {
        directory.Resolved = true;
        foreach (var child in directory.Unclaimed ?? [])
        {
            Claim(directory, child);
        }
    }

    /// <summary>Does what has become possible for a directory, and then for those above it.</summary>
    private void Advance(ReceiverDirectory start)
    {
        for (var directory = start; directory is not null; directory = directory.Parent)
        {
            bool settle;
            bool finish;
            List<ReceiverDirectory>? claimed;
            lock (_gate)
            {
                settle = directory is { Resolved: true, Settled: false, ContentPending: 0 };
                directory.Settled |= settle;
                finish = directory is { Settled: true, Closed: true, GoalKnown: true, ChildrenPending: 0, ContentPending: 0, Finished: false };
                directory.Finished |= finish;
                claimed = directory.Resolved ? directory.Unclaimed : null;
                directory.Unclaimed = directory.Resolved ? null : directory.Unclaimed;
            }

            if (settle)
            {
                directory.Remote = null;
                context.Outbox.Settled(directory.Id);
            }

            foreach (var child in claimed ?? [])
            {
                Advance(child);
            }

            if (!finish)
            {
                return;
            }

            Finish(directory);
        }
    }

    private void Finish(ReceiverDirectory directory)
    {
        _finisher.Finish(directory);
        lock (_gate)
        {
            // The unasked contents of one that could not be made may still be under way: it stays known, and they are dropped.
            if (directory is not { Void: true, Skipped: true })
            {
                _directories.Remove(directory.Id);
            }

            if (directory.Parent is { } parent)
            {
                parent.ChildrenPending--;
            }
        }

        if (directory.Parent is null)
        {
            _finisher.FinishTree();
            _rootFinished = true;
            onProgress();
        }
    }
}
