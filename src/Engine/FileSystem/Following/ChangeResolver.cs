using System.Text;

namespace NativeSync.Engine.FileSystem.Following;

/// <summary>Turns handles into the places where things are now. What cannot be known for sure is told, and then everything is to be looked at.</summary>
internal sealed class ChangeResolver : IDisposable
{
    private const char Whole = '\u0100'; // stands before paths, which are Latin-1

    private readonly ISystemCalls _io;
    private readonly FileHandles _handles;
    private readonly List<FollowedFileSystem> _systems;
    private readonly List<List<int>> _mounts = [];
    private readonly ChangedDirectories _changed = new();
    private readonly HashSet<string> _places = [];
    private readonly HashSet<string> _takers = [];
    private readonly Dictionary<(ulong Device, ulong Inode), int> _unplaced = [];
    private readonly string? _trouble;

    public ChangeResolver(ISystemCalls io, List<FollowedFileSystem> systems)
    {
        _io = io;
        _systems = systems;
        _handles = new FileHandles(io);
        foreach (var system in systems)
        {
            List<int> mounts = [];
            foreach (var mount in system.Mounts)
            {
                var fd = io.OpenPath(Encoding.Latin1.GetBytes(mount.Path), OpenFlags.Read | OpenFlags.NonBlocking);
                if (fd >= 0 && io.Stat(fd, out var status) >= 0 && status.Device == system.Device)
                {
                    mounts.Add(fd);
                }
                else if (fd >= 0)
                {
                    io.Close(fd); // another mount covers it: that one is looked at as a whole
                }
                else if (fd is not (-Errno.ENOENT or -Errno.ENOTDIR))
                {
                    _trouble = $"{mount.Path} cannot be opened ({Errno.Describe(-fd)})";
                }
            }

            _mounts.Add(mounts);
        }
    }

    /// <summary>What is to be looked at.</summary>
    public ChangedDirectories Changed => _changed;

    /// <summary>Adds all that happened.</summary>
    /// <param name="set">What the kernel told.</param>
    /// <param name="open">What may have changed without that.</param>
    /// <param name="notes">Names of files with several.</param>
    /// <returns>Why it cannot be known; null when it is.</returns>
    public string? Resolve(ChangeSet set, List<ChangedHandle> open, LinkNotes notes)
    {
        Dictionary<string, List<string>> parents = [];
        foreach (var (key, handle) in set.Directories)
        {
            List<string> paths = [];
            var isPlaced = true;
            var trouble = ForEachMount(handle, (fd, status) =>
            {
                var path = _handles.PathOf(fd);
                isPlaced &= path is not null || status.LinkCount == 0;
                if (path is { Length: > 0 })
                {
                    paths.Add(Text(path));
                }
            });
            if (trouble is not null || !isPlaced)
            {
                return trouble ?? "the path of a directory that changed is longer than the kernel tells";
            }

            paths.ForEach(Add);
            parents.Add(key, paths);
            if (handle.TakesMoved)
            {
                _takers.UnionWith(paths);
            }
        }

        foreach (var arrived in set.Arrived)
        {
            parents[arrived[..ChangeSet.KeyLength]].ForEach(path => _changed.AddWhole(ChangedDirectories.Below(path, arrived[ChangeSet.KeyLength..])));
        }

        HashSet<string> opened = [];
        foreach (var file in open)
        {
            opened.Add(ChangeSet.Key(file.FileSystem, file.Bytes));
            if (file.Bytes.Length == 0 || Place(file) is not null)
            {
                return "the place of a file that is open is not known";
            }
        }

        foreach (var handle in set.Links.Values)
        {
            if (Place(handle) is { } trouble)
            {
                return trouble;
            }
        }

        foreach (var (key, places) in notes.All)
        {
            if (set.IsTouched(key) || opened.Contains(key))
            {
                places.ForEach(Add);
            }
        }

        GoThrough(notes, notes.All.Count > 0 && (set.HasMoves || _takers.Count > 0), set.HasMoves);
        return _unplaced.Count == 0 ? null : "a file changed whose names are not all known";
    }

    /// <summary>Whether no name is left of something, and none can come back.</summary>
    public bool IsGone(ChangedHandle handle)
    {
        var gone = true;
        return ForEachMount(handle, (_, status) => gone = status.LinkCount == 0) is null && gone;
    }

    public void Dispose()
    {
        _handles.Dispose();
        _mounts.ForEach(mounts => mounts.ForEach(fd => _io.Close(fd)));
    }

    private void Add(string path)
    {
        _changed.Add(path);
        _places.Add(path);
    }

    /// <summary>Adds the directory of a file, if the kernel knows it. What has further names, or none that is known, is looked for later.</summary>
    private string? Place(ChangedHandle handle)
    {
        FileStatus file = default;
        var placed = false;
        var trouble = ForEachMount(handle, (fd, status) =>
        {
            file = status;
            var path = _handles.PathOf(fd);
            if (path is { Length: > 0 } && _io.StatPath(path, follow: false, out var there) >= 0 && there.SameObject(status))
            {
                placed = true;
                Add(status.IsDirectory ? Text(path) : ChangedDirectories.Above(Text(path)));
            }
        });
        if (trouble is null && file.LinkCount > 0 && !(placed && (file.LinkCount == 1 || file.IsDirectory)))
        {
            _unplaced[(file.Device, file.Inode)] = (int)file.LinkCount;
        }

        return trouble;
    }

    /// <summary>Opens an object in each mount that may show it; does nothing when it is gone.</summary>
    private string? ForEachMount(ChangedHandle handle, Action<int, FileStatus> act)
    {
        var at = 0;
        while (at < _systems.Count && _systems[at].Id != handle.FileSystem)
        {
            at++;
        }

        if (_trouble is not null || at == _systems.Count)
        {
            return _trouble ?? "a file system is no longer what it was";
        }

        foreach (var mount in _mounts[at])
        {
            var fd = FileHandles.Open(mount, handle.Bytes);
            if (fd == -Errno.ESTALE)
            {
                return null;
            }

            if (fd < 0 || _io.Stat(fd, out var status) < 0)
            {
                return $"what changed cannot be found ({Errno.Describe(-fd)})";
            }

            act(fd, status);
            _io.Close(fd);
        }

        return null;
    }

    /// <summary>
    /// Looks at the names in directories in which something happened. When all of a file that is still without a place are there, none is in
    /// another. What came there by a move brings its further names along: no event tells which file it was. Each directory counts once,
    /// however it is reached.
    /// </summary>
    private void GoThrough(LinkNotes notes, bool moves, bool directoriesMoved)
    {
        var scanner = new DirectoryScanner(_io);
        var listing = new DirectoryListing();
        Dictionary<(ulong Device, ulong Inode), int> seen = [];
        Stack<string> pending = new();
        foreach (var path in _unplaced.Count > 0 ? _places : moves ? _takers : [])
        {
            pending.Push(path);
        }

        // Those with all below them last, so first of the stack: being seen for itself must not keep one from being gone through.
        foreach (var path in _unplaced.Count > 0 || (moves && directoriesMoved) ? _changed.Whole : [])
        {
            pending.Push(Whole + path);
        }

        while ((_unplaced.Count > 0 || moves) && pending.TryPop(out var path))
        {
            var whole = path[0] == Whole;
            path = whole ? path[1..] : path;
            var brings = moves && (whole || _takers.Contains(path));
            var fd = _io.OpenPath(Encoding.Latin1.GetBytes(path), OpenFlags.Read | OpenFlags.Directory);
            if (fd < 0)
            {
                continue;
            }

            if (_io.Stat(fd, out var own) >= 0 && seen.TryAdd((own.Device, own.Inode), 0) && scanner.Scan(fd, ScanFields.None, listing) >= 0)
            {
                for (var i = 0; i < listing.Count; i++)
                {
                    ref var identity = ref listing.Identity(i);
                    if (listing.Metadata(i).IsDirectory)
                    {
                        if (whole)
                        {
                            pending.Push(Whole + ChangedDirectories.Below(path, Text(listing.Name(i))));
                        }

                        continue;
                    }

                    if (_unplaced.TryGetValue((identity.Device, identity.Inode), out var missing))
                    {
                        _unplaced[(identity.Device, identity.Inode)] = missing - 1;
                        _ = missing > 1 || _unplaced.Remove((identity.Device, identity.Inode));
                    }

                    if (brings && identity.LinkCount > 1 && FollowedFileSystem.Of(_systems, identity.Device) is { } system
                        && notes.All.TryGetValue(ChangeSet.Key(system.Id, FileHandles.Of(fd, listing.Name(i))), out var places))
                    {
                        places.ForEach(_changed.Add);
                    }
                }
            }

            _io.Close(fd);
        }
    }

    private static string Text(ReadOnlySpan<byte> path) => Encoding.Latin1.GetString(path);
}
