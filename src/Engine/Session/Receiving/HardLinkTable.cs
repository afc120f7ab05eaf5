namespace NativeSync.Engine.Session.Receiving;

/// <summary>
/// The sets of hard links met so far: the first member of a set is written like any file, the others are linked to it once it is
/// here. If it cannot be had, the next member takes its place.
/// </summary>
internal sealed class HardLinkTable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, LinkSet> _sets = [];

    /// <summary>
    /// Enters a member. The first becomes the leader; a later one waits unless the leader is here already, or nothing is really done
    /// (<paramref name="dry"/>).
    /// </summary>
    public LinkRole Enter(ulong group, ReceiverDirectory directory, int index, ReadOnlySpan<byte> name, bool dry, out LinkSet set)
    {
        lock (_gate)
        {
            if (!_sets.TryGetValue(group, out set!))
            {
                set = new LinkSet(directory, name.ToArray());
                _sets.Add(group, set);
                return LinkRole.Leader;
            }

            if (set.Ready || dry)
            {
                return LinkRole.Follower;
            }

            set.Waiting.Add((directory, index));
            return LinkRole.Waiter;
        }
    }

    /// <summary>The leader is here: those who waited can be linked now.</summary>
    public IReadOnlyList<(ReceiverDirectory Directory, int Index)> LeaderIsReady(ulong group, out LinkSet? set)
    {
        lock (_gate)
        {
            if (!_sets.TryGetValue(group, out set) || set.Ready)
            {
                return [];
            }

            set.Ready = true;
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

            var next = set.Waiting[0];
            set.Waiting.RemoveAt(0);
            set.Lead(next.Directory, next.Directory.Remote!.Entries.Name(next.Index).ToArray());
            return next;
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
}

/// <summary>What a member of a set of hard links is.</summary>
internal enum LinkRole : byte
{
    /// <summary>The first: its content is needed.</summary>
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

    /// <summary>The leader is here, with content and metadata.</summary>
    public bool Ready { get; set; }

    public List<(ReceiverDirectory Directory, int Index)> Waiting { get; } = [];

    public byte[] Path => PathBytes.Join(Directory.Path, Name);

    public void Lead(ReceiverDirectory newDirectory, byte[] newName)
    {
        Directory = newDirectory;
        Name = newName;
        Ready = false;
    }
}
