using System.Buffers.Binary;
using System.Runtime.InteropServices;
using NativeSync.Protocol;

namespace NativeSync.Engine.FileSystem.Native;

/// <summary>struct timespec on 64-bit Linux.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TimeSpecification(long seconds, long nanoseconds)
{
    /// <summary>UTIME_OMIT: leave this time alone.</summary>
    private const long Omit = (1L << 30) - 2;

    public long Seconds = seconds;
    public long Nanoseconds = nanoseconds;

    public static TimeSpecification From(Timestamp? time) =>
        time is { } t ? new TimeSpecification(t.Seconds, t.Nanoseconds) : new TimeSpecification(0, Omit);
}

/// <summary>struct statx_timestamp.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct StatxTimestamp
{
    public long Seconds;
    public uint Nanoseconds;
    public int Reserved;

    public readonly Timestamp ToTimestamp() => new(Seconds, Nanoseconds);
}

/// <summary>struct statx, the same on every architecture (linux/stat.h).</summary>
[StructLayout(LayoutKind.Sequential, Size = 256)]
internal struct NativeStatx
{
    /// <summary>STATX_BASIC_STATS.</summary>
    public const uint BasicStatus = 0x7ff;

    public uint Mask;
    public uint BlockSize;
    public ulong Attributes;
    public uint LinkCount;
    public uint Uid;
    public uint Gid;
    public ushort Mode;
    public ushort Spare;
    public ulong Inode;
    public ulong Size;
    public ulong Blocks;
    public ulong AttributesMask;
    public StatxTimestamp Accessed;
    public StatxTimestamp Born;
    public StatxTimestamp Changed;
    public StatxTimestamp Modified;
    public uint RdevMajor;
    public uint RdevMinor;
    public uint DeviceMajor;
    public uint DeviceMinor;

    public readonly void CopyTo(out FileStatus status)
    {
        status.Mode = Mode;
        status.Uid = Uid;
        status.Gid = Gid;
        status.LinkCount = LinkCount;
        status.Inode = Inode;
        status.Device = ((ulong)DeviceMajor << 32) | DeviceMinor;
        status.Rdev = ((ulong)RdevMajor << 32) | RdevMinor;
        status.Size = (long)Size;
        status.Blocks = (long)Blocks;
        status.Modified = Modified.ToTimestamp();
        status.Changed = Changed.ToTimestamp();
        status.Accessed = Accessed.ToTimestamp();
    }
}

/// <summary>struct stat, whose layout is the architecture's: read by offset.</summary>
internal static class NativeStat
{
    /// <summary>Room for either layout (144 bytes on x86-64, 128 on arm64).</summary>
    public const int Size = 256;

    private static readonly bool Arm = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    public static void Parse(ReadOnlySpan<byte> s, out FileStatus status)
    {
        status.Device = DeviceNumber.Unpack(U64(s, 0));
        status.Inode = U64(s, 8);
        if (Arm)
        {
            status.Mode = U32(s, 16);
            status.LinkCount = U32(s, 20);
            status.Uid = U32(s, 24);
            status.Gid = U32(s, 28);
            status.Rdev = DeviceNumber.Unpack(U64(s, 32));
        }
        else
        {
            status.LinkCount = (uint)U64(s, 16);
            status.Mode = U32(s, 24);
            status.Uid = U32(s, 28);
            status.Gid = U32(s, 32);
            status.Rdev = DeviceNumber.Unpack(U64(s, 40));
        }

        status.Size = (long)U64(s, 48);
        status.Blocks = (long)U64(s, 64);
        status.Accessed = Time(s, 72);
        status.Modified = Time(s, 88);
        status.Changed = Time(s, 104);
    }

    private static ulong U64(ReadOnlySpan<byte> s, int at) => BinaryPrimitives.ReadUInt64LittleEndian(s[at..]);

    private static uint U32(ReadOnlySpan<byte> s, int at) => BinaryPrimitives.ReadUInt32LittleEndian(s[at..]);

    private static Timestamp Time(ReadOnlySpan<byte> s, int at) => new((long)U64(s, at), (uint)U64(s, at + 8));
}

/// <summary>dev_t as glibc packs it, and (major &lt;&lt; 32) | minor as we keep it.</summary>
internal static class DeviceNumber
{
    public static ulong Unpack(ulong device)
    {
        ulong major = ((device >> 8) & 0xfff) | ((device >> 32) & 0xffff_f000);
        ulong minor = (device & 0xff) | ((device >> 12) & 0xffff_ff00);
        return (major << 32) | minor;
    }

    public static ulong Pack(ulong rdev)
    {
        ulong major = rdev >> 32, minor = rdev & 0xffff_ffff;
        return ((major & 0xfff) << 8) | ((major & 0xffff_f000) << 32) | (minor & 0xff) | ((minor & 0xffff_ff00) << 12);
    }
}

/// <summary>struct open_how of openat2(2).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct OpenHow
{
    public const ulong NoMagicLinks = 2, NoSymbolicLinks = 4, Beneath = 8;

    public ulong Flags;
    public ulong Mode;
    public ulong Resolve;
}

/// <summary>struct xattr_args of setxattrat(2) and getxattrat(2).</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct XattrArguments
{
    public byte* Value;
    public uint Size;
    public uint Flags;
}

/// <summary>struct statfs on 64-bit Linux.</summary>
[StructLayout(LayoutKind.Sequential, Size = 160)]
internal struct NativeFileSystemStatus
{
    public long Type;
    public long BlockSize;
    public ulong Blocks;
    public ulong FreeBlocks;
    public ulong AvailableBlocks;
    public ulong Files;
    public ulong FreeFiles;
    public long Id;
    public long MaxNameLength;
}
