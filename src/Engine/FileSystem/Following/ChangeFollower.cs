using System.Globalization;
using System.Text;
using NativeSync.Engine.FileSystem;
using NativeSync.Engine.FileSystem.Following;
using NativeSync.Engine.Session.Sending;

namespace NativeSync.Engine;

/// <summary>
/// Follows what changes in the local sources of several passes, so that the last one looks only there. Each pass is given it
/// (<see cref="SyncOptions.Changes"/>) and told how it ended (<see cref="Passed"/>); before the last, when whatever writes is stopped,
/// <see cref="Narrow"/> is called. Where following is not possible, or not certain, the last pass looks at everything. docs/journal.md.
/// </summary>
/// <remarks>The thread that reads events and the passes share what <c>_gate</c> guards.</remarks>
public sealed class ChangeFollower : IDisposable
{
    private readonly ISystemCalls _io;
    private readonly Lock _gate = new();
    private readonly byte[] _buffer = new byte[64 * 1024];
    private readonly ChangeSet _set = new();
    private readonly LinkNotes _notes = new();
    private readonly List<FollowedFileSystem> _systems = [];
    private ChangeQueue? _queue;
    private Thread? _reader;
    private List<MountPoint> _mounts = [];
    private List<string> _roots = [];
    private ChangedDirectories? _changed;
    private string? _trouble = "no pass has looked at everything yet";
    private string? _account;
    private long _looked;
    private bool _moves;
    private bool _began;

    /// <summary>Follows nothing until a pass begins.</summary>
    public ChangeFollower()
        : this(LinuxSystemCalls.Instance)
    {
    }

    internal ChangeFollower(ISystemCalls io) => _io = io;

    /// <summary>One line about the last pass: whether changes were followed, or why not.</summary>
    public string Account
    {
        get
        {
            lock (_gate)
            {
                return _changed is null
                    ? $"changes were not followed ({ByteText.Escape(Encoding.Latin1.GetBytes(_account ?? "it was not the last pass"))}): the pass looked at everything"
                    : string.Create(CultureInfo.InvariantCulture, $"changes were followed: the pass looked at {_looked} director{(_looked == 1 ? "y" : "ies")}");
            }
        }
    }

    /// <summary>The next pass looks only at what has changed since the one before began.</summary>
    internal bool IsNarrow => _changed is not null;

    /// <summary>
    /// The pass looked only at what had changed, and the destination turned out not to be what the pass before left there: another one is
    /// needed, which looks at everything.
    /// </summary>
    public bool NeedsAnother { get; private set; }

    /// <summary>Directories changed places: what looks new at the destination may be there under another name.</summary>
    internal bool HasMoves => _moves;

    /// <summary>Directories that the pass has looked at.</summary>
    internal long Looked => Interlocked.Read(ref _looked);

    /// <summary>A pass has ended.</summary>
    /// <param name="exitCode">Its code. After any but 0 and 24 the destination is not known to be what was looked at.</param>
    public void Passed(int exitCode)
    {
        lock (_gate)
        {
            if (exitCode is not (ExitCodes.Ok or ExitCodes.Vanished))
            {
                _trouble ??= string.Create(CultureInfo.InvariantCulture, $"the pass before ended with code {exitCode}");
            }
        }
    }

    /// <summary>Lets the next pass look only at what has changed since the one before began to look, if that is known.</summary>
    public void Narrow()
    {
        // Who closes a file from now on is told by an event, and these are read last.
        List<ChangedHandle> open = [];
        var trouble = _trouble ?? OpenFiles.Find(_io, _systems, out open);
        lock (_gate)
        {
            Drain();
            _trouble ??= trouble ?? _set.Lost ?? Resolve(open);
            _account = _trouble;
            _looked = 0;
            _began = NeedsAnother = false;
            _moves = _set.HasMoves;
        }
    }

    /// <summary>A pass begins. If it looks at everything, what changed before does not count any more.</summary>
    /// <param name="roots">Its directories, absolute and without links.</param>
    /// <param name="refusal">Why its last pass must look at everything, too; null when it need not.</param>
    internal void Begin(List<byte[]> roots, string? refusal)
    {
        var places = roots.ConvertAll(Encoding.Latin1.GetString);
        lock (_gate)
        {
            if (_changed is not null && !_began && string.Join('\0', places) == string.Join('\0', _roots))
            {
                _began = true;
                return; // a narrow pass
            }

            // Over another line it does not go on: what the destination was when it began is not known any more.
            _account = _changed is null ? _account : _began ? "the line was lost" : "the source is another directory now";
            _began = false;
            _changed = null;
            _looked = 0;
            _trouble = refusal ?? (places.Contains("") ? "the path of a source is longer than the kernel tells" : null);
            _roots = places;
            _trouble ??= _queue is null ? Start() : null;
            _trouble ??= Mark();
            _set.Clear();
            _notes.Clear();
        }
    }

    /// <summary>A session has ended.</summary>
    /// <param name="arrived">Directories that may be new at the destination, in a narrow pass.</param>
    /// <param name="made">Directories that were made there.</param>
    internal void Ended(long arrived, long made)
    {
        lock (_gate)
        {
            if (_changed is not null && made > arrived)
            {
                NeedsAnother = true;
                _changed = null;
                _trouble = _account = "the destination lacked directories that the pass before had left there";
            }
        }
    }

    /// <summary>Whether a directory arrived where it is, so that a narrow pass goes through all that is in it.</summary>
    internal bool HasArrived(ReadOnlySpan<byte> path) => _changed is { } changed && changed.IsBelowWhole(Encoding.Latin1.GetString(path));

    /// <summary>Whether a directory is to be looked at, in a narrow pass.</summary>
    internal bool Contains(ReadOnlySpan<byte> path) => _changed!.Contains(Encoding.Latin1.GetString(path));

    /// <summary>A directory has been listed.</summary>
    /// <param name="fd">It.</param>
    /// <param name="listing">What is in it.</param>
    /// <param name="place">Where it is.</param>
    internal void Listed(int fd, DirectoryListing listing, in Origin place)
    {
        Interlocked.Increment(ref _looked);
        string? directory = null;
        for (var i = 0; _changed is null && i < listing.Count; i++)
        {
            ref var identity = ref listing.Identity(i);
            if (_trouble is null && identity.LinkCount > 1 && !listing.Metadata(i).IsDirectory && FollowedFileSystem.Of(_systems, identity.Device) is { } system)
            {
                directory ??= Encoding.Latin1.GetString(place.RealPath);
                var handle = FileHandles.Of(fd, listing.Name(i));
                lock (_gate)
                {
                    _trouble ??= handle.Length == 0 ? "the names of a file with several could not be noted"
                        : _notes.AreMany ? "more files have several names than are kept track of" : null;
                    if (_trouble is not null)
                    {
                        _notes.Clear();
                    }
                    else
                    {
                        _notes.Add(ChangeSet.Key(system.Id, handle), directory);
                    }
                }
            }
        }
    }

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
        _mounts = MountsOf(MountPoint.ReadAll(_io));
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
            if (!known || !FollowedFileSystem.IsSuitable(system.Type) || _queue!.Mark(path) < 0)
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

    private string? Resolve(List<ChangedHandle> open)
    {
        if (OverlaysAreSilent())
        {
            return "overlays are in use, whose writes this kernel does not tell";
        }

        using var resolver = new ChangeResolver(_io, _systems);
        var trouble = resolver.Resolve(_set, open, _notes);
        if (trouble is not null)
        {
            return trouble;
        }

        // What was mounted or unmounted shows something else than before; what does not tell of its changes is looked at as a whole.
        var now = MountsOf(MountPoint.ReadAll(_io));
        foreach (var mount in (MountPoint[])[.. _mounts, .. now])
        {
            if (!now.Contains(mount) || !_mounts.Contains(mount) || !IsFollowed(mount) || !_queue!.IsMarked(Encoding.Latin1.GetBytes(mount.Path)))
            {
                if (_roots.Find(root => MountPoint.IsWithin(root, mount.Path)) is { } root)
                {
                    return $"another file system is mounted for {root}";
                }

                resolver.Changed.AddWhole(mount.Path);
            }
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
