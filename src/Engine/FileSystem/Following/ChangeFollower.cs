using System.Globalization;
using System.Text;
using NativeSync.Engine.FileSystem;
using NativeSync.Engine.FileSystem.Following;
using NativeSync.Engine.Session.Sending;

namespace NativeSync.Engine;

/// <summary>
/// Follows what changes in the local sources of several passes, so that each looks only at what changed since the one before began to
/// look. Before a pass <see cref="Narrow"/> is called; the pass is given this (<see cref="SyncOptions.Changes"/>), and how it ended is told by
/// <see cref="Passed"/>. Where following is not possible, or not certain, a pass looks at everything, as the first does. docs/journal.md.
/// </summary>
/// <remarks>The thread that reads events and the passes share what <c>_gate</c> guards.</remarks>
public sealed class ChangeFollower : IDisposable
{
    private readonly ISystemCalls _io;
    private readonly Lock _gate = new();
    private readonly byte[] _buffer = new byte[64 * 1024];
    private readonly ChangeSet _set = new(); // what has changed since the last Narrow, for the next one
    private readonly ChangeSet _due = new(); // what the pass since then is to look at
    private readonly LinkNotes _notes = new();
    private readonly List<FollowedFileSystem> _systems = [];
    private readonly HashSet<string> _remounted = [];
    private ChangeQueue? _queue;
    private Thread? _reader;
    private List<MountPoint> _mounts = [];
    private List<MountPoint> _table = []; // of all mounts, when their changes were asked for last
    private List<string> _roots = [];
    private ChangedDirectories? _changed;
    private string? _trouble = "no pass of this run has looked at everything yet";
    private string? _account;
    private readonly HashSet<string> _come = []; // of the scanner: directories that came to be in what it listed last since the pass began
    private long _looked;
    private long _unlisted;
    private bool _began;
    private bool _hidden; // a mount came and went that no look at the table showed
    private bool _runs;

    /// <summary>Follows nothing until a pass begins.</summary>
    public ChangeFollower()
        : this(LinuxSystemCalls.Instance)
    {
    }

    internal ChangeFollower(ISystemCalls io) => _io = io;

    /// <summary>One line about the pass before: whether changes were followed, or why not.</summary>
    public string Account
    {
        get
        {
            lock (_gate)
            {
                return _changed is null
                    ? $"changes were not followed ({ByteText.Escape(Encoding.Latin1.GetBytes(_account ?? "it was not asked for"))}): the pass looked at everything"
                    : string.Create(CultureInfo.InvariantCulture, $"changes were followed: the pass looked at {_looked} director{(_looked == 1 ? "y" : "ies")}");
            }
        }
    }

    /// <summary>The next pass looks only at what has changed since the one before began.</summary>
    internal bool IsNarrow => _changed is not null;

    /// <summary>The same before the pass begins; false for a session that takes up a pass whose line was lost.</summary>
    internal bool WillBeNarrow => _changed is not null && !_began;

    /// <summary>
    /// The pass looked only at what had changed, and the destination turned out not to be what the pass before left there: another one is
    /// needed, which looks at everything.
    /// </summary>
    public bool NeedsAnother { get; private set; }

    /// <summary>Directories changed places: what looks new at the destination may be there under another name.</summary>
    internal bool HasMoves => _due.HasMoves;

    /// <summary>Directories that the pass has looked at.</summary>
    internal long Looked => Interlocked.Read(ref _looked);

    /// <summary>A pass has ended.</summary>
    /// <param name="exitCode">Its code. After any but 0 and 24 the destination is not what was looked at.</param>
    public void Passed(int exitCode)
    {
        lock (_gate)
        {
            _runs = false;
            if (exitCode is ExitCodes.Ok or ExitCodes.Vanished)
            {
                _due.Clear();
            }
            else if (_changed is null || exitCode is not (ExitCodes.Partial or ExitCodes.DeleteLimit))
            {
                _trouble ??= string.Create(CultureInfo.InvariantCulture, $"the pass before ended with code {exitCode}");
            }

            // What a narrow pass could not do is among what it was to look at: that stays due.
        }
    }

    /// <summary>
    /// Lets the next pass look only at what has changed since the one before began to look, and at what that one left undone, if this is known.
    /// </summary>
    public void Narrow()
    {
        // Who closes a file from now on is told by an event, and these are read last.
        List<ChangedHandle> open = [];
        var trouble = _trouble ?? OpenFiles.Find(_io, _systems, out open);
        lock (_gate)
        {
            // What is under way may look as if it could not be known: then once more.
            _changed = null;
            _trouble ??= trouble ?? (_runs ? "the pass before did not come to its end" : Gather(open));
            _account = _trouble;
            _looked = _unlisted = 0;
            _began = NeedsAnother = false;
        }
    }

    /// <summary>A pass begins. If it looks at everything, what changed before does not count any more.</summary>
    /// <param name="roots">Its directories, absolute and without links.</param>
    /// <param name="refusal">Why the next pass must look at everything, too; null when it need not.</param>
    internal void Begin(List<byte[]> roots, string? refusal)
    {
        var places = roots.ConvertAll(Encoding.Latin1.GetString);
        lock (_gate)
        {
            _runs = true;
            if (_changed is not null && !_began && string.Join('\0', places) == string.Join('\0', _roots))
            {
                _began = true;
                return; // a narrow pass
            }

            // Over another line it does not go on: what the destination was when it began is not known any more.
            _account = _changed is null ? _account : _began ? "the line was lost" : "the source is another directory now";
            _began = false;
            _changed = null;
            _looked = _unlisted = 0;
            _trouble = refusal ?? (places.Contains("") ? "the path of a source is longer than the kernel tells" : null);
            _roots = places;
            _trouble ??= _queue is null ? Start() : null;
            _trouble ??= Mark();
            _set.Clear();
            _due.Clear();
            _notes.Clear();
            _remounted.Clear();
        }
    }

    /// <summary>A session has ended.</summary>
    /// <param name="unlisted">Directories that were made at the destination without a listing.</param>
    internal void Ended(long unlisted)
    {
        lock (_gate)
        {
            if (_changed is not null && unlisted > Interlocked.Read(ref _unlisted))
            {
                NeedsAnother = true;
                _changed = null;
                _trouble = _account = "the destination lacked directories that the pass before had left there";
            }
        }
    }

    /// <summary>Of a directory that a listing names none will follow, though the receiver may have to make it.</summary>
    internal void WillNotBeListed() => Interlocked.Increment(ref _unlisted);

    /// <summary>
    /// Whether a directory of the listing that was told last is to be looked at, in a narrow pass. What came to be since the pass began is the
    /// next one's to fill, though the receiver makes it.
    /// </summary>
    internal bool Contains(ReadOnlySpan<byte> path)
    {
        var place = Encoding.Latin1.GetString(path);
        if (_changed!.Contains(place))
        {
            return true;
        }

        if (_come.Contains(place))
        {
            WillNotBeListed();
        }

        return false;
    }

    /// <summary>A directory has been listed.</summary>
    /// <param name="fd">It.</param>
    /// <param name="listing">What is in it.</param>
    /// <param name="place">Where it is.</param>
    internal void Listed(int fd, DirectoryListing listing, in Origin place)
    {
        Interlocked.Increment(ref _looked);
        string? directory = null;
        bool? isElsewhere = null;
        if (_changed is not null)
        {
            NoteArrivals(fd, listing, place);
        }

        for (var i = 0; _trouble is null && i < listing.Count; i++)
        {
            ref var identity = ref listing.Identity(i);
            var system = FollowedFileSystem.Of(_systems, identity.Device);
            var isDirectory = listing.Metadata(i).IsDirectory;
            if (isDirectory ? system is not null || (isElsewhere ??= IsElsewhere(fd)) : system is null || identity.LinkCount == 1)
            {
                continue;
            }

            directory ??= Encoding.Latin1.GetString(place.RealPath);
            var handle = isDirectory ? [] : FileHandles.Of(fd, listing.Name(i));
            if (handle.Length == 0 && !isDirectory && _io.StatAt(fd, listing.Name(i), out _) == -Errno.ENOENT)
            {
                continue; // Of that there will be an event.
            }

            lock (_gate)
            {
                if (isDirectory)
                {
                    // It may be gone before the next pass looks at the table of mounts.
                    _remounted.Add(ChangedDirectories.Below(directory, Encoding.Latin1.GetString(listing.Name(i))));
                    continue;
                }

                _trouble ??= handle.Length == 0 ? "the names of a file with several could not be noted"
                    : _notes.AreMany ? "more files have several names than are kept track of" : null;
                if (_trouble is not null)
                {
                    _notes.Clear();
                }
                else
                {
                    _notes.Add(ChangeSet.Key(system!.Id, handle), directory, mayBeKnown: _changed is not null);
                }
            }
        }
    }

    private bool IsElsewhere(int fd) => _io.Stat(fd, out var status) < 0 || FollowedFileSystem.Of(_systems, status.Device) is null;

    /// <summary>Adds events as the kernel tells them.</summary>
    internal void Take(ReadOnlySpan<byte> events)
    {
        lock (_gate)
        {
            _set.Take(events);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _queue?.Wake();
        _reader?.Join();
        _queue?.Dispose();
        _queue = null;
    }

    /// <summary>Notes the directories that came to be in what was listed since the pass began: the kernel tells of a name before it can be listed.</summary>
    private void NoteArrivals(int fd, DirectoryListing listing, in Origin place)
    {
        _come.Clear();
        lock (_gate)
        {
            Drain();
            if (_set.Arrived.Count == 0 || _io.Stat(fd, out var status) < 0 || FollowedFileSystem.Of(_systems, status.Device) is not { } system)
            {
                return;
            }

            var key = ChangeSet.Key(system.Id, FileHandles.Of(fd, "."u8));
            var directory = Encoding.Latin1.GetString(place.RealPath);
            for (var i = 0; i < listing.Count; i++)
            {
                var name = listing.Metadata(i).IsDirectory ? Encoding.Latin1.GetString(listing.Name(i)) : "";
                if (name.Length > 0 && _set.Arrived.Contains(key + name))
                {
                    _come.Add(ChangedDirectories.Below(directory, name));
                }
            }
        }
    }

    private string? Start()
    {
        var error = ChangeQueue.Open(out _queue);
        if (_queue is not { } queue)
        {
            return error switch
            {
                -Errno.EPERM => "that takes the rights of root, in no container",
                -Errno.ENOSYS or -Errno.EINVAL => "the kernel is older than Linux 5.9",
                _ => $"fanotify says {Errno.Describe(-error)}",
            };
        }

        _reader = new Thread(() => ReadUntilWoken(queue)) { IsBackground = true, Name = "changes" };
        _reader.Start();
        return null;
    }

    private void ReadUntilWoken(ChangeQueue queue)
    {
        while (queue.Wait())
        {
            lock (_gate)
            {
                Drain();
            }
        }
    }

    private void Drain()
    {
        int n;
        while (_queue is { } queue && (n = queue.Read(_buffer)) > 0)
        {
            _set.Take(_buffer.AsSpan(0, n));
        }

        if (_set.AreLinksMany)
        {
            using var resolver = new ChangeResolver(_io, _systems);
            _set.DropLinks(resolver.IsGone);
        }
    }

    /// <summary>Marks the file systems of the tree that tell of their changes.</summary>
    private string? Mark()
    {
        _systems.Clear();
        _queue!.Unmark();
        _queue.HaveMountsChanged();
        _hidden = false;
        _mounts = MountsOf(_table = MountPoint.ReadAll(_io));
        FollowedFileSystem? copy = null;
        foreach (var mount in _mounts)
        {
            var path = Encoding.Latin1.GetBytes(mount.Path);
            var fd = _io.OpenPath(path, OpenFlags.PathOnly);
            if (fd < 0)
            {
                continue;
            }

            // A single file that is mounted has its directory elsewhere: it is looked at each time.
            var known = _io.Stat(fd, out var status) >= 0 & status.IsDirectory & _io.StatFileSystem(fd, out var system) >= 0;
            _io.Close(fd);
            if (!known || !FollowedFileSystem.IsSuitable(system.Type) || _queue.Mark(path) < 0)
            {
                continue;
            }

            var followed = FollowedFileSystem.Of(_systems, status.Device);
            if (followed is null)
            {
                copy ??= _systems.Find(other => other.Id == system.Id);
                _systems.Add(followed = new FollowedFileSystem(system.Id, status.Device));
            }

            followed.Mounts.Add(mount);
        }

        if (copy is not null)
        {
            return $"{copy.Mounts[0].Path} and a copy of its image are mounted, whose events look the same";
        }

        return _roots.Find(root => !IsFollowed(MountPoint.Showing(_mounts, root))) is { } other
            ? $"{MountPoint.Showing(_mounts, other)?.Type ?? "what"} at {other} does not tell of its changes"
            : OverlaysAreSilent() ? "overlays may be in use, whose writes this kernel does not tell" : null;
    }

    private bool IsFollowed(MountPoint? mount) => mount is not null && _systems.Exists(system => system.Mounts.Contains(mount));

    /// <summary>The mounts that show something of the tree.</summary>
    private List<MountPoint> MountsOf(List<MountPoint> all)
    {
        var showing = _roots.ConvertAll(root => MountPoint.Showing(all, root));
        return all.FindAll(mount => showing.Contains(mount) || _roots.Exists(root => MountPoint.IsWithin(mount.Path, root)));
    }

    /// <summary>Finds what the pass is to look at; why that is not known.</summary>
    private string? Gather(List<ChangedHandle> open)
    {
        // What comes from here on may be seen by the pass or not: it is the next one's.
        Drain();
        _due.TakeAll(_set);
        return _due.Lost ?? Resolve(open);
    }

    private string? Resolve(List<ChangedHandle> open)
    {
        if (OverlaysAreSilent())
        {
            return "overlays are in use, whose writes this kernel does not tell";
        }

        using var resolver = new ChangeResolver(_io, _systems);
        var trouble = resolver.Resolve(_due, open, _notes);
        if (trouble is not null)
        {
            return trouble;
        }

        var haveChanged = _queue!.HaveMountsChanged();
        var table = MountPoint.ReadAll(_io);
        var isSame = table.Count == _table.Count && table.TrueForAll(_table.Contains);
        _table = table;

        // What was mounted or unmounted shows something else than before; what does not tell of its changes is looked at as a whole.
        var now = MountsOf(table);
        foreach (var mount in (MountPoint[])[.. _mounts, .. now])
        {
            var isOther = IsFollowed(mount) && !_queue.IsMarked(Encoding.Latin1.GetBytes(mount.Path));
            isSame &= !isOther;
            if (!now.Contains(mount) || !_mounts.Contains(mount) || !IsFollowed(mount) || isOther)
            {
                if (_roots.Find(root => MountPoint.IsWithin(root, mount.Path)) is { } root)
                {
                    return $"another file system is mounted for {root}";
                }

                _remounted.Add(mount.Path);
            }
        }

        _hidden |= haveChanged && isSame;
        if (_hidden)
        {
            return "something was mounted or unmounted, and is no longer";
        }

        // What was mounted for one pass alone has left its files at the destination.
        foreach (var path in _remounted)
        {
            resolver.Changed.AddWhole(path);
        }

        _changed = resolver.Changed;
        return null;
    }

    /// <summary>Until Linux 6.5 what is written through an overlay was no event of the file system that keeps it.</summary>
    private bool OverlaysAreSilent()
    {
        var release = Encoding.Latin1.GetString(ProcText.Read(_io, "/proc/sys/kernel/osrelease"u8) ?? []).Split('.', '-');
        return !(release.Length > 1 && int.TryParse(release[0], CultureInfo.InvariantCulture, out var major) && int.TryParse(release[1], CultureInfo.InvariantCulture, out var minor)
            && (major > 6 || (major == 6 && minor >= 5)))
            && (ProcText.Read(_io, "/proc/filesystems"u8) ?? "overlay"u8.ToArray()).AsSpan().IndexOf("overlay"u8) >= 0;
    }
}
