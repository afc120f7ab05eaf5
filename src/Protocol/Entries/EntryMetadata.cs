namespace NativeSync.Protocol;

/// <summary>What an inode says of itself, in the numbers of the side that it comes from.</summary>
public struct EntryMetadata
{
    /// <summary>st_mode with the type of the file.</summary>
    public uint Mode;
    /// <summary>Owner.</summary>
    public uint Uid;
    /// <summary>Group.</summary>
    public uint Gid;
    /// <summary>Bytes; not negative.</summary>
    public long Size;
    /// <summary>mtime.</summary>
    public Timestamp Modified;
    /// <summary>Devices: (major &lt;&lt; 32) | minor.</summary>
    public ulong Rdev;
    /// <summary>Inode flags as FS_IOC_GETFLAGS gives them; 0 when not asked for.</summary>
    public uint FileFlags;
    /// <summary>atime; <see cref="HasAccessed"/> says whether it counts.</summary>
    public Timestamp Accessed;
    /// <summary>Whether <see cref="Accessed"/> is to be kept.</summary>
    public bool HasAccessed;
    /// <summary>Project id as FS_IOC_FSGETXATTR gives it; 0 for none, and when not asked for.</summary>
    public uint ProjectId;

    /// <summary>The type in <see cref="Mode"/>.</summary>
    public readonly EntryType Type => (EntryType)(Mode >> 12 & 15);
    /// <summary>Whether it is a directory.</summary>
    public readonly bool IsDirectory => Type == EntryType.Directory;
    /// <summary>Whether it is a regular file.</summary>
    public readonly bool IsRegular => Type == EntryType.Regular;
    /// <summary>Whether it is a symbolic link.</summary>
    public readonly bool IsSymbolicLink => Type == EntryType.SymbolicLink;
    /// <summary>Whether it is a block or character device.</summary>
    public readonly bool IsDevice => Type is EntryType.BlockDevice or EntryType.CharacterDevice;
    /// <summary>Whether it is a FIFO or a socket.</summary>
    public readonly bool IsSpecial => Type is EntryType.Fifo or EntryType.Socket;
}
