using NativeSync.Protocol;

namespace NativeSync.Engine.FileSystem;

/// <summary>
/// The kernel, as far as the engine needs it: the one seam below which files exist. Results that are negative are -errno.
/// EINTR never comes up. A <c>name</c> is one component: empty, longer than 255 bytes, with '/' or NUL, or ".." is refused
/// (EINVAL, ENOENT, ENAMETOOLONG) before the kernel sees it. No call relative to a handle follows a link in its last part.
/// Implementations are safe for use by many threads.
/// </summary>
internal interface ISystemCalls
{
    /// <summary>Opens <paramref name="name"/> below <paramref name="dirfd"/>; a link there gives ELOOP (ENOTDIR with Directory).</summary>
    int OpenAt(int dirfd, ReadOnlySpan<byte> name, OpenFlags flags, uint mode = 0);

    /// <summary>Opens a relative path of any depth without passing a link or leaving <paramref name="rootfd"/>; an empty path is the root itself.</summary>
    int OpenBeneath(int rootfd, ReadOnlySpan<byte> relativePath, OpenFlags flags, uint mode = 0);

    /// <summary>Opens what an operator named; links are followed. Never for names from a tree or the wire.</summary>
    int OpenPath(ReadOnlySpan<byte> operatorPath, OpenFlags flags, uint mode = 0);

    /// <summary>Opens by a path below (or, when it is absolute, besides) a handle, through links. Only for the target of a link that an option says to follow.</summary>
    int OpenFollowing(int dirfd, ReadOnlySpan<byte> path, OpenFlags flags);

    /// <summary>Looks at what a path leads to, through links; likewise.</summary>
    int StatFollowing(int dirfd, ReadOnlySpan<byte> path, out FileStatus status);

    /// <summary>A second handle on the same open file.</summary>
    int Duplicate(int fd);
    int Close(int fd);

    int StatAt(int dirfd, ReadOnlySpan<byte> name, out FileStatus status);
    int Stat(int fd, out FileStatus status);
    int StatPath(ReadOnlySpan<byte> operatorPath, bool follow, out FileStatus status);

    /// <summary>Fills the buffer with linux_dirent64 records (getdents64); 0 at the end.</summary>
    int ReadDirectory(int fd, Span<byte> buffer);

    /// <summary>Bytes of the target put into the buffer; a target longer than the buffer is cut.</summary>
    int ReadLinkAt(int dirfd, ReadOnlySpan<byte> name, Span<byte> buffer);

    nint Read(int fd, Span<byte> buffer);
    nint ReadAt(int fd, Span<byte> buffer, long offset);
    nint Write(int fd, ReadOnlySpan<byte> data);
    nint WriteAt(int fd, ReadOnlySpan<byte> data, long offset);

    /// <summary>Where the kernel or the file system has no Data and Hole, the file counts as all data.</summary>
    long Seek(int fd, long offset, SeekKind kind);
    int Truncate(int fd, long length);
    int Allocate(int fd, AllocateMode mode, long offset, long length);

    /// <summary>copy_file_range; ENOSYS, EXDEV, EINVAL or EOPNOTSUPP tell the caller to read and write instead.</summary>
    nint CopyRange(int fdIn, long offsetIn, int fdOut, long offsetOut, nint length);

    /// <summary>FICLONE: both share their blocks; EOPNOTSUPP, EXDEV, EINVAL or ENOTTY where that cannot be.</summary>
    int Clone(int destination, int source);
    int Advise(int fd, long offset, long length, Advice advice);

    int ChangeMode(int fd, uint mode);

    /// <summary>EOPNOTSUPP for a symbolic link, and where an old kernel lacks the means (no fchmodat2 and no /proc).</summary>
    int ChangeModeAt(int dirfd, ReadOnlySpan<byte> name, uint mode);

    /// <summary>uint.MaxValue leaves an id as it is.</summary>
    int ChangeOwner(int fd, uint uid, uint gid);
    int ChangeOwnerAt(int dirfd, ReadOnlySpan<byte> name, uint uid, uint gid);

    /// <summary>null leaves a time as it is.</summary>
    int SetTimes(int fd, Timestamp? accessed, Timestamp? modified);
    int SetTimesAt(int dirfd, ReadOnlySpan<byte> name, Timestamp? accessed, Timestamp? modified);

    int MakeDirectoryAt(int dirfd, ReadOnlySpan<byte> name, uint mode);

    /// <summary><paramref name="mode"/> with its type bits; <paramref name="rdev"/> as (major &lt;&lt; 32) | minor.</summary>
    int MakeNodeAt(int dirfd, ReadOnlySpan<byte> name, uint mode, ulong rdev);
    int SymbolicLinkAt(ReadOnlySpan<byte> target, int dirfd, ReadOnlySpan<byte> name);
    int LinkAt(int oldDirfd, ReadOnlySpan<byte> oldName, int newDirfd, ReadOnlySpan<byte> newName);
    int RenameAt(int oldDirfd, ReadOnlySpan<byte> oldName, int newDirfd, ReadOnlySpan<byte> newName, RenameFlags flags = RenameFlags.None);
    int UnlinkAt(int dirfd, ReadOnlySpan<byte> name, bool directory);

    /// <summary>Names, each ended by NUL; with an empty buffer the room needed. ERANGE when the buffer is too small.</summary>
    int ListXattrs(int fd, Span<byte> names);
    int GetXattr(int fd, ReadOnlySpan<byte> attribute, Span<byte> value);
    int SetXattr(int fd, ReadOnlySpan<byte> attribute, ReadOnlySpan<byte> value);
    int RemoveXattr(int fd, ReadOnlySpan<byte> attribute);

    /// <summary>The four by name. ENOSYS: the kernel lacks listxattrat, there is no /proc, and this is neither a file nor a directory.</summary>
    int ListXattrsAt(int dirfd, ReadOnlySpan<byte> name, Span<byte> names);
    int GetXattrAt(int dirfd, ReadOnlySpan<byte> name, ReadOnlySpan<byte> attribute, Span<byte> value);
    int SetXattrAt(int dirfd, ReadOnlySpan<byte> name, ReadOnlySpan<byte> attribute, ReadOnlySpan<byte> value);
    int RemoveXattrAt(int dirfd, ReadOnlySpan<byte> name, ReadOnlySpan<byte> attribute);

    /// <summary>Inode flags as chattr sets them (FS_IOC_GETFLAGS); ENOTTY or EOPNOTSUPP where there are none.</summary>
    int GetFileFlags(int fd, out uint flags);
    int SetFileFlags(int fd, uint flags);

    /// <summary>The project id (FS_IOC_FSGETXATTR), by which project quotas count; ENOTTY or EOPNOTSUPP where there is none.</summary>
    int GetProjectId(int fd, out uint project);
    int SetProjectId(int fd, uint project);

    /// <summary>Takes the lock of an open file (flock) for as long as the file is open, without waiting: EAGAIN when another process has it.</summary>
    int TryLock(int fd);
    int Sync(int fd);
    int SyncFileSystem(int fd);
    int StatFileSystem(int fd, out FileSystemStatus status);

    uint EffectiveUserId();
    uint EffectiveGroupId();

    /// <summary>The groups of this process besides the effective one; the count, with an empty span the room needed.</summary>
    int SupplementaryGroups(Span<uint> groups);

    /// <summary>Fills with unpredictable bytes (getrandom, else /dev/urandom).</summary>
    int GetRandom(Span<byte> buffer);

    /// <summary>Sets the umask of the process and returns the one before.</summary>
    uint SetUmask(uint mask);
}
