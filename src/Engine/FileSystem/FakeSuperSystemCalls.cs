namespace NativeSync.Engine.FileSystem;

/// <summary>
/// --fake-super, as rsync keeps it on disk, so that either reads what the other wrote: mode, device and owner in user.rsync.%stat,
/// access control lists in user.rsync.%aacl and %dacl, attributes outside of the user namespace behind the prefix user.rsync., and
/// devices, FIFOs, sockets and links as regular files. Everything above sees the entries as they are meant. Source: rsync's manual
/// (--fake-super) and files that rsync 3.5.0 wrote.
/// </summary>
internal sealed class FakeSuperSystemCalls(ISystemCalls inner) : SystemCallsDecorator(inner)
{
    private const uint FileAccess = 0x180, DirectoryAccess = 0x1C0;

    public override int StatAt(int dirfd, ReadOnlySpan<byte> name, out FileStatus status)
    {
        int error = Inner.StatAt(dirfd, name, out status);
        if (error >= 0)
        {
            FakeStatus.Overlay(new Target(Inner, dirfd, name), ref status);
        }

        return error;
    }

    public override int Stat(int fd, out FileStatus status)
    {
        int error = Inner.Stat(fd, out status);
        if (error >= 0)
        {
            FakeStatus.Overlay(new Target(Inner, fd), ref status);
        }

        return error;
    }

    /// <summary>A link is a regular file with the target as its content.</summary>
    public override int ReadLinkAt(int dirfd, ReadOnlySpan<byte> name, Span<byte> buffer)
    {
        int fd = Inner.StatAt(dirfd, name, out FileStatus status) >= 0 && status.IsRegular ? Inner.OpenQuietly(dirfd, name) : -1;
        if (fd < 0)
        {
            return Inner.ReadLinkAt(dirfd, name, buffer);
        }

        int length = (int)Inner.ReadAt(fd, buffer, 0);
        Inner.Close(fd);
        return length;
    }

    public override int SymbolicLinkAt(ReadOnlySpan<byte> target, int dirfd, ReadOnlySpan<byte> name) =>
        MakeStandIn(dirfd, name, target, ModeBits.SymbolicLink | 0x1FF, 0);

    public override int MakeNodeAt(int dirfd, ReadOnlySpan<byte> name, uint mode, ulong rdev) => MakeStandIn(dirfd, name, default, mode, rdev);

    public override int ChangeMode(int fd, uint mode) => Change(new Target(Inner, fd), mode, uint.MaxValue, uint.MaxValue);

    public override int ChangeModeAt(int dirfd, ReadOnlySpan<byte> name, uint mode) => Change(new Target(Inner, dirfd, name), mode, uint.MaxValue, uint.MaxValue);

    public override int ChangeOwner(int fd, uint uid, uint gid) => Change(new Target(Inner, fd), null, uid, gid);

    public override int ChangeOwnerAt(int dirfd, ReadOnlySpan<byte> name, uint uid, uint gid) => Change(new Target(Inner, dirfd, name), null, uid, gid);

    public override int ListXattrs(int fd, Span<byte> names) => FakeXattrs.List(new Target(Inner, fd), names);

    public override int ListXattrsAt(int dirfd, ReadOnlySpan<byte> name, Span<byte> names) => FakeXattrs.List(new Target(Inner, dirfd, name), names);

    public override int GetXattr(int fd, ReadOnlySpan<byte> attribute, Span<byte> value) => FakeXattrs.Get(new Target(Inner, fd), attribute, value);

    public override int GetXattrAt(int dirfd, ReadOnlySpan<byte> name, ReadOnlySpan<byte> attribute, Span<byte> value) =>
        FakeXattrs.Get(new Target(Inner, dirfd, name), attribute, value);

    public override int SetXattr(int fd, ReadOnlySpan<byte> attribute, ReadOnlySpan<byte> value) => Set(new Target(Inner, fd), attribute, value);

    public override int SetXattrAt(int dirfd, ReadOnlySpan<byte> name, ReadOnlySpan<byte> attribute, ReadOnlySpan<byte> value) =>
        Set(new Target(Inner, dirfd, name), attribute, value);

    public override int RemoveXattr(int fd, ReadOnlySpan<byte> attribute) => FakeXattrs.Remove(new Target(Inner, fd), attribute);

    public override int RemoveXattrAt(int dirfd, ReadOnlySpan<byte> name, ReadOnlySpan<byte> attribute) =>
        FakeXattrs.Remove(new Target(Inner, dirfd, name), attribute);

    private static int Set(in Target target, ReadOnlySpan<byte> attribute, ReadOnlySpan<byte> value)
    {
        int error = FakeXattrs.Set(target, attribute, value);
        if (error < 0 || !attribute.SequenceEqual(XattrNames.AccessAcl))
        {
            return error;
        }

        // As in the kernel, a list decides the permission bits.
        error = target.Stat(out FileStatus status);
        return error < 0 ? error : Change(target, (FakeStatus.Overlay(target, ref status).Mode & ~0x1FFu) | AccessControlList.Permissions(value), uint.MaxValue, uint.MaxValue);
    }

    private static int Change(in Target target, uint? mode, uint uid, uint gid)
    {
        int error = target.Stat(out FileStatus real);
        if (error < 0)
        {
            return error;
        }

        if (!FakeStatus.IsPossible(real))
        {
            return mode is { } bits ? target.ChangeMode(bits) : target.ChangeOwner(uid, gid);
        }

        FileStatus wanted = real;
        FakeStatus.Overlay(target, ref wanted);
        if (mode is { } permissions)
        {
            wanted.Mode = (wanted.Mode & ModeBits.TypeMask) | (permissions & ModeBits.PermissionMask);
            uint access = (wanted.Mode & 0x1FF) | (real.IsDirectory ? DirectoryAccess : FileAccess);
            error = (real.Mode & ModeBits.PermissionMask) == access ? 0 : target.ChangeMode(access);
            real.Mode = (real.Mode & ModeBits.TypeMask) | access;
        }

        wanted.Uid = uid == uint.MaxValue ? wanted.Uid : uid;
        wanted.Gid = gid == uint.MaxValue ? wanted.Gid : gid;
        return error < 0 ? error : FakeStatus.Write(target, wanted, real);
    }

    /// <summary>The regular file that stands for what only the super-user can make.</summary>
    private int MakeStandIn(int dirfd, ReadOnlySpan<byte> name, ReadOnlySpan<byte> content, uint mode, ulong rdev)
    {
        int fd = Inner.OpenAt(dirfd, name, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Exclusive, FileAccess);
        if (fd < 0)
        {
            return fd;
        }

        Target target = new(Inner, fd);
        int error = content.IsEmpty ? 0 : Inner.WriteAt(fd, content, 0) is var written && written == content.Length ? 0 : written < 0 ? (int)written : -Errno.ENOSPC;
        FileStatus real = default;
        error = error < 0 ? error : Inner.Stat(fd, out real);
        if (error >= 0)
        {
            FileStatus wanted = real;
            wanted.Mode = mode;
            wanted.Rdev = ModeBits.IsDevice(mode) ? rdev : 0;
            error = target.ChangeMode((mode & 0x1FF) | FileAccess);
            error = error < 0 ? error : FakeStatus.Write(target, wanted, real);
        }

        Inner.Close(fd);
        if (error < 0)
        {
            Inner.UnlinkAt(dirfd, name, directory: false);
        }

        return error;
    }
}
