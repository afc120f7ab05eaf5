using NativeSync.Protocol;

namespace NativeSync.Engine.FileSystem;

/// <summary>What stat says of one object, in the units of the kernel. Source: statx(2), or fstatat(2) before Linux 4.11.</summary>
internal struct FileStatus
{
    /// <summary>st_mode: type bits and permission bits.</summary>
    public uint Mode;
    public uint Uid;
    public uint Gid;
    public uint LinkCount;
    public ulong Inode;

    /// <summary>Device that holds the object, as (major &lt;&lt; 32) | minor.</summary>
    public ulong Device;

    /// <summary>Device that the object stands for, as (major &lt;&lt; 32) | minor; 0 for all but device nodes.</summary>
    public ulong Rdev;

    /// <summary>Bytes.</summary>
    public long Size;

    /// <summary>Units of 512 bytes in use; less than Size / 512 tells of holes.</summary>
    public long Blocks;
    public Timestamp Modified;

    /// <summary>ctime: moves with every change of content or metadata, and cannot be set.</summary>
    public Timestamp Changed;
    public Timestamp Accessed;

    public readonly bool IsDirectory => ModeBits.IsDirectory(Mode);
    public readonly bool IsRegular => ModeBits.IsRegular(Mode);
    public readonly bool IsSymbolicLink => ModeBits.IsSymbolicLink(Mode);
    public readonly bool IsDevice => ModeBits.IsDevice(Mode);
    public readonly bool IsSpecial => ModeBits.IsSpecial(Mode);

    /// <summary>The same object: device and inode agree.</summary>
    public readonly bool SameObject(in FileStatus other) => Inode == other.Inode && Device == other.Device;

    /// <summary>Nothing happened to its content or attributes between both looks, as far as size, mtime and ctime tell.</summary>
    public readonly bool IsSameVersion(in FileStatus other) =>
        SameObject(other) && Size == other.Size && Modified == other.Modified && Changed == other.Changed;

    /// <summary>The part that travels. Inode flags and project id are not known to stat and stay 0; whether the access time counts is for the caller.</summary>
    public readonly EntryMetadata ToMetadata() => new()
    {
        Mode = Mode,
        Uid = Uid,
        Gid = Gid,
        Size = Size,
        Modified = Modified,
        Accessed = Accessed,
        Rdev = Rdev,
    };
}

/// <summary>What identifies an object on its own machine, and shows whether it was touched; never sent.</summary>
internal struct FileIdentity
{
    public ulong Device;
    public ulong Inode;
    public uint LinkCount;
    public Timestamp Changed;

    /// <summary>Units of 512 bytes in use.</summary>
    public long Blocks;

    /// <summary>The name is that of a link, and this is what it leads to.</summary>
    public bool Followed;

    public static FileIdentity From(in FileStatus status) => new()
    {
        Device = status.Device,
        Inode = status.Inode,
        LinkCount = status.LinkCount,
        Changed = status.Changed,
        Blocks = status.Blocks,
    };
}

/// <summary>statfs(2).</summary>
internal struct FileSystemStatus
{
    /// <summary>Magic number of the file system type (linux/magic.h).</summary>
    public long Type;
    public long BlockSize;
    public ulong Blocks;
    public ulong FreeBlocks;

    /// <summary>Blocks that an ordinary user may still take.</summary>
    public ulong AvailableBlocks;
    public ulong Files;
    public ulong FreeFiles;
    public long MaxNameLength;

    /// <summary>f_fsid, by which fanotify names a file system; 0 where it has none.</summary>
    public long Id;
}
