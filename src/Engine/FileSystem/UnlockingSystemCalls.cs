namespace NativeSync.Engine.FileSystem;

/// <summary>
/// For destinations whose inode flags are kept: what is refused because something is immutable or append-only is tried again
/// without those flags on the entry and on its directory. What is to have them gets them back when all of the tree is done.
/// </summary>
internal sealed class UnlockingSystemCalls(ISystemCalls inner) : SystemCallsDecorator(inner)
{
    public override int OpenAt(int dirfd, ReadOnlySpan<byte> name, OpenFlags flags, uint mode = 0)
    {
        int result = Inner.OpenAt(dirfd, name, flags, mode);
        bool writes = (flags & (OpenFlags.Write | OpenFlags.ReadWrite | OpenFlags.Create)) != 0;
        return writes && Unlock(result, dirfd, name) ? Inner.OpenAt(dirfd, name, flags, mode) : result;
    }

    public override int UnlinkAt(int dirfd, ReadOnlySpan<byte> name, bool directory)
    {
        int result = Inner.UnlinkAt(dirfd, name, directory);
        return Unlock(result, dirfd, name) ? Inner.UnlinkAt(dirfd, name, directory) : result;
    }

    public override int RenameAt(int oldDirfd, ReadOnlySpan<byte> oldName, int newDirfd, ReadOnlySpan<byte> newName, RenameFlags flags = RenameFlags.None)
    {
        int result = Inner.RenameAt(oldDirfd, oldName, newDirfd, newName, flags);
        bool retry = Unlock(result, oldDirfd, oldName) | Unlock(result, newDirfd, newName);
        return retry ? Inner.RenameAt(oldDirfd, oldName, newDirfd, newName, flags) : result;
    }

    public override int LinkAt(int oldDirfd, ReadOnlySpan<byte> oldName, int newDirfd, ReadOnlySpan<byte> newName)
    {
        int result = Inner.LinkAt(oldDirfd, oldName, newDirfd, newName);
        bool retry = Unlock(result, oldDirfd, oldName) | Unlock(result, newDirfd, newName);
        return retry ? Inner.LinkAt(oldDirfd, oldName, newDirfd, newName) : result;
    }

    public override int MakeDirectoryAt(int dirfd, ReadOnlySpan<byte> name, uint mode)
    {
        int result = Inner.MakeDirectoryAt(dirfd, name, mode);
        return Unlock(result, dirfd, default) ? Inner.MakeDirectoryAt(dirfd, name, mode) : result;
    }

    public override int MakeNodeAt(int dirfd, ReadOnlySpan<byte> name, uint mode, ulong rdev)
    {
        int result = Inner.MakeNodeAt(dirfd, name, mode, rdev);
        return Unlock(result, dirfd, default) ? Inner.MakeNodeAt(dirfd, name, mode, rdev) : result;
    }

    public override int SymbolicLinkAt(ReadOnlySpan<byte> target, int dirfd, ReadOnlySpan<byte> name)
    {
        int result = Inner.SymbolicLinkAt(target, dirfd, name);
        return Unlock(result, dirfd, default) ? Inner.SymbolicLinkAt(target, dirfd, name) : result;
    }

    /// <summary>Takes the flags away after EPERM (EACCES for writing to what is immutable); false when there were none.</summary>
    private bool Unlock(int result, int dirfd, ReadOnlySpan<byte> name)
    {
        if (result is not (-Errno.EPERM or -Errno.EACCES))
        {
            return false;
        }

        bool unlocked = Unlock(dirfd);
        if (!name.IsEmpty && Inner.StatAt(dirfd, name, out FileStatus status) >= 0 && (status.IsRegular || status.IsDirectory))
        {
            int fd = Inner.OpenAt(dirfd, name, OpenFlags.Read | OpenFlags.NonBlocking);
            if (fd >= 0)
            {
                unlocked |= Unlock(fd);
                Inner.Close(fd);
            }
        }

        return unlocked;
    }

    private bool Unlock(int fd) =>
        Inner.GetFileFlags(fd, out uint flags) >= 0 && (flags & FileFlags.Locking) != 0 && Inner.SetFileFlags(fd, flags & ~FileFlags.Locking) >= 0;
}
