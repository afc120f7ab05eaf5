using NativeSync.Engine.FileSystem.Native;
using NativeSync.Protocol;

namespace NativeSync.Engine.FileSystem;

/// <summary>Owner, mode, times, inode flags.</summary>
internal sealed unsafe partial class LinuxSystemCalls
{
    private const uint GetFlagsRequest = 0x80086601; // FS_IOC_GETFLAGS
    private const nint SetFlagsRequest = 0x40086602; // FS_IOC_SETFLAGS
    private const uint GetExtendedRequest = 0x801c581f; // FS_IOC_FSGETXATTR
    private const nint SetExtendedRequest = 0x401c5820; // FS_IOC_FSSETXATTR
    private const int ExtendedSize = 28, ProjectOffset = 3; // struct fsxattr: flags, extent size, extents, project, 12 more bytes

    public int ChangeMode(int fd, uint mode) => Result(LibC.fchmod(fd, mode & ModeBits.PermissionMask));

    public int ChangeModeAt(int dirfd, ReadOnlySpan<byte> name, uint mode)
    {
        byte* text = stackalloc byte[NameRoom];
        int error = Name(name, text);
        if (error < 0)
        {
            return error;
        }

        mode &= ModeBits.PermissionMask;
        if (_kernel.ChangeModeNoFollow)
        {
            return (int)Result(LibC.syscall(SystemCallNumbers.ChangeModeAt2, dirfd, (nint)text, (nint)mode, LibC.AtSymlinkNoFollow, 0, 0));
        }

        if (_kernel.PathHandles)
        {
            return ChangeModeThroughProc(dirfd, text, mode);
        }

        // Before 2.6.39 there is no handle for what must not be opened: look, then act. A link put there in between would be
        // followed; nothing better exists on such a kernel, and only root's own rescue system runs us there.
        error = Status(dirfd, text, LibC.AtSymlinkNoFollow, out FileStatus status);
        if (error < 0 || status.IsSymbolicLink)
        {
            return error < 0 ? error : -Errno.EOPNOTSUPP;
        }

        return Result(LibC.fchmodat(dirfd, text, mode, 0));
    }

    /// <summary>A path handle pins the object; its entry in /proc is the one way to chmod it.</summary>
    private int ChangeModeThroughProc(int dirfd, byte* name, uint mode)
    {
        int fd = Open(dirfd, name, NativeOpenFlags.From(OpenFlags.PathOnly) | NativeOpenFlags.NoFollow, 0);
        if (fd < 0)
        {
            return fd;
        }

        // On a handle of a link the kernel says EOPNOTSUPP by itself in 5.x; some file systems obeyed before, so look first.
        byte* path = stackalloc byte[ProcPath.Room];
        ProcPath.Write(path, _handles, fd, null);
        byte* none = stackalloc byte[1];
        int link = (int)LibC.readlinkat(fd, WriteEmpty(none), none, 1);
        int result = link >= 0 ? -Errno.EOPNOTSUPP : Result(LibC.chmod(path, mode));
        LibC.close(fd);
        return result == -Errno.ENOENT ? -Errno.EOPNOTSUPP : result; // ENOENT: no /proc here
    }

    private static byte* WriteEmpty(byte* text)
    {
        *text = 0;
        return text;
    }

    public int ChangeOwner(int fd, uint uid, uint gid) => Result(LibC.fchown(fd, uid, gid));

    public int ChangeOwnerAt(int dirfd, ReadOnlySpan<byte> name, uint uid, uint gid)
    {
        byte* text = stackalloc byte[NameRoom];
        int error = Name(name, text);
        return error < 0 ? error : Result(LibC.fchownat(dirfd, text, uid, gid, LibC.AtSymlinkNoFollow));
    }

    public int SetTimes(int fd, Timestamp? accessed, Timestamp? modified)
    {
        TimeSpecification* times = stackalloc TimeSpecification[2];
        times[0] = TimeSpecification.From(accessed);
        times[1] = TimeSpecification.From(modified);
        return Result(LibC.futimens(fd, times));
    }

    public int SetTimesAt(int dirfd, ReadOnlySpan<byte> name, Timestamp? accessed, Timestamp? modified)
    {
        byte* text = stackalloc byte[NameRoom];
        int error = Name(name, text);
        if (error < 0)
        {
            return error;
        }

        TimeSpecification* times = stackalloc TimeSpecification[2];
        times[0] = TimeSpecification.From(accessed);
        times[1] = TimeSpecification.From(modified);
        return Result(LibC.utimensat(dirfd, text, times, LibC.AtSymlinkNoFollow));
    }

    public int GetFileFlags(int fd, out uint flags)
    {
        // The kernel's header says long, every file system stores an int: room for either, the low half is the answer.
        long value = 0;
        int result = Result(LibC.ioctl(fd, unchecked((nint)GetFlagsRequest), (nint)(&value)));
        flags = result < 0 ? 0 : (uint)value;
        return result < 0 ? result : 0;
    }

    public int SetFileFlags(int fd, uint flags)
    {
        long value = flags;
        return Result(LibC.ioctl(fd, SetFlagsRequest, (nint)(&value)));
    }

    public int GetProjectId(int fd, out uint project)
    {
        uint* attributes = stackalloc uint[ExtendedSize / 4];
        int result = GetExtended(fd, attributes);
        project = result < 0 ? 0 : attributes[ProjectOffset];
        return result;
    }

    public int SetProjectId(int fd, uint project)
    {
        uint* attributes = stackalloc uint[ExtendedSize / 4];
        int result = GetExtended(fd, attributes);
        if (result < 0)
        {
            return result;
        }

        attributes[ProjectOffset] = project;
        return Result(LibC.ioctl(fd, SetExtendedRequest, (nint)attributes));
    }

    private static int GetExtended(int fd, uint* attributes)
    {
        new Span<byte>(attributes, ExtendedSize).Clear();
        return Math.Min(0, Result(LibC.ioctl(fd, unchecked((nint)GetExtendedRequest), (nint)attributes)));
    }
}
