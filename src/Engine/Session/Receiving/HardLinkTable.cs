using NativeSync.Engine.Session.Receiving.Directories;

namespace NativeSync.Engine.Session.Receiving;

/// <summary>
/// The sets of hard links met so far: one member of a set, the leader, is written like any file, the others are linked to it once
/// it is here. If it cannot be had, the next member takes its place.
/// </summary>
internal sealed class HardLinkTable
{
    /// <summary>A third of what the sender keeps of listings that are not settled.</summary>
    private const long MaxPinnedBytes = 8 * 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, LinkSet> _sets = [];
    private readonly List<ulong> _leaderless = [];
    private long _pinnedBytes;
    private int _pinnedLast = -1;

    /// <summary>
    /// Enters a member. The first that is here already leads, whatever comes before it: the others are linked to it, and nothing
    /// need be sent, as rsync does it. Until one is met the members wait; see <see cref="TakeLeaderless"/>.
    /// </summary>
    /// <param name="group">The set.</param>
    /// <param name="directory">Where the member is.</param>
    /// <param name="index">The member.</param>
    /// <param name="name">Its name here.</param>
    /// <param name="mayWait">False when this member shall lead if there is no leader yet.</param>
    /// <param name="dry">Nothing is really done: a later member is always linked.</param>
    /// <param name="set">Its set.</param>
    public LinkRole Enter(ulong group, ReceiverDirectory directory, int index, ReadOnlySpan<byte> name, bool mayWait, bool dry, out LinkSet set)
    {
        lock (_gate)
        {
            var known = _sets.TryGetValue(group, out set!);
            if (!known)
            {
                set = new LinkSet(directory, name.ToArray()) { HasLeader = !mayWait };
                _sets.Add(group, set);
                if (mayWait)
                {
                    Pin(group, directory);
                }
            }
            else if (!set.HasLeader && !mayWait)
            {
                set.Lead(directory, name.ToArray());
                known = false;
            }

            if (!known && set.HasLeader)
            {
                return LinkRole.Leader;
            }

            if (set.Ready || (dry && known))
            {
                return LinkRole.Follower;
            }

            set.Waiting.Add((directory, index));
            return LinkRole.Waiter;
        }
    }

    /// <summary>
    /// Sets whose members all wait get their first member as leader. Because who waits pins its directory's listing at the sender,
    /// whose room is bounded, this is asked for not only at the end of the tree, but whenever <see cref="IsFull"/>.
    /// </summary>
    public IReadOnlyList<(ReceiverDirectory Directory, int Index)> TakeLeaderless()
    {
        lock (_gate)
        {
            var leaders = new List<(ReceiverDirectory, int)>();
            foreach (var group in _leaderless)
            {
                if (_sets.TryGetValue(group, out var set) && !set.HasLeader && set.Waiting.Count > 0)
                {
                    leaders.Add(Promote(set));
                }
            }

            _leaderless.Clear();
            _pinnedBytes = 0;
            _pinnedLast = -1;
            return leaders;
        }
    }

    /// <summary>True when waiting for leaders holds as much of the sender's room as it may.</summary>
    public bool IsFull
    {
        get
        {
            lock (_gate)
            {
                return _pinnedBytes > MaxPinnedBytes;
            }
        }
    }

    /// <summary>The leader is here: those who waited can be linked now.</summary>
    public IReadOnlyList<(ReceiverDirectory Directory, int Index)> LeaderIsReady(ulong group, bool aside, out LinkSet? set)
    {
        lock (_gate)
        {
            if (!_sets.TryGetValue(group, out set) || set.Ready)
            {
                return [];
            }

            set.Ready = true;
            set.IsAside = aside;
            var waiting = set.Waiting.ToArray();
            set.Waiting.Clear();
            return waiting;
        }
    }

    /// <summary>The leader cannot be had, or can bear no more links: the next who waits leads. Null when nobody waits.</summary>
    public (ReceiverDirectory Directory, int Index)? LeaderFailed(ulong group)
    {
        lock (_gate)
        {
            if (!_sets.TryGetValue(group, out var set))
            {
                return null;
            }

            if (set.Waiting.Count == 0)
            {
                _sets.Remove(group);
                return null;
            }

            return Promote(set);
        }
    }

    /// <summary>Lets a member wait for a leader that took over meanwhile; false when the leader is here.</summary>
    public bool WaitAgain(LinkSet set, ReceiverDirectory directory, int index)
    {
        lock (_gate)
        {
            if (!set.Ready)
            {
                set.Waiting.Add((directory, index));
            }

            return !set.Ready;
        }
    }

    /// <summary>This member leads from now on: the one before bears as many links as the file system allows.</summary>
    public void Replace(ulong group, ReceiverDirectory directory, ReadOnlySpan<byte> name)
    {
        lock (_gate)
        {
            _sets[group].Lead(directory, name.ToArray());
        }
    }

    private static (ReceiverDirectory Directory, int Index) Promote(LinkSet set)
    {
        var next = set.Waiting[0];
        set.Waiting.RemoveAt(0);
        set.Lead(next.Directory, next.Directory.Remote!.Entries.Name(next.Index).ToArray());
        return next;
    }

    private void Pin(ulong group, ReceiverDirectory directory)
    {
        _leaderless.Add(group);
        if (directory.Id != _pinnedLast)
        {
            _pinnedLast = directory.Id;
            _pinnedBytes += directory.Remote!.Entries.Footprint;
        }
    }
}

/// <summary>What a member of a set of hard links is.</summary>
internal enum LinkRole : byte
{
    /// <summary>Its content is needed.</summary>
    Leader,

    /// <summary>It can be linked at once.</summary>
    Follower,

    /// <summary>It waits for the leader.</summary>
    Waiter,
}

/// <summary>A set of hard links.</summary>
internal sealed class LinkSet(ReceiverDirectory directory, byte[] name)
{
    public ReceiverDirectory Directory { get; private set; } = directory;

    public byte[] Name { get; private set; } = name;

    /// <summary>False while all members wait for one that is here already.</summary>
    public bool HasLeader { get; set; }

    /// <summary>The leader is here, with content and metadata.</summary>
    public bool Ready { get; set; }

    /// <summary>It is here, but waits for the end under another name.</summary>
    public bool IsAside { get; set; }

    public List<(ReceiverDirectory Directory, int Index)> Waiting { get; } = [];

    public byte[] Path => PathBytes.Join(Directory.Path, Name);

    public void Lead(ReceiverDirectory newDirectory, byte[] newName)
    {
        Directory = newDirectory;
        Name = newName;
        HasLeader = true;
        Ready = false;
        IsAside = false;
    }
}
