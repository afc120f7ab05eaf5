using NativeSync.Engine.FileSystem.Native;

namespace NativeSync.Engine.FileSystem;

/// <summary>
/// Extended attributes, by handle and by name. By name: listxattrat and its sisters (Linux 6.13), else the l*xattr calls on
/// /proc/self/fd/DIR/NAME, which start at the handle and do not follow a link in the last part.
/// </summary>
internal sealed unsafe partial class LinuxSystemCalls
{
    private const int ReplaceOrCreate = 0;

    public int ListXattrs(int fd, Span<byte> names)
    {
        fixed (byte* to = names)
        {
            return (int)Result(LibC.flistxattr(fd, to, names.Length));
        }
    }

    public int GetXattr(int fd, ReadOnlySpan<byte> attribute, Span<byte> value)
    {
        byte* key = stackalloc byte[NameRoom];
        int error = Text(attribute, key, NameRoom);
        if (error < 0)
        {
            return error;
        }

        fixed (byte* to = value)
        {
            return (int)Result(LibC.fgetxattr(fd, key, to, value.Length));
        }
    }

    public int SetXattr(int fd, ReadOnlySpan<byte> attribute, ReadOnlySpan<byte> value)
    {
        byte* key = stackalloc byte[NameRoom];
        int error = Text(attribute, key, NameRoom);
        if (error < 0)
        {
            return error;
        }

        fixed (byte* from = value)
        {
            return Result(LibC.fsetxattr(fd, key, from, value.Length, ReplaceOrCreate));
        }
    }

    public int RemoveXattr(int fd, ReadOnlySpan<byte> attribute)
    {
        byte* key = stackalloc byte[NameRoom];
        int error = Text(attribute, key, NameRoom);
        return error < 0 ? error : Result(LibC.fremovexattr(fd, key));
    }

    public int ListXattrsAt(int dirfd, ReadOnlySpan<byte> name, Span<byte> names)
    {
        byte* text = stackalloc byte[NameRoom];
        int error = Name(name, text);
        if (error < 0)
        {
            return error;
        }

        fixed (byte* to = names)
        {
            if (_kernel.XattrsAt)
            {
                return (int)Result(LibC.syscall(SystemCallNumbers.ListXattrAt, dirfd, (nint)text, LibC.AtSymlinkNoFollow, (nint)to, names.Length, 0));
            }

            byte* path = stackalloc byte[ProcPath.Room];
            ProcPath.Write(path, _handles, dirfd, text);
            return NeedsHandle((int)Result(LibC.llistxattr(path, to, names.Length)), dirfd, text, out int fd)
                ? Closing(fd, (int)Result(LibC.flistxattr(fd, to, names.Length)))
                : fd;
        }
    }

    public int GetXattrAt(int dirfd, ReadOnlySpan<byte> name, ReadOnlySpan<byte> attribute, Span<byte> value)
    {
        byte* text = stackalloc byte[NameRoom];
        byte* key = stackalloc byte[NameRoom];
        int error = Name(name, text);
        error = error < 0 ? error : Text(attribute, key, NameRoom);
        if (error < 0)
        {
            return error;
        }

        fixed (byte* to = value)
        {
            if (_kernel.XattrsAt)
            {
                XattrArguments arguments = new() { Value = to, Size = (uint)value.Length };
                return (int)Result(LibC.syscall(SystemCallNumbers.GetXattrAt, dirfd, (nint)text, LibC.AtSymlinkNoFollow, (nint)key, (nint)(&arguments), sizeof(XattrArguments)));
            }

            byte* path = stackalloc byte[ProcPath.Room];
            ProcPath.Write(path, _handles, dirfd, text);
            return NeedsHandle((int)Result(LibC.lgetxattr(path, key, to, value.Length)), dirfd, text, out int fd)
                ? Closing(fd, (int)Result(LibC.fgetxattr(fd, key, to, value.Length)))
                : fd;
        }
    }

    public int SetXattrAt(int dirfd, ReadOnlySpan<byte> name, ReadOnlySpan<byte> attribute, ReadOnlySpan<byte> value)
    {
        byte* text = stackalloc byte[NameRoom];
        byte* key = stackalloc byte[NameRoom];
        int error = Name(name, text);
        error = error < 0 ? error : Text(attribute, key, NameRoom);
        if (error < 0)
        {
            return error;
        }

        fixed (byte* from = value)
        {
            if (_kernel.XattrsAt)
            {
                XattrArguments arguments = new() { Value = from, Size = (uint)value.Length, Flags = ReplaceOrCreate };
                return (int)Result(LibC.syscall(SystemCallNumbers.SetXattrAt, dirfd, (nint)text, LibC.AtSymlinkNoFollow, (nint)key, (nint)(&arguments), sizeof(XattrArguments)));
            }

            byte* path = stackalloc byte[ProcPath.Room];
            ProcPath.Write(path, _handles, dirfd, text);
            return NeedsHandle(Result(LibC.lsetxattr(path, key, from, value.Length, ReplaceOrCreate)), dirfd, text, out int fd)
                ? Closing(fd, Result(LibC.fsetxattr(fd, key, from, value.Length, ReplaceOrCreate)))
                : fd;
        }
    }

    public int RemoveXattrAt(int dirfd, ReadOnlySpan<byte> name, ReadOnlySpan<byte> attribute)
    {
        byte* text = stackalloc byte[NameRoom];
        byte* key = stackalloc byte[NameRoom];
        int error = Name(name, text);
        error = error < 0 ? error : Text(attribute, key, NameRoom);
        if (error < 0)
        {
            return error;
        }

        if (_kernel.XattrsAt)
        {
            return (int)Result(LibC.syscall(SystemCallNumbers.RemoveXattrAt, dirfd, (nint)text, LibC.AtSymlinkNoFollow, (nint)key, 0, 0));
        }

        byte* path = stackalloc byte[ProcPath.Room];
        ProcPath.Write(path, _handles, dirfd, text);
        return NeedsHandle(Result(LibC.lremovexattr(path, key)), dirfd, text, out int fd)
            ? Closing(fd, Result(LibC.fremovexattr(fd, key)))
            : fd;
    }

    /// <summary>
    /// ENOENT of a path through /proc, though the object is there, means that /proc is not: files and directories can be opened
    /// instead, for the rest there is no way (ENOSYS). Gives a handle, or -errno; the result itself when it is something else.
    /// </summary>
    private bool NeedsHandle(int result, int dirfd, byte* name, out int fd)
    {
        fd = result;
        if (result != -Errno.ENOENT || Status(dirfd, name, LibC.AtSymlinkNoFollow, out FileStatus status) != 0)
        {
            return false;
        }

        fd = status.IsRegular || status.IsDirectory
            ? Open(dirfd, name, NativeOpenFlags.From(OpenFlags.Read | OpenFlags.NonBlocking) | NativeOpenFlags.NoFollow, 0)
            : -Errno.ENOSYS;
        return fd >= 0;
    }

    private int Closing(int fd, int result)
    {
        Close(fd);
        return result;
    }
}
