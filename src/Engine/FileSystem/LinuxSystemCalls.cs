using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NativeSync.Engine.FileSystem.Native;

namespace NativeSync.Engine.FileSystem;

/// <summary>
/// The real kernel. Calls newer than Linux 2.6.32 are used where <see cref="KernelSupport"/> found them, and replaced by older
/// ones with the same result where not. No state but that; any thread may call.
/// </summary>
[SkipLocalsInit] // stack buffers hold names on their way to the kernel, written before they are read
internal sealed unsafe partial class LinuxSystemCalls(KernelSupport kernel, byte[]? handles = null) : ISystemCalls
{
    public static readonly LinuxSystemCalls Instance = new(KernelSupport.Probe());

    /// <summary>Room for one component (NAME_MAX) and its NUL.</summary>
    private const int NameRoom = 256;

    /// <summary>PATH_MAX, the NUL included.</summary>
    private const int PathRoom = 4096;

    private readonly KernelSupport _kernel = kernel;

    /// <summary>Where /proc shows the handles of this process; tests put something else in its place.</summary>
    private readonly byte[] _handles = handles ?? ProcPath.Prefix.ToArray();

    /// <summary>What this instance may use.</summary>
    public KernelSupport Kernel => _kernel;

    /// <summary>Copies a component for the kernel. 0, or -errno for what can never be a name.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Name(ReadOnlySpan<byte> name, byte* buffer)
    {
        if ((uint)(name.Length - 1) >= NameRoom - 1)
        {
            return name.IsEmpty ? -Errno.ENOENT : -Errno.ENAMETOOLONG;
        }

        if (name.IndexOfAny((byte)0, (byte)'/') >= 0 || name is [(byte)'.', (byte)'.'])
        {
            return -Errno.EINVAL;
        }

        name.CopyTo(new Span<byte>(buffer, NameRoom));
        buffer[name.Length] = 0;
        return 0;
    }

    /// <summary>Copies a whole path (or link target, or attribute name) for the kernel.</summary>
    private static int Text(ReadOnlySpan<byte> text, byte* buffer, int room)
    {
        if ((uint)(text.Length - 1) >= room - 1)
        {
            return text.IsEmpty ? -Errno.ENOENT : -Errno.ENAMETOOLONG;
        }

        if (text.Contains((byte)0))
        {
            return -Errno.EINVAL;
        }

        text.CopyTo(new Span<byte>(buffer, room));
        buffer[text.Length] = 0;
        return 0;
    }

    /// <summary>The result, or -errno.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Result(int result) => result >= 0 ? result : -Marshal.GetLastSystemError();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static nint Result(nint result) => result >= 0 ? result : -Marshal.GetLastSystemError();

    public int Close(int fd)
    {
        // Linux has closed the handle even when it says EINTR; trying again could close another thread's.
        int result = Result(LibC.close(fd));
        return result == -Errno.EINTR ? 0 : result;
    }

    public int Duplicate(int fd) => Result(LibC.fcntl(fd, 1030 /* F_DUPFD_CLOEXEC */, 0));

    public uint EffectiveUserId() => LibC.geteuid();

    public uint EffectiveGroupId() => LibC.getegid();

    public int SupplementaryGroups(Span<uint> groups)
    {
        fixed (uint* list = groups)
        {
            return Result(LibC.getgroups(groups.Length, list));
        }
    }

    public uint SetUmask(uint mask) => LibC.umask(mask);

    public int GetRandom(Span<byte> buffer)
    {
        int done = 0;
        int device = -1;
        while (done < buffer.Length)
        {
            nint n;
            if (_kernel.Random)
            {
                fixed (byte* to = buffer[done..])
                {
                    n = Result(LibC.syscall(SystemCallNumbers.GetRandom, (nint)to, buffer.Length - done, 0, 0, 0, 0));
                }
            }
            else
            {
                if (device < 0 && (device = OpenPath("/dev/urandom"u8, OpenFlags.Read)) < 0)
                {
                    return device;
                }

                n = Read(device, buffer[done..]);
            }

            if (n == -Errno.EINTR)
            {
                continue;
            }

            if (n <= 0)
            {
                done = n == 0 ? -Errno.EIO : (int)n;
                break;
            }

            done += (int)n;
        }

        if (device >= 0)
        {
            Close(device);
        }

        return done < 0 ? done : 0;
    }
}
