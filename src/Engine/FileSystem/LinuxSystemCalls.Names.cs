using NativeSync.Engine.FileSystem.Native;

namespace NativeSync.Engine.FileSystem;

/// <summary>Making, linking, renaming and removing names.</summary>
internal sealed unsafe partial class LinuxSystemCalls
{
    public int MakeDirectoryAt(int dirfd, ReadOnlySpan<byte> name, uint mode)
    {
        byte* text = stackalloc byte[NameRoom];
        int error = Name(name, text);
        return error < 0 ? error : Result(LibC.mkdirat(dirfd, text, mode & ModeBits.PermissionMask));
    }

    public int MakeNodeAt(int dirfd, ReadOnlySpan<byte> name, uint mode, ulong rdev)
    {
        byte* text = stackalloc byte[NameRoom];
        int error = Name(name, text);
        return error < 0 ? error : Result(LibC.mknodat(dirfd, text, mode, DeviceNumber.Pack(rdev)));
    }

    public int SymbolicLinkAt(ReadOnlySpan<byte> target, int dirfd, ReadOnlySpan<byte> name)
    {
        byte* text = stackalloc byte[NameRoom];
        byte* content = stackalloc byte[PathRoom];
        int error = Name(name, text);
        error = error < 0 ? error : Text(target, content, PathRoom);
        return error < 0 ? error : Result(LibC.symlinkat(content, dirfd, text));
    }

    public int LinkAt(int oldDirfd, ReadOnlySpan<byte> oldName, int newDirfd, ReadOnlySpan<byte> newName)
    {
        byte* from = stackalloc byte[NameRoom];
        byte* to = stackalloc byte[NameRoom];
        int error = Name(oldName, from);
        error = error < 0 ? error : Name(newName, to);
        return error < 0 ? error : Result(LibC.linkat(oldDirfd, from, newDirfd, to, 0)); // without AT_SYMLINK_FOLLOW: the link itself
    }

    public int RenameAt(int oldDirfd, ReadOnlySpan<byte> oldName, int newDirfd, ReadOnlySpan<byte> newName, RenameFlags flags = RenameFlags.None)
    {
        byte* from = stackalloc byte[NameRoom];
        byte* to = stackalloc byte[NameRoom];
        int error = Name(oldName, from);
        error = error < 0 ? error : Name(newName, to);
        if (error < 0)
        {
            return error;
        }

        if (flags == RenameFlags.None)
        {
            return Result(LibC.renameat(oldDirfd, from, newDirfd, to));
        }

        if (_kernel.RenameFlags)
        {
            int result = (int)Result(LibC.syscall(SystemCallNumbers.RenameAt2, oldDirfd, (nint)from, newDirfd, (nint)to, (nint)flags, 0));
            if (result != -Errno.EINVAL) // EINVAL: this file system cannot
            {
                return result;
            }
        }

        return flags == RenameFlags.NoReplace ? RenameToFreeName(oldDirfd, from, newDirfd, to) : -Errno.ENOSYS;
    }

    /// <summary>
    /// NoReplace by hand: a second name, then the first one away; a name taken meanwhile is EEXIST. Directories, and file systems
    /// without hard links, are looked at and renamed, which leaves a moment in between.
    /// </summary>
    private int RenameToFreeName(int oldDirfd, byte* from, int newDirfd, byte* to)
    {
        int result = Result(LibC.linkat(oldDirfd, from, newDirfd, to, 0));
        if (result == 0)
        {
            return Result(LibC.unlinkat(oldDirfd, from, 0));
        }

        if (result is not (-Errno.EPERM or -Errno.EOPNOTSUPP or -Errno.ENOSYS or -Errno.EMLINK))
        {
            return result;
        }

        int there = Status(newDirfd, to, LibC.AtSymlinkNoFollow, out _);
        return there switch
        {
            0 => -Errno.EEXIST,
            -Errno.ENOENT => Result(LibC.renameat(oldDirfd, from, newDirfd, to)),
            _ => there,
        };
    }

    public int UnlinkAt(int dirfd, ReadOnlySpan<byte> name, bool directory)
    {
        byte* text = stackalloc byte[NameRoom];
        int error = Name(name, text);
        return error < 0 ? error : Result(LibC.unlinkat(dirfd, text, directory ? LibC.AtRemoveDirectory : 0));
    }
}
