using NativeSync.Engine.FileSystem.Native;

namespace NativeSync.Engine.FileSystem;

/// <summary>Looking: stat, directory reading, link targets.</summary>
internal sealed unsafe partial class LinuxSystemCalls
{
    public int StatAt(int dirfd, ReadOnlySpan<byte> name, out FileStatus status)
    {
        byte* text = stackalloc byte[NameRoom];
        int error = Name(name, text);
        if (error < 0)
        {
            status = default;
            return error;
        }

        // DONT_SYNC: what a network file system knows already is good enough to compare by; writers stat the handle in earnest.
        return Status(dirfd, text, LibC.AtSymlinkNoFollow | LibC.AtNoAutomount | LibC.AtStatxDontSync, out status);
    }

    public int Stat(int fd, out FileStatus status)
    {
        byte nothing = 0;
        if (_kernel.Statx)
        {
            return Status(fd, &nothing, LibC.AtEmptyPath, out status);
        }

        byte* buffer = stackalloc byte[NativeStat.Size];
        return Parse(Result(LibC.fstat(fd, buffer)), buffer, out status);
    }

    public int StatPath(ReadOnlySpan<byte> operatorPath, bool follow, out FileStatus status) =>
        StatPath(LibC.CurrentDirectory, operatorPath, follow ? 0 : LibC.AtSymlinkNoFollow, out status);

    // DONT_SYNC, as above: /proc leads to files of servers that do not answer any more, which nobody must wait for.
    public int StatFollowing(int dirfd, ReadOnlySpan<byte> path, out FileStatus status) => StatPath(dirfd, path, LibC.AtStatxDontSync, out status);

    private int StatPath(int dirfd, ReadOnlySpan<byte> path, int flags, out FileStatus status)
    {
        byte* text = stackalloc byte[PathRoom];
        int error = Text(path, text, PathRoom);
        if (error < 0)
        {
            status = default;
            return error;
        }

        return Status(dirfd, text, flags, out status);
    }

    private int Status(int dirfd, byte* path, int flags, out FileStatus status)
    {
        if (_kernel.Statx)
        {
            NativeStatx native;
            int result = (int)Result(LibC.syscall(SystemCallNumbers.Statx, dirfd, (nint)path, flags, (nint)NativeStatx.BasicStatus, (nint)(&native), 0));
            if (result < 0)
            {
                status = default;
                return result;
            }

            native.CopyTo(out status);
            return 0;
        }

        byte* buffer = stackalloc byte[NativeStat.Size];
        return Parse(Result(LibC.fstatat(dirfd, path, buffer, flags & LibC.AtSymlinkNoFollow)), buffer, out status);
    }

    private static int Parse(int result, byte* buffer, out FileStatus status)
    {
        if (result < 0)
        {
            status = default;
            return result;
        }

        NativeStat.Parse(new ReadOnlySpan<byte>(buffer, NativeStat.Size), out status);
        return 0;
    }

    public int ReadDirectory(int fd, Span<byte> buffer)
    {
        fixed (byte* to = buffer)
        {
            return (int)Result(LibC.syscall(SystemCallNumbers.GetDents64, fd, (nint)to, buffer.Length, 0, 0, 0));
        }
    }

    public int ReadLinkAt(int dirfd, ReadOnlySpan<byte> name, Span<byte> buffer)
    {
        byte* text = stackalloc byte[NameRoom];
        int error = Name(name, text);
        if (error < 0)
        {
            return error;
        }

        fixed (byte* to = buffer)
        {
            return (int)Result(LibC.readlinkat(dirfd, text, to, buffer.Length));
        }
    }
}
