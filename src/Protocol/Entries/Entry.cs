namespace NativeSync.Protocol;

/// <summary>One entry of a directory (docs/protocol.md, "Entry"). Its spans borrow: see <see cref="EntryDecoder.Read"/>.</summary>
public ref struct Entry
{
    /// <summary>What the inode says.</summary>
    public EntryMetadata Metadata;
    /// <summary>One component of a path; empty only for the attributes of the root.</summary>
    public ReadOnlySpan<byte> Name;
    /// <summary>Where a symbolic link points; empty for all else, and for links when they are not transferred.</summary>
    public ReadOnlySpan<byte> LinkTarget;
    /// <summary>Extended attributes, encoded (<see cref="XattrReader"/>); empty when none.</summary>
    public ReadOnlySpan<byte> Xattrs;
    /// <summary>The same number for all names of one inode; 0 when it has one name only.</summary>
    public ulong HardLinkGroup;
    /// <summary>Whether <see cref="ContentDigest"/> counts.</summary>
    public bool HasContentDigest;
    /// <summary>XXH3-128 of the content of a regular file.</summary>
    public UInt128 ContentDigest;
    /// <summary>What the entry is besides an entry.</summary>
    public EntryMark Mark;
}

/// <summary>What an entry is besides an entry (docs/protocol.md, "Entry").</summary>
public enum EntryMark : byte
{
    /// <summary>Nothing.</summary>
    None = 0,
    /// <summary>A directory that is only on the way to others: made when it is missing, else left as it is.</summary>
    Passage = 1,
    /// <summary>A name that was asked for and is not there: to be deleted (--delete-missing-args).</summary>
    Missing = 2,
}

/// <summary>What an encoded entry says about itself in its first number (docs/protocol.md, "Entry").</summary>
[Flags]
public enum EntryFlags : uint
{
    /// <summary>Nothing is shared, nothing is optional.</summary>
    None = 0,
    /// <summary>Mode as before; the field is left out.</summary>
    SameMode = 1,
    /// <summary>Owner as before; the field is left out.</summary>
    SameUid = 2,
    /// <summary>Group as before; the field is left out.</summary>
    SameGid = 4,
    /// <summary>Seconds of mtime as before; the field is left out.</summary>
    SameSeconds = 8,
    /// <summary>The name starts with bytes of the name before.</summary>
    Prefix = 0x10,
    /// <summary>There is a link target.</summary>
    LinkTarget = 0x20,
    /// <summary>There is a hard link group.</summary>
    HardLink = 0x40,
    /// <summary>There is a device number.</summary>
    Rdev = 0x80,
    /// <summary>There are extended attributes.</summary>
    Xattrs = 0x100,
    /// <summary>There is a digest of the content.</summary>
    ContentDigest = 0x200,
    /// <summary>There are inode flags.</summary>
    FileFlags = 0x400,
    /// <summary>There is an access time.</summary>
    AccessTime = 0x800,
    /// <summary>There is a project id.</summary>
    ProjectId = 0x1000,
    /// <summary>There is a mark.</summary>
    Mark = 0x2000,
}
