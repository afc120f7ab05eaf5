using System.Runtime.InteropServices;
using NativeSync.Engine.FileSystem;

namespace NativeSync.Engine.Digests;

/// <summary>The digest of a file's content, and what the file was when it was read. As it lies in the file of the index (little endian).</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal struct DigestEntry
{
    public ulong Device;
    public ulong Inode;
    public long Size;
    public long ModifiedSeconds;
    public long ChangedSeconds;
    public uint ModifiedNanoseconds;
    public uint ChangedNanoseconds;

    /// <summary>The run that used it last.</summary>
    public uint LastRun;
    public ulong DigestHigh;
    public ulong DigestLow;

    public readonly UInt128 Digest => new(DigestHigh, DigestLow);

    public readonly bool IsOf(in FileStatus status) => Inode == status.Inode && Device == status.Device;

    /// <summary>The file has not changed since, as far as the kernel tells.</summary>
    public readonly bool IsCurrent(in FileStatus status) =>
        Size == status.Size
        && ModifiedSeconds == status.Modified.Seconds && ModifiedNanoseconds == status.Modified.Nanoseconds
        && ChangedSeconds == status.Changed.Seconds && ChangedNanoseconds == status.Changed.Nanoseconds;

    public static DigestEntry Of(in FileStatus status, UInt128 digest, uint run) => new()
    {
        Device = status.Device,
        Inode = status.Inode,
        Size = status.Size,
        ModifiedSeconds = status.Modified.Seconds,
        ModifiedNanoseconds = status.Modified.Nanoseconds,
        ChangedSeconds = status.Changed.Seconds,
        ChangedNanoseconds = status.Changed.Nanoseconds,
        LastRun = run,
        DigestHigh = (ulong)(digest >> 64),
        DigestLow = (ulong)digest,
    };
}
