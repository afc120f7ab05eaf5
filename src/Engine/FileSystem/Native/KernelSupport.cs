using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace NativeSync.Engine.FileSystem.Native;

/// <summary>
/// Which calls newer than Linux 2.6.32 this kernel has. Each is asked once with arguments that cannot do anything: ENOSYS, or the
/// EPERM of a container's seccomp filter for calls that it does not know, mean "not here"; any other answer means it is.
/// </summary>
internal sealed record KernelSupport
{
    /// <summary>Linux 4.11.</summary>
    public bool Statx { get; init; }

    /// <summary>Linux 5.6.</summary>
    public bool OpenBeneath { get; init; }

    /// <summary>Linux 3.15.</summary>
    public bool RenameFlags { get; init; }

    /// <summary>fchmodat2, Linux 6.6.</summary>
    public bool ChangeModeNoFollow { get; init; }

    /// <summary>listxattrat and its sisters, Linux 6.13.</summary>
    public bool XattrsAt { get; init; }

    /// <summary>copy_file_range, Linux 4.5.</summary>
    public bool CopyRange { get; init; }

    /// <summary>syncfs, Linux 2.6.39.</summary>
    public bool SyncFileSystem { get; init; }

    /// <summary>getrandom, Linux 3.17.</summary>
    public bool Random { get; init; }

    /// <summary>O_PATH, Linux 2.6.39. Older kernels ignore the flag and open in earnest, devices too: never pass it to them.</summary>
    public bool PathHandles { get; init; }

    /// <summary>Nothing but what Linux 2.6.32 has.</summary>
    public static KernelSupport Oldest { get; } = new();

    public static unsafe KernelSupport Probe()
    {
        // The runtime binds the accessor of errno on first use, which may itself disturb errno.
        Marshal.GetLastSystemError();
        byte* name = stackalloc byte[] { (byte)'x', 0 };
        nint text = (nint)name;
        OpenHow how = default;
        return new KernelSupport
        {
            Statx = Exists(SystemCallNumbers.Statx, -1, text, 0, (nint)NativeStatx.BasicStatus, 0),
            OpenBeneath = Exists(SystemCallNumbers.OpenAt2, -1, text, (nint)(&how), sizeof(OpenHow), 0),
            RenameFlags = Exists(SystemCallNumbers.RenameAt2, -1, text, -1, text, 1),
            ChangeModeNoFollow = Exists(SystemCallNumbers.ChangeModeAt2, -1, text, 0, LibC.AtSymlinkNoFollow, 0),
            XattrsAt = Exists(SystemCallNumbers.ListXattrAt, -1, text, LibC.AtSymlinkNoFollow, 0, 0),
            CopyRange = Exists(SystemCallNumbers.CopyFileRange, -1, 0, -1, 0, 0),
            SyncFileSystem = Exists(SystemCallNumbers.SyncFs, -1, 0, 0, 0, 0),
            Random = Exists(SystemCallNumbers.GetRandom, 0, 0, 0, 0, 0),
            PathHandles = ProbePathHandles(),
        };
    }

    private static bool Exists(int number, nint a, nint b, nint c, nint d, nint e)
    {
        if (LibC.syscall(number, a, b, c, d, e, 0) >= 0)
        {
            return true;
        }

        return Marshal.GetLastSystemError() is not (Errno.ENOSYS or Errno.EPERM);
    }

    private static unsafe bool ProbePathHandles()
    {
        byte* root = stackalloc byte[] { (byte)'/', 0 };
        byte one;
        int fd = LibC.openat(LibC.CurrentDirectory, root, (int)OpenFlags.PathOnly | NativeOpenFlags.CloseOnExec | NativeOpenFlags.Directory, 0);
        if (fd < 0)
        {
            return false;
        }

        // A true path handle cannot be read at all (EBADF); a directory opened in earnest says EISDIR.
        bool path = LibC.read(fd, &one, 1) < 0 && Marshal.GetLastSystemError() == Errno.EBADF;
        LibC.close(fd);
        return path;
    }
}

/// <summary>Numbers of the calls that older C libraries have no function for.</summary>
internal static class SystemCallNumbers
{
    private static readonly bool Arm = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    public static readonly int GetDents64 = Arm ? 61 : 217;
    public static readonly int SyncFs = Arm ? 267 : 306;
    public static readonly int RenameAt2 = Arm ? 276 : 316;
    public static readonly int GetRandom = Arm ? 278 : 318;
    public static readonly int CopyFileRange = Arm ? 285 : 326;
    public static readonly int Statx = Arm ? 291 : 332;
    public static readonly int PPoll = Arm ? 73 : 271;
    public static readonly int EventFd = Arm ? 19 : 290;
    public static readonly int FanotifyInit = Arm ? 262 : 300;
    public static readonly int FanotifyMark = Arm ? 263 : 301;
    public static readonly int NameToHandleAt = Arm ? 264 : 303;
    public static readonly int OpenByHandleAt = Arm ? 265 : 304;
    public const int OpenAt2 = 437;
    public const int ChangeModeAt2 = 452;
    public const int SetXattrAt = 463;
    public const int GetXattrAt = 464;
    public const int ListXattrAt = 465;
    public const int RemoveXattrAt = 466;
}

/// <summary>open(2) flags as this architecture numbers them.</summary>
internal static class NativeOpenFlags
{
    private static readonly bool Arm = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    public const int NoControllingTerminal = 0x100;
    public const int CloseOnExec = 0x80000;
    public static readonly int Directory = Arm ? 0x4000 : 0x10000;
    public static readonly int NoFollow = Arm ? 0x8000 : 0x20000;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int From(OpenFlags flags)
    {
        int native = (int)(flags & ~OpenFlags.Directory) | CloseOnExec | NoControllingTerminal;
        if ((flags & OpenFlags.PathOnly) != 0)
        {
            native &= ~NoControllingTerminal; // openat2 refuses what O_PATH would ignore
        }

        return (flags & OpenFlags.Directory) != 0 ? native | Directory : native;
    }
}
