using NativeSync.Engine.FileSystem.Native;

namespace NativeSync.Engine.FileSystem;

/// <summary>Content: reading, writing, holes, copies inside the kernel, durability.</summary>
internal sealed unsafe partial class LinuxSystemCalls
{
    private const nint CloneRequest = 0x40049409; // FICLONE

    public nint Read(int fd, Span<byte> buffer)
    {
        fixed (byte* to = buffer)
        {
            nint n;
            do
            {
                n = Result(LibC.read(fd, to, buffer.Length));
            }
            while (n == -Errno.EINTR);
            return n;
        }
    }

    public nint ReadAt(int fd, Span<byte> buffer, long offset)
    {
        fixed (byte* to = buffer)
        {
            nint n;
            do
            {
                n = Result(LibC.pread(fd, to, buffer.Length, offset));
            }
            while (n == -Errno.EINTR);
            return n;
        }
    }

    public nint Write(int fd, ReadOnlySpan<byte> data)
    {
        fixed (byte* from = data)
        {
            nint n;
            do
            {
                n = Result(LibC.write(fd, from, data.Length));
            }
            while (n == -Errno.EINTR);
            return n;
        }
    }

    public nint WriteAt(int fd, ReadOnlySpan<byte> data, long offset)
    {
        fixed (byte* from = data)
        {
            nint n;
            do
            {
                n = Result(LibC.pwrite(fd, from, data.Length, offset));
            }
            while (n == -Errno.EINTR);
            return n;
        }
    }

    public long Seek(int fd, long offset, SeekKind kind)
    {
        long result = Result((nint)LibC.lseek(fd, offset, (int)kind));
        if (result != -Errno.EINVAL || kind is not (SeekKind.Data or SeekKind.Hole))
        {
            return result;
        }

        // No such thing here (before Linux 3.1): all of it is data.
        int error = Stat(fd, out FileStatus status);
        if (error < 0)
        {
            return error;
        }

        if (offset < 0 || offset >= status.Size)
        {
            return -Errno.ENXIO;
        }

        return LibC.lseek(fd, kind == SeekKind.Data ? offset : status.Size, (int)SeekKind.Set);
    }

    public int Truncate(int fd, long length)
    {
        int result;
        do
        {
            result = Result(LibC.ftruncate(fd, length));
        }
        while (result == -Errno.EINTR);
        return result;
    }

    public int Allocate(int fd, AllocateMode mode, long offset, long length)
    {
        int result;
        do
        {
            result = Result(LibC.fallocate(fd, (int)mode, offset, length));
        }
        while (result == -Errno.EINTR);
        return result;
    }

    public nint CopyRange(int fdIn, long offsetIn, int fdOut, long offsetOut, nint length)
    {
        if (!_kernel.CopyRange)
        {
            return -Errno.ENOSYS;
        }

        nint n;
        do
        {
            n = Result(LibC.syscall(SystemCallNumbers.CopyFileRange, fdIn, (nint)(&offsetIn), fdOut, (nint)(&offsetOut), length, 0));
        }
        while (n == -Errno.EINTR);
        return n;
    }

    public int Clone(int destination, int source) => Result(LibC.ioctl(destination, CloneRequest, source));

    public int Advise(int fd, long offset, long length, Advice advice) =>
        -LibC.posix_fadvise(fd, offset, length, (int)advice); // returns the error number itself

    public int TryLock(int fd)
    {
        const int exclusiveWithoutWaiting = 2 | 4;
        int result;
        do
        {
            result = Result(LibC.flock(fd, exclusiveWithoutWaiting));
        }
        while (result == -Errno.EINTR);
        return result;
    }

    public int Sync(int fd)
    {
        int result;
        do
        {
            result = Result(LibC.fsync(fd));
        }
        while (result == -Errno.EINTR);
        return result;
    }

    public int SyncFileSystem(int fd)
    {
        if (_kernel.SyncFileSystem)
        {
            return (int)Result(LibC.syscall(SystemCallNumbers.SyncFs, fd, 0, 0, 0, 0, 0));
        }

        LibC.sync();
        return 0;
    }

    public int StatFileSystem(int fd, out FileSystemStatus status)
    {
        NativeFileSystemStatus native;
        int result;
        do
        {
            result = Result(LibC.fstatfs(fd, &native));
        }
        while (result == -Errno.EINTR);
        status = result < 0 ? default : new FileSystemStatus
        {
            Type = native.Type,
            BlockSize = native.BlockSize,
            Blocks = native.Blocks,
            FreeBlocks = native.FreeBlocks,
            AvailableBlocks = native.AvailableBlocks,
            Files = native.Files,
            FreeFiles = native.FreeFiles,
            MaxNameLength = native.MaxNameLength,
            Id = native.Id,
        };
        return result;
    }
}
