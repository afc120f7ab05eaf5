using NativeSync.Protocol;

namespace NativeSync.Engine.FileSystem;

/// <summary>Passes every call on; what derives from it changes the meaning of some.</summary>
internal abstract class SystemCallsDecorator(ISystemCalls inner) : ISystemCalls
{
    /// <summary>The calls below.</summary>
    protected ISystemCalls Inner => inner;

    public virtual int OpenAt(int dirfd, ReadOnlySpan<byte> name, OpenFlags flags, uint mode = 0) => inner.OpenAt(dirfd, name, flags, mode);

    public virtual int OpenBeneath(int rootfd, ReadOnlySpan<byte> relativePath, OpenFlags flags, uint mode = 0) => inner.OpenBeneath(rootfd, relativePath, flags, mode);

    public virtual int OpenPath(ReadOnlySpan<byte> operatorPath, OpenFlags flags, uint mode = 0) => inner.OpenPath(operatorPath, flags, mode);

    public virtual int OpenFollowing(int dirfd, ReadOnlySpan<byte> path, OpenFlags flags) => inner.OpenFollowing(dirfd, path, flags);

    public virtual int StatFollowing(int dirfd, ReadOnlySpan<byte> path, out FileStatus status) => inner.StatFollowing(dirfd, path, out status);

    public virtual int Duplicate(int fd) => inner.Duplicate(fd);

    public virtual int Close(int fd) => inner.Close(fd);

    public virtual int StatAt(int dirfd, ReadOnlySpan<byte> name, out FileStatus status) => inner.StatAt(dirfd, name, out status);

    public virtual int Stat(int fd, out FileStatus status) => inner.Stat(fd, out status);

    public virtual int StatPath(ReadOnlySpan<byte> operatorPath, bool follow, out FileStatus status) => inner.StatPath(operatorPath, follow, out status);

    public virtual int ReadDirectory(int fd, Span<byte> buffer) => inner.ReadDirectory(fd, buffer);

    public virtual int ReadLinkAt(int dirfd, ReadOnlySpan<byte> name, Span<byte> buffer) => inner.ReadLinkAt(dirfd, name, buffer);

    public virtual nint Read(int fd, Span<byte> buffer) => inner.Read(fd, buffer);

    public virtual nint ReadAt(int fd, Span<byte> buffer, long offset) => inner.ReadAt(fd, buffer, offset);

    public virtual nint Write(int fd, ReadOnlySpan<byte> data) => inner.Write(fd, data);

    public virtual nint WriteAt(int fd, ReadOnlySpan<byte> data, long offset) => inner.WriteAt(fd, data, offset);

    public virtual long Seek(int fd, long offset, SeekKind kind) => inner.Seek(fd, offset, kind);

    public virtual int Truncate(int fd, long length) => inner.Truncate(fd, length);

    public virtual int Allocate(int fd, AllocateMode mode, long offset, long length) => inner.Allocate(fd, mode, offset, length);

    public virtual nint CopyRange(int fdIn, long offsetIn, int fdOut, long offsetOut, nint length) => inner.CopyRange(fdIn, offsetIn, fdOut, offsetOut, length);

    public virtual int Clone(int destination, int source) => inner.Clone(destination, source);

    public virtual int Advise(int fd, long offset, long length, Advice advice) => inner.Advise(fd, offset, length, advice);

    public virtual int ChangeMode(int fd, uint mode) => inner.ChangeMode(fd, mode);

    public virtual int ChangeModeAt(int dirfd, ReadOnlySpan<byte> name, uint mode) => inner.ChangeModeAt(dirfd, name, mode);

    public virtual int ChangeOwner(int fd, uint uid, uint gid) => inner.ChangeOwner(fd, uid, gid);

    public virtual int ChangeOwnerAt(int dirfd, ReadOnlySpan<byte> name, uint uid, uint gid) => inner.ChangeOwnerAt(dirfd, name, uid, gid);

    public virtual int SetTimes(int fd, Timestamp? accessed, Timestamp? modified) => inner.SetTimes(fd, accessed, modified);

    public virtual int SetTimesAt(int dirfd, ReadOnlySpan<byte> name, Timestamp? accessed, Timestamp? modified) => inner.SetTimesAt(dirfd, name, accessed, modified);

    public virtual int MakeDirectoryAt(int dirfd, ReadOnlySpan<byte> name, uint mode) => inner.MakeDirectoryAt(dirfd, name, mode);

    public virtual int MakeNodeAt(int dirfd, ReadOnlySpan<byte> name, uint mode, ulong rdev) => inner.MakeNodeAt(dirfd, name, mode, rdev);

    public virtual int SymbolicLinkAt(ReadOnlySpan<byte> target, int dirfd, ReadOnlySpan<byte> name) => inner.SymbolicLinkAt(target, dirfd, name);

    public virtual int LinkAt(int oldDirfd, ReadOnlySpan<byte> oldName, int newDirfd, ReadOnlySpan<byte> newName) => inner.LinkAt(oldDirfd, oldName, newDirfd, newName);

    public virtual int RenameAt(int oldDirfd, ReadOnlySpan<byte> oldName, int newDirfd, ReadOnlySpan<byte> newName, RenameFlags flags = RenameFlags.None) => inner.RenameAt(oldDirfd, oldName, newDirfd, newName, flags);

    public virtual int UnlinkAt(int dirfd, ReadOnlySpan<byte> name, bool directory) => inner.UnlinkAt(dirfd, name, directory);

    public virtual int ListXattrs(int fd, Span<byte> names) => inner.ListXattrs(fd, names);

    public virtual int GetXattr(int fd, ReadOnlySpan<byte> attribute, Span<byte> value) => inner.GetXattr(fd, attribute, value);

    public virtual int SetXattr(int fd, ReadOnlySpan<byte> attribute, ReadOnlySpan<byte> value) => inner.SetXattr(fd, attribute, value);

    public virtual int RemoveXattr(int fd, ReadOnlySpan<byte> attribute) => inner.RemoveXattr(fd, attribute);

    public virtual int ListXattrsAt(int dirfd, ReadOnlySpan<byte> name, Span<byte> names) => inner.ListXattrsAt(dirfd, name, names);

    public virtual int GetXattrAt(int dirfd, ReadOnlySpan<byte> name, ReadOnlySpan<byte> attribute, Span<byte> value) => inner.GetXattrAt(dirfd, name, attribute, value);

    public virtual int SetXattrAt(int dirfd, ReadOnlySpan<byte> name, ReadOnlySpan<byte> attribute, ReadOnlySpan<byte> value) => inner.SetXattrAt(dirfd, name, attribute, value);

    public virtual int RemoveXattrAt(int dirfd, ReadOnlySpan<byte> name, ReadOnlySpan<byte> attribute) => inner.RemoveXattrAt(dirfd, name, attribute);

    public virtual int GetFileFlags(int fd, out uint flags) => inner.GetFileFlags(fd, out flags);

    public virtual int SetFileFlags(int fd, uint flags) => inner.SetFileFlags(fd, flags);

    public virtual int GetProjectId(int fd, out uint project) => inner.GetProjectId(fd, out project);

    public virtual int SetProjectId(int fd, uint project) => inner.SetProjectId(fd, project);

    public virtual int TryLock(int fd) => inner.TryLock(fd);

    public virtual int Sync(int fd) => inner.Sync(fd);

    public virtual int SyncFileSystem(int fd) => inner.SyncFileSystem(fd);

    public virtual int StatFileSystem(int fd, out FileSystemStatus status) => inner.StatFileSystem(fd, out status);

    public virtual uint EffectiveUserId() => inner.EffectiveUserId();

    public virtual uint EffectiveGroupId() => inner.EffectiveGroupId();

    public virtual int SupplementaryGroups(Span<uint> groups) => inner.SupplementaryGroups(groups);

    public virtual int GetRandom(Span<byte> buffer) => inner.GetRandom(buffer);

    public virtual uint SetUmask(uint mask) => inner.SetUmask(mask);
}
