using System.Runtime.InteropServices;
using NativeSync.Engine.FileSystem.Native;

namespace NativeSync.Engine.FileSystem.Following;

/// <summary>
/// fanotify(7) with directory handles (Linux 5.9): the kernel tells of each change on a marked file system, as the handle of the
/// directory and the name in it. Needs CAP_SYS_ADMIN in the first user namespace. Results that are negative are -errno.
/// </summary>
internal sealed unsafe class ChangeQueue : IDisposable
{
    private const uint CloseOnExec = 1, NonBlocking = 2, UnlimitedQueue = 0x10;
    private const uint ReportFile = 0x200, ReportDirectory = 0x400, ReportName = 0x800;
    private const uint MarkAdd = 1, MarkRemove = 2, MarkFlush = 0x80, MarkFileSystem = 0x100;
    private const ulong PollPriority = 2;

    /// <summary>FAN_OPEN, which is never asked for: taking it away changes nothing and shows whether there is a mark.</summary>
    private const ulong NeverMarked = 0x20;

    private readonly int _fd;
    private readonly int _wake;
    private readonly int _mounts;

    private ChangeQueue(int fd, int wake, int mounts)
    {
        _fd = fd;
        _wake = wake;
        _mounts = mounts;
    }

    /// <summary>Opens a queue without a bound.</summary>
    public static int Open(out ChangeQueue? queue)
    {
        queue = null;
        const uint flags = CloseOnExec | NonBlocking | UnlimitedQueue | ReportFile | ReportDirectory | ReportName;
        var fd = Call(SystemCallNumbers.FanotifyInit, (nint)flags, 0);
        if (fd < 0)
        {
            return fd;
        }

        var wake = Call(SystemCallNumbers.EventFd, 0, NativeOpenFlags.CloseOnExec);
        if (wake < 0)
        {
            LibC.close(fd);
            return wake;
        }

        fixed (byte* path = "/proc/self/mountinfo\0"u8)
        {
            queue = new ChangeQueue(fd, wake, LibC.openat(LibC.CurrentDirectory, path, NativeOpenFlags.CloseOnExec, 0));
        }

        return 0;
    }

    /// <summary>Lets the kernel tell of the whole file system that a path is on.</summary>
    public int Mark(ReadOnlySpan<byte> path) => Mark(path, MarkAdd | MarkFileSystem, (ulong)ChangeMask.All);

    /// <summary>False when the file system at a path is not the one that was marked there.</summary>
    public bool IsMarked(ReadOnlySpan<byte> path) => Mark(path, MarkRemove | MarkFileSystem, NeverMarked) >= 0;

    /// <summary>Takes the marks away.</summary>
    public void Unmark()
    {
        Mark("/"u8, MarkFlush | MarkFileSystem, 0);
    }

    /// <summary>Whether anything was mounted or unmounted since this was asked last; also when that cannot be known.</summary>
    public bool HaveMountsChanged()
    {
        // proc(5): once after each change, and then not before the next.
        var polled = (uint)_mounts | (PollPriority << 32);
        var now = default((long Seconds, long Nanoseconds));
        return _mounts < 0 || LibC.syscall(SystemCallNumbers.PPoll, (nint)(&polled), 1, (nint)(&now), 0, 0, 0) < 0 || (polled >> 48 & PollPriority) != 0;
    }

    /// <summary>Waits for events; false when it was woken.</summary>
    public bool Wait()
    {
        // struct pollfd: int fd, short events, short revents.
        var polled = stackalloc ulong[] { (uint)_fd | (1UL << 32), (uint)_wake | (1UL << 32) };
        while (LibC.syscall(SystemCallNumbers.PPoll, (nint)polled, 2, 0, 0, 0, 0) < 0 && Marshal.GetLastSystemError() == Errno.EINTR)
        {
        }

        return polled[1] >> 48 == 0;
    }

    /// <summary>Ends the waiting, for good.</summary>
    public void Wake()
    {
        long one = 1;
        LibC.write(_wake, (byte*)&one, sizeof(long));
    }

    /// <summary>Takes events; -EAGAIN when there are none.</summary>
    public int Read(Span<byte> buffer)
    {
        fixed (byte* to = buffer)
        {
            nint n;
            do
            {
                n = LibC.read(_fd, to, buffer.Length);
            }
            while (n < 0 && Marshal.GetLastSystemError() == Errno.EINTR);
            return n < 0 ? -Marshal.GetLastSystemError() : (int)n;
        }
    }

    public void Dispose()
    {
        LibC.close(_fd);
        LibC.close(_wake);
        LibC.close(_mounts);
    }

    private int Mark(ReadOnlySpan<byte> path, uint flags, ulong mask)
    {
        fixed (byte* text = (byte[])[.. path, 0])
        {
            return Call(SystemCallNumbers.FanotifyMark, _fd, (nint)flags, (nint)mask, LibC.CurrentDirectory, (nint)text);
        }
    }

    private static int Call(int number, nint a, nint b, nint c = 0, nint d = 0, nint e = 0)
    {
        var result = (int)LibC.syscall(number, a, b, c, d, e, 0);
        return result >= 0 ? result : -Marshal.GetLastSystemError();
    }
}
