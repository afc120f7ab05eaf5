using System.Runtime.InteropServices;

namespace NativeSync.Engine.FileSystem.Native;

/// <summary>
/// The C library as it is; -1 means "see errno". Variadic ones (openat, ioctl, syscall) pass their arguments in registers like
/// any other call on x86-64 and arm64 Linux.
/// </summary>
internal static unsafe partial class LibC
{
    private const string Library = "libc";

    [LibraryImport(Library)] public static partial nint syscall(nint number, nint a, nint b, nint c, nint d, nint e, nint f);
    [LibraryImport(Library)] public static partial int openat(int dirfd, byte* path, int flags, uint mode);
    [LibraryImport(Library)] public static partial int close(int fd);
    [LibraryImport(Library)] public static partial int getrlimit(int resource, ulong* limits);
    [LibraryImport(Library)] public static partial int fcntl(int fd, int command, nint argument);
    [LibraryImport(Library)] public static partial int fstatat(int dirfd, byte* path, byte* stat, int flags);
    [LibraryImport(Library)] public static partial int fstat(int fd, byte* stat);
    [LibraryImport(Library)] public static partial nint readlinkat(int dirfd, byte* path, byte* buffer, nint size);
    [LibraryImport(Library)] public static partial nint read(int fd, byte* buffer, nint size);
    [LibraryImport(Library)] public static partial nint pread(int fd, byte* buffer, nint size, long offset);
    [LibraryImport(Library)] public static partial nint write(int fd, byte* buffer, nint size);
    [LibraryImport(Library)] public static partial nint pwrite(int fd, byte* buffer, nint size, long offset);
    [LibraryImport(Library)] public static partial long lseek(int fd, long offset, int whence);
    [LibraryImport(Library)] public static partial int ftruncate(int fd, long length);
    [LibraryImport(Library)] public static partial int fallocate(int fd, int mode, long offset, long length);
    [LibraryImport(Library)] public static partial int posix_fadvise(int fd, long offset, long length, int advice);
    [LibraryImport(Library)] public static partial int ioctl(int fd, nint request, nint argument);
    [LibraryImport(Library)] public static partial int fchmod(int fd, uint mode);
    [LibraryImport(Library)] public static partial int chmod(byte* path, uint mode);
    [LibraryImport(Library)] public static partial int fchmodat(int dirfd, byte* path, uint mode, int flags);
    [LibraryImport(Library)] public static partial int fchown(int fd, uint uid, uint gid);
    [LibraryImport(Library)] public static partial int fchownat(int dirfd, byte* path, uint uid, uint gid, int flags);
    [LibraryImport(Library)] public static partial int clock_gettime(int clock, TimeSpecification* time);
    [LibraryImport(Library)] public static partial int futimens(int fd, TimeSpecification* times);
    [LibraryImport(Library)] public static partial int utimensat(int dirfd, byte* path, TimeSpecification* times, int flags);
    [LibraryImport(Library)] public static partial int mkdirat(int dirfd, byte* path, uint mode);
    [LibraryImport(Library)] public static partial int mknodat(int dirfd, byte* path, uint mode, ulong device);
    [LibraryImport(Library)] public static partial int symlinkat(byte* target, int dirfd, byte* path);
    [LibraryImport(Library)] public static partial int linkat(int oldDirfd, byte* oldPath, int newDirfd, byte* newPath, int flags);
    [LibraryImport(Library)] public static partial int renameat(int oldDirfd, byte* oldPath, int newDirfd, byte* newPath);
    [LibraryImport(Library)] public static partial int unlinkat(int dirfd, byte* path, int flags);
    [LibraryImport(Library)] public static partial nint flistxattr(int fd, byte* list, nint size);
    [LibraryImport(Library)] public static partial nint fgetxattr(int fd, byte* name, byte* value, nint size);
    [LibraryImport(Library)] public static partial int fsetxattr(int fd, byte* name, byte* value, nint size, int flags);
    [LibraryImport(Library)] public static partial int fremovexattr(int fd, byte* name);
    [LibraryImport(Library)] public static partial nint llistxattr(byte* path, byte* list, nint size);
    [LibraryImport(Library)] public static partial nint lgetxattr(byte* path, byte* name, byte* value, nint size);
    [LibraryImport(Library)] public static partial int lsetxattr(byte* path, byte* name, byte* value, nint size, int flags);
    [LibraryImport(Library)] public static partial int lremovexattr(byte* path, byte* name);
    [LibraryImport(Library)] public static partial int fsync(int fd);
    [LibraryImport(Library)] public static partial int flock(int fd, int operation);
    [LibraryImport(Library)] public static partial void sync();
    [LibraryImport(Library)] public static partial int fstatfs(int fd, NativeFileSystemStatus* status);
    [LibraryImport(Library)] public static partial uint geteuid();
    [LibraryImport(Library)] public static partial uint getegid();
    [LibraryImport(Library)] public static partial int getgroups(int size, uint* list);
    [LibraryImport(Library)] public static partial uint umask(uint mask);

    public const int CurrentDirectory = -100;
    public const int AtSymlinkNoFollow = 0x100;
    public const int AtRemoveDirectory = 0x200;
    public const int AtNoAutomount = 0x800;
    public const int AtEmptyPath = 0x1000;
    public const int AtStatxDontSync = 0x4000;
}
