using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving.Places;

/// <summary>
/// --partial-dir and --delay-updates: where what is incomplete, or waits for the end, lies. A name is a directory inside each
/// directory that needs one, made when it does and removed when it is empty; an absolute path is one for all, and stays.
/// </summary>
/// <remarks>A directory of that name is opened by handle and never through a link: one that somebody planted makes way for it.</remarks>
internal sealed class PartialPlace : IDisposable
{
    private const OpenFlags DirectoryFlags = OpenFlags.Read | OpenFlags.Directory;

    private readonly ISystemCalls _io;
    private readonly DestinationRoot _root;
    private readonly byte[]? _absolute;
    private readonly byte[]? _name;
    private readonly Lock _gate = new();
    private readonly HashSet<(int Directory, int Index)> _found = [];
    private int _fd = -1;

    public PartialPlace(SyncContext context, DestinationRoot root)
    {
        _io = context.Io;
        _root = root;
        var given = context.Options.PartialDirectory;
        IsGiven = given is { Length: > 0 };
        if (given is [(byte)'/', ..])
        {
            _absolute = given;
        }
        else
        {
            _name = given is { Length: > 0 } ? given : context.Has(JobFlags.DelayUpdates) ? ".~tmp~"u8.ToArray() : null;
        }
    }

    /// <summary>The operator named a place for incomplete files.</summary>
    public bool IsGiven { get; }

    /// <summary>There is such a place, named or not.</summary>
    public bool IsOn => IsGiven || _name is not null;

    /// <summary>One place for all directories.</summary>
    public bool IsShared => _absolute is not null;

    /// <summary>For people: the absolute path, or the name in each directory.</summary>
    public byte[] Path => _absolute ?? _name ?? [];

    /// <summary>The place for files of a directory, or -errno; give it back with <see cref="Close"/>.</summary>
    public int Open(int dirfd)
    {
        if (_absolute is not null)
        {
            lock (_gate)
            {
                return _fd >= 0 ? _fd : _fd = OperatorPath.Open(_io, _root, _absolute);
            }
        }

        return _name is null ? -Errno.ENOENT : _io.OpenAt(dirfd, _name, DirectoryFlags);
    }

    /// <summary>The same, made when it is missing; of an absolute path the last directory alone, as with rsync.</summary>
    public int Make(int dirfd)
    {
        var fd = Open(dirfd);
        if (fd is -Errno.ENOTDIR or -Errno.ELOOP && _name is not null && _io.StatAt(dirfd, _name, out var planted) >= 0 && planted.IsSymbolicLink)
        {
            // As with rsync, a link in its place goes; another file could be somebody's.
            fd = _io.UnlinkAt(dirfd, _name, directory: false) is < 0 and var error ? error : -Errno.ENOENT;
        }

        if (fd != -Errno.ENOENT)
        {
            return fd;
        }

        if (_absolute is not null)
        {
            var (parent, name) = PathBytes.Split(_absolute.AsSpan().TrimEnd((byte)'/'));
            var above = OperatorPath.Open(_io, _root, parent);
            if (above >= 0)
            {
                _io.MakeDirectoryAt(above, name, ModeBits.PrivateDirectory);
                _io.Close(above);
            }
        }
        else if (_name is not null)
        {
            var made = _io.MakeDirectoryAt(dirfd, _name, ModeBits.PrivateDirectory);
            if (made < 0 && made != -Errno.EEXIST)
            {
                return made;
            }
        }

        return Open(dirfd);
    }

    public void Close(int place)
    {
        if (place >= 0 && _absolute is null)
        {
            _io.Close(place);
        }
    }

    /// <summary>An earlier run left something of an entry: it goes when the entry is complete.</summary>
    public void Found(int directory, int index)
    {
        lock (_gate)
        {
            _found.Add((directory, index));
        }
    }

    /// <summary>True once for what was <see cref="Found"/>.</summary>
    public bool TakeFound(int directory, int index)
    {
        lock (_gate)
        {
            return _found.Count > 0 && _found.Remove((directory, index));
        }
    }

    /// <summary>Removes what an earlier run left of a file, and the place when it is empty then.</summary>
    public void Remove(int dirfd, ReadOnlySpan<byte> name)
    {
        var place = Open(dirfd);
        if (place >= 0)
        {
            var error = _io.UnlinkAt(place, name, directory: false);
            Close(place);
            if (error >= 0)
            {
                RemoveIfEmpty(dirfd);
            }
        }
    }

    /// <summary>An absolute one stays.</summary>
    public void RemoveIfEmpty(int dirfd)
    {
        if (_name is not null)
        {
            _io.UnlinkAt(dirfd, _name, directory: true);
        }
    }

    public void Dispose()
    {
        if (_fd >= 0)
        {
            _io.Close(_fd);
        }
    }
}
