namespace NativeSync.Protocol;

/// <summary>What kind of root is transferred.</summary>
[Flags]
public enum RootFlags : byte
{
    /// <summary>A directory that holds the sources; its own attributes stay as they are.</summary>
    None = 0,
    /// <summary>One source that is not a directory.</summary>
    SingleFile = 1,
    /// <summary>The root's own attributes follow (the source ended in '/').</summary>
    Attributes = 2,
    /// <summary>There is nothing to send: the destination is not even made.</summary>
    Nothing = 4,
}

/// <summary>What an Entries record says of itself.</summary>
[Flags]
public enum EntriesFlags : byte
{
    /// <summary>More parts follow.</summary>
    None = 0,
    /// <summary>The last part of this directory.</summary>
    Last = 1,
    /// <summary>The source could not be read wholly: delete nothing here.</summary>
    Incomplete = 2,
    /// <summary>The directory is only on the way to these entries: whatever else is here is none of the transfer's business.</summary>
    Selected = 4,
}

/// <summary>How reliable the content of a file is.</summary>
[Flags]
public enum ContentFlags : byte
{
    /// <summary>It held still.</summary>
    None = 0,
    /// <summary>It changed while it was read.</summary>
    Unstable = 1,
    /// <summary>Of a Whole: it came before in this session, under another name; only its digest comes.</summary>
    Repeated = 2,
}

/// <summary>The receiver's answer to a directory's digest.</summary>
public enum Verdict : byte
{
    /// <summary>Equal: nothing of this directory itself is needed; its child directories are probed nevertheless.</summary>
    Same = 0,
    /// <summary>Different: send its entries.</summary>
    Differs = 1,
    /// <summary>Not there: send entries and all contents of the whole subtree, unasked.</summary>
    Void = 2,
    /// <summary>Not wanted or not possible here, with all below.</summary>
    Skip = 3,
}

/// <summary>What was done to an entry.</summary>
public enum OutcomeKind : byte
{
    /// <summary>Nothing.</summary>
    Unchanged = 0,
    /// <summary>It is new.</summary>
    Created = 1,
    /// <summary>Its content changed.</summary>
    Updated = 2,
    /// <summary>Its attributes changed.</summary>
    MetadataOnly = 3,
    /// <summary>It became a hard link to another.</summary>
    Linked = 4,
    /// <summary>It was deleted.</summary>
    Deleted = 5,
    /// <summary>It was left alone on purpose.</summary>
    Skipped = 6,
    /// <summary>It could not be done; a problem says why.</summary>
    Failed = 7,
    /// <summary>It is no regular file, and the options do not transfer its type.</summary>
    NotRegular = 8,
    /// <summary>It was made from what another directory at the receiver had.</summary>
    Copied = 9,
    /// <summary>It is named in a listing; never on the wire.</summary>
    Listed = 10,
}

/// <summary>In what an entry differed; rsync's itemize letters.</summary>
[Flags]
public enum Changes : ushort
{
    /// <summary>Nothing.</summary>
    None = 0,
    /// <summary>Content was transferred.</summary>
    Content = 1,
    /// <summary>Size.</summary>
    Size = 2,
    /// <summary>mtime.</summary>
    Time = 4,
    /// <summary>Permissions.</summary>
    Permissions = 8,
    /// <summary>Owner.</summary>
    Owner = 0x10,
    /// <summary>Group.</summary>
    Group = 0x20,
    /// <summary>Access control list.</summary>
    Acl = 0x40,
    /// <summary>Extended attributes.</summary>
    Xattr = 0x80,
    /// <summary>It did not exist.</summary>
    New = 0x100,
    /// <summary>Target of a symbolic link.</summary>
    LinkTarget = 0x200,
    /// <summary>Device number.</summary>
    Device = 0x400,
    /// <summary>The digest of the content.</summary>
    Checksum = 0x800,
    /// <summary>Inode flags or project id.</summary>
    FileFlags = 0x1000,
    /// <summary>Which names share an inode.</summary>
    HardLink = 0x2000,
    /// <summary>atime.</summary>
    AccessTime = 0x4000,
}

/// <summary>What was attempted when a problem came up.</summary>
public enum Operation : byte
{
    /// <summary>Something else.</summary>
    Other = 0,
    /// <summary>Opening.</summary>
    Open = 1,
    /// <summary>Reading a file.</summary>
    Read = 2,
    /// <summary>Reading attributes.</summary>
    Stat = 3,
    /// <summary>Reading a directory.</summary>
    ReadDirectory = 4,
    /// <summary>Reading a link.</summary>
    ReadLink = 5,
    /// <summary>Reading extended attributes.</summary>
    GetXattr = 6,
    /// <summary>Creating a file.</summary>
    Create = 7,
    /// <summary>Writing a file.</summary>
    Write = 8,
    /// <summary>Renaming.</summary>
    Rename = 9,
    /// <summary>Making a hard link.</summary>
    Link = 10,
    /// <summary>Making a symbolic link.</summary>
    SymbolicLink = 11,
    /// <summary>Making a device, FIFO or socket.</summary>
    MakeNode = 12,
    /// <summary>Making a directory.</summary>
    MakeDirectory = 13,
    /// <summary>Removing.</summary>
    Remove = 14,
    /// <summary>Setting permissions.</summary>
    ChangeMode = 15,
    /// <summary>Setting owner or group.</summary>
    ChangeOwner = 16,
    /// <summary>Setting times.</summary>
    SetTimes = 17,
    /// <summary>Setting extended attributes or an access control list.</summary>
    SetXattr = 18,
    /// <summary>Setting inode flags.</summary>
    SetFileFlags = 19,
    /// <summary>Comparing the digest of what was written.</summary>
    Verify = 20,
    /// <summary>The file changed while it was read.</summary>
    Changed = 21,
    /// <summary>The file vanished.</summary>
    Vanished = 22,
    /// <summary>Room on the file system.</summary>
    Space = 23,
    /// <summary>Flushing to the disk.</summary>
    Sync = 24,
    /// <summary>Truncating or allocating.</summary>
    Truncate = 25,
    /// <summary>Setting the project id.</summary>
    SetProjectId = 26,
    /// <summary>Finding the user or group that a rule maps to; the path is its name.</summary>
    MapIdentity = 27,
    /// <summary>What only the super-user may do; the detail says to how many.</summary>
    NotPermitted = 28,
    /// <summary>A directory that is not transferred, for want of -r or -d.</summary>
    SkipDirectory = 29,
    /// <summary>Following a symbolic link.</summary>
    Follow = 30,
    /// <summary>Applying a batch that was made for another destination.</summary>
    Batch = 31,
}

/// <summary>How grave a problem is.</summary>
[Flags]
public enum ProblemFlags : byte
{
    /// <summary>The run ends with code 23.</summary>
    None = 0,
    /// <summary>It does not count as an error (a file that vanished: code 24).</summary>
    Warning = 1,
}

/// <summary>What a number identifies.</summary>
public enum IdentityKind : byte
{
    /// <summary>A user.</summary>
    User = 0,
    /// <summary>A group.</summary>
    Group = 1,
}

/// <summary>How grave a message is.</summary>
public enum NoteLevel : byte
{
    /// <summary>For those who want to know.</summary>
    Information = 0,
    /// <summary>Something may be wrong.</summary>
    Warning = 1,
    /// <summary>Something is wrong.</summary>
    Error = 2,
}
