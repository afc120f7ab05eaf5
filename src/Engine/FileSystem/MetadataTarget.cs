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

    public int Stat(out FileStatus status) => IsOpen ? _io.Stat(_fd, out status) : _io.StatAt(_fd, _name, out status);

    public int ListXattrs(Span<byte> names) => IsOpen ? _io.ListXattrs(_fd, names) : _io.ListXattrsAt(_fd, _name, names);

    public int GetXattr(ReadOnlySpan<byte> name, Span<byte> value) =>
        IsOpen ? _io.GetXattr(_fd, name, value) : _io.GetXattrAt(_fd, _name, name, value);

    public int ChangeOwner(uint uid, uint gid) => IsOpen ? _io.ChangeOwner(_fd, uid, gid) : _io.ChangeOwnerAt(_fd, _name, uid, gid);

    public int ChangeMode(uint mode) => IsOpen ? _io.ChangeMode(_fd, mode) : _io.ChangeModeAt(_fd, _name, mode);

    public int SetTimes(Timestamp? accessed, Timestamp? modified) =>
        IsOpen ? _io.SetTimes(_fd, accessed, modified) : _io.SetTimesAt(_fd, _name, accessed, modified);

    public int SetXattr(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value) =>
        IsOpen ? _io.SetXattr(_fd, name, value) : _io.SetXattrAt(_fd, _name, name, value);

    public int RemoveXattr(ReadOnlySpan<byte> name) => IsOpen ? _io.RemoveXattr(_fd, name) : _io.RemoveXattrAt(_fd, _name, name);

    public int GetFileFlags(out uint flags) => _io.GetFileFlags(_fd, out flags);

    public int SetFileFlags(uint flags) => _io.SetFileFlags(_fd, flags);

    public int GetProjectId(out uint project) => _io.GetProjectId(_fd, out project);

    public int SetProjectId(uint project) => _io.SetProjectId(_fd, project);

    /// <summary>The attributes that are there now, encoded; the length, or -errno.</summary>
    public int ReadXattrs(XattrScanner scanner, ScanFields fields, DirectoryListing scratch, ulong device, out ReadOnlySpan<byte> encoded) =>
        IsOpen ? scanner.Read(_fd, fields, scratch, device, out encoded) : scanner.Read(_fd, _name, fields, scratch, device, out encoded);
}
