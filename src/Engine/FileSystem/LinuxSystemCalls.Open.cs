using NativeSync.Engine.FileSystem.Native;

namespace NativeSync.Engine.FileSystem;

/// <summary>Opening: below a handle, never through a link; or by an operator's path.</summary>
internal sealed unsafe partial class LinuxSystemCalls
{
    public int OpenAt(int dirfd, ReadOnlySpan<byte> name, OpenFlags flags, uint mode = 0)
    {
        byte* text = stackalloc byte[NameRoom];
        int error = Name(name, text);
        return error < 0 ? error : Open(dirfd, text, NativeOpenFlags.From(flags) | NativeOpenFlags.NoFollow, mode);
    }

    public int OpenPath(ReadOnlySpan<byte> operatorPath, OpenFlags flags, uint mode = 0)
    {
        byte* text = stackalloc byte[PathRoom];
        int error = Text(operatorPath, text, PathRoom);
        return error < 0 ? error : Open(LibC.CurrentDirectory, text, NativeOpenFlags.From(flags), mode);
    }

    public int OpenFollowing(int dirfd, ReadOnlySpan<byte> path, OpenFlags flags)
    {
        byte* text = stackalloc byte[PathRoom];
        int error = Text(path, text, PathRoom);
        return error < 0 ? error : Open(dirfd, text, NativeOpenFlags.From(flags), 0);
    }

    /// <summary>openat2 with RESOLVE_BENEATH and no links where there is such a call, else one component at a time.</summary>
    public int OpenBeneath(int rootfd, ReadOnlySpan<byte> relativePath, OpenFlags flags, uint mode = 0)
    {
        if (relativePath.IsEmpty)
        {
            return OpenAt(rootfd, "."u8, flags, mode);
        }

        if (!RelativePath.IsSafe(relativePath))
        {
            return -Errno.EINVAL;
        }

        if (!_kernel.OpenBeneath || relativePath.Length >= PathRoom - 1)
        {
            return WalkBeneath(rootfd, relativePath, flags, mode);
        }

        byte* text = stackalloc byte[PathRoom];
        relativePath.CopyTo(new Span<byte>(text, PathRoom));
        text[relativePath.Length] = 0;
        OpenHow how = new()
        {
            Flags = (ulong)(uint)(NativeOpenFlags.From(flags) | NativeOpenFlags.NoFollow),
            Mode = (flags & OpenFlags.Create) != 0 ? mode & ModeBits.PermissionMask : 0,
            Resolve = OpenHow.Beneath | OpenHow.NoSymbolicLinks | OpenHow.NoMagicLinks,
        };
        nint fd;
        do
        {
            fd = Result(LibC.syscall(SystemCallNumbers.OpenAt2, rootfd, (nint)text, (nint)(&how), sizeof(OpenHow), 0, 0));
        }
        while (fd is -Errno.EINTR or -Errno.EAGAIN); // EAGAIN: a rename elsewhere raced with the resolution
        return (int)fd;
    }

    private int WalkBeneath(int rootfd, ReadOnlySpan<byte> path, OpenFlags flags, uint mode)
    {
        int at = rootfd;
        try
        {
            while (true)
            {
                int slash = path.IndexOf((byte)'/');
                if (slash < 0)
                {
                    return OpenAt(at, path, flags, mode);
                }

                int next = OpenAt(at, path[..slash], OpenFlags.Read | OpenFlags.Directory);
                if (next == -Errno.EACCES && _kernel.PathHandles)
                {
                    next = OpenAt(at, path[..slash], OpenFlags.PathOnly | OpenFlags.Directory); // may be passed, may not be listed
                }

                if (next < 0)
                {
                    // O_DIRECTORY answers ENOTDIR for a link; openat2 says ELOOP, and so do we.
                    return next == -Errno.ENOTDIR && StatAt(at, path[..slash], out FileStatus s) == 0 && s.IsSymbolicLink ? -Errno.ELOOP : next;
                }

                if (at != rootfd)
                {
                    Close(at);
                }

                at = next;
                path = path[(slash + 1)..];
            }
        }
        finally
        {
            if (at != rootfd)
            {
                Close(at);
            }
        }
    }

    private static int Open(int dirfd, byte* path, int flags, uint mode)
    {
        int fd;
        do
        {
            fd = Result(LibC.openat(dirfd, path, flags, mode));
        }
        while (fd == -Errno.EINTR);
        return fd;
    }
}
