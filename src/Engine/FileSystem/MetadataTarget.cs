using NativeSync.Protocol;

namespace NativeSync.Engine.FileSystem;

/// <summary>The entry at hand, by its own handle or by its name below a directory's; borrowed for the call.</summary>
internal readonly ref struct Target
{
    private readonly ISystemCalls _io;
    private readonly int _fd;
    private readonly ReadOnlySpan<byte> _name;

    /// <summary>An open object.</summary>
    public Target(ISystemCalls io, int fd)
    {
        _io = io;
        _fd = fd;
    }

    /// <summary>A name that is not opened nor followed.</summary>
    public Target(ISystemCalls io, int dirfd, ReadOnlySpan<byte> name)
    {
        _io = io;
        _fd = dirfd;
        _name = name;
    }

    public bool IsOpen => _name.IsEmpty;

    public int ChangeOwner(uint uid, uint gid) => IsOpen ? _io.ChangeOwner(_fd, uid, gid) : _io.ChangeOwnerAt(_fd, _name, uid, gid);

    public int ChangeMode(uint mode) => IsOpen ? _io.ChangeMode(_fd, mode) : _io.ChangeModeAt(_fd, _name, mode);

    public int SetTimes(Timestamp modified) => IsOpen ? _io.SetTimes(_fd, null, modified) : _io.SetTimesAt(_fd, _name, null, modified);

    public int SetXattr(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value) =>
        IsOpen ? _io.SetXattr(_fd, name, value) : _io.SetXattrAt(_fd, _name, name, value);

    public int RemoveXattr(ReadOnlySpan<byte> name) => IsOpen ? _io.RemoveXattr(_fd, name) : _io.RemoveXattrAt(_fd, _name, name);

    public int GetFileFlags(out uint flags) => _io.GetFileFlags(_fd, out flags);

    public int SetFileFlags(uint flags) => _io.SetFileFlags(_fd, flags);

    /// <summary>The attributes that are there now, encoded; the length, or -errno.</summary>
    public int ReadXattrs(XattrScanner scanner, ScanFields fields, DirectoryListing scratch, ulong device, out ReadOnlySpan<byte> encoded) =>
        IsOpen ? scanner.Read(_fd, fields, scratch, device, out encoded) : scanner.Read(_fd, _name, fields, scratch, device, out encoded);
}
