using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving.Places;

/// <summary>
/// --partial-dir and --delay-updates: where what is incomplete, or waits for the end, lies. A relative path counts from each
/// directory that needs one; its last part is made then, and removed when it is empty. An absolute path is one for all, and stays.
/// </summary>
/// <remarks>
/// A relative one is opened by handle and never through a link. A link that somebody planted under its last part makes way for
/// it; what leads there is the operator's and stays as it is, as with rsync.
/// </remarks>
internal sealed class PartialPlace : IDisposable
{
    private const OpenFlags DirectoryFlags = OpenFlags.Read | OpenFlags.Directory;

    private readonly ISystemCalls _io;
    private readonly DestinationRoot _root;
    private readonly byte[]? _absolute;
    private readonly byte[]? _relative;
    private readonly byte[] _above = [];
    private readonly byte[] _name = [];
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
        else if (IsGiven || context.Has(JobFlags.DelayUpdates))
        {
            _relative = IsGiven ? given! : ".~tmp~"u8.ToArray();
            (_above, _name) = PathBytes.Split(_relative);
        }
    }

    /// <summary>The operator named a place for incomplete files.</summary>
    public bool IsGiven { get; }

    /// <summary>There is such a place, named or not.</summary>
    public bool IsOn => IsGiven || _relative is not null;

    /// <summary>One place for all directories.</summary>
    public bool IsShared => _absolute is not null;

    /// <summary>For people: the absolute path, or the one in each directory.</summary>
    public byte[] Path => _absolute ?? _relative ?? [];

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

        return _relative is null ? -Errno.ENOENT
            : _above.Length == 0 ? _io.OpenAt(dirfd, _name, DirectoryFlags) : _io.OpenBeneath(dirfd, _relative, DirectoryFlags);
    }

    /// <summary>The same, made when it is missing: the last directory alone, as with rsync.</summary>
    public int Make(int dirfd)
    {
        var fd = Open(dirfd);
        if (fd >= 0 || (_absolute is null && _relative is null))
        {
            return fd;
        }

        if (_absolute is null)
        {
            var above = OpenAbove(dirfd);
            fd = above < 0 ? above : MakeIn(above, fd);
            CloseAbove(above, dirfd);
        }
        else if (fd == -Errno.ENOENT)
        {
            var (parent, name) = PathBytes.Split(_absolute.AsSpan().TrimEnd((byte)'/'));
            var above = OperatorPath.Open(_io, _root, parent);
            if (above >= 0)
            {
                _io.MakeDirectoryAt(above, name, ModeBits.PrivateDirectory);
                _io.Close(above);
            }

            fd = Open(dirfd);
        }

        return fd;
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
        if (Unlink(dirfd, name))
        {
            RemoveIfEmpty(dirfd);
        }
    }

    /// <summary>Removes what an earlier run left of a file; false when there is nothing.</summary>
    public bool Unlink(int dirfd, ReadOnlySpan<byte> name)
    {
        var place = Open(dirfd);
        if (place < 0)
        {
            return false;
        }

        var error = _io.UnlinkAt(place, name, directory: false);
        Close(place);
        return error >= 0;
    }

    /// <summary>An absolute one stays.</summary>
    public void RemoveIfEmpty(int dirfd)
    {
        if (_relative is not null && OpenAbove(dirfd) is >= 0 and var above)
        {
            _io.UnlinkAt(above, _name, directory: true);
            CloseAbove(above, dirfd);
        }
    }

    public void Dispose()
    {
        if (_fd >= 0)
        {
            _io.Close(_fd);
        }
    }

    private int MakeIn(int above, int error)
    {
        if (error is -Errno.ENOTDIR or -Errno.ELOOP && _io.StatAt(above, _name, out var planted) >= 0 && planted.IsSymbolicLink)
        {
            // As with rsync, a link in its place goes; another file could be somebody's.
            error = _io.UnlinkAt(above, _name, directory: false) is < 0 and var kept ? kept : -Errno.ENOENT;
        }

        if (error != -Errno.ENOENT)
        {
            return error;
        }

        var made = _io.MakeDirectoryAt(above, _name, ModeBits.PrivateDirectory);
        return made < 0 && made != -Errno.EEXIST ? made : _io.OpenAt(above, _name, DirectoryFlags);
    }

    private int OpenAbove(int dirfd) => _above.Length == 0 ? dirfd : _io.OpenBeneath(dirfd, _above, DirectoryFlags);

    private void CloseAbove(int above, int dirfd)
    {
        if (above >= 0 && above != dirfd)
        {
            _io.Close(above);
        }
    }
}
