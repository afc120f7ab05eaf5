namespace NativeSync.Protocol;

/// <summary>What the agent shall do (docs/protocol.md, "Job").</summary>
public enum JobKind : byte
{
    /// <summary>The agent receives.</summary>
    Push = 1,
    /// <summary>The agent sends.</summary>
    Pull = 2,
    /// <summary>The agent sends what it has, with content digests, and no contents.</summary>
    Manifest = 3,
    /// <summary>Reserved: refused with code 4.</summary>
    Probe = 4,
    /// <summary>Reserved for the steps of a migration.</summary>
    Command = 5,
}

/// <summary>The switches of a job; rsync's option beside each (docs/protocol.md, "Job").</summary>
[Flags]
public enum JobFlags : ulong
{
    /// <summary>None.</summary>
    None = 0,
    /// <summary>-r</summary>
    Recursive = 1,
    /// <summary>-l</summary>
    Links = 2,
    /// <summary>-p</summary>
    Permissions = 4,
    /// <summary>-t</summary>
    Times = 8,
    /// <summary>-g</summary>
    Group = 0x10,
    /// <summary>-o</summary>
    Owner = 0x20,
    /// <summary>--devices</summary>
    Devices = 0x40,
    /// <summary>--specials</summary>
    Specials = 0x80,
    /// <summary>-H</summary>
    HardLinks = 0x100,
    /// <summary>-A</summary>
    Acls = 0x200,
    /// <summary>-X</summary>
    Xattrs = 0x400,
    /// <summary>-S</summary>
    Sparse = 0x800,
    /// <summary>--numeric-ids</summary>
    NumericIds = 0x1000,
    /// <summary>-n</summary>
    DryRun = 0x2000,
    /// <summary>--delete</summary>
    Delete = 0x4000,
    /// <summary>-c</summary>
    Checksum = 0x8000,
    /// <summary>-W</summary>
    WholeFile = 0x1_0000,
    /// <summary>--inplace</summary>
    InPlace = 0x2_0000,
    /// <summary>--partial</summary>
    Partial = 0x4_0000,
    /// <summary>-x</summary>
    OneFileSystem = 0x8_0000,
    /// <summary>Send an Outcome record for each entry that changes.</summary>
    Report = 0x10_0000,
    /// <summary>-O</summary>
    OmitDirectoryTimes = 0x20_0000,
    /// <summary>-I</summary>
    IgnoreTimes = 0x40_0000,
    /// <summary>--size-only</summary>
    SizeOnly = 0x80_0000,
    /// <summary>-u</summary>
    Update = 0x100_0000,
    /// <summary>--existing</summary>
    Existing = 0x200_0000,
    /// <summary>--ignore-existing</summary>
    IgnoreExisting = 0x400_0000,
    /// <summary>--delete-excluded</summary>
    DeleteExcluded = 0x800_0000,
    /// <summary>--ignore-errors</summary>
    IgnoreErrors = 0x1000_0000,
    /// <summary>--force</summary>
    Force = 0x2000_0000,
    /// <summary>--mkpath</summary>
    MakePath = 0x4000_0000,
    /// <summary>--fsync</summary>
    Fsync = 0x8000_0000,
    /// <summary>--super; in Ready: the receiver may change owners.</summary>
    SuperUser = 0x1_0000_0000,
    /// <summary>Inode flags (chattr).</summary>
    FileFlags = 0x2_0000_0000,
    /// <summary>-E</summary>
    Executability = 0x4_0000_0000,
    /// <summary>Send an Outcome record for entries that do not change, too.</summary>
    ReportUnchanged = 0x8_0000_0000,
    /// <summary>Compress nothing, whatever the level says.</summary>
    NoCompress = 0x10_0000_0000,
    /// <summary>-0: lines of rule files in the tree end at NUL.</summary>
    NulRuleFiles = 0x20_0000_0000,
    /// <summary>-xx: leave mount points out.</summary>
    OmitMountPoints = 0x40_0000_0000,
    /// <summary>-m</summary>
    PruneEmptyDirectories = 0x80_0000_0000,
    /// <summary>-d</summary>
    Dirs = 0x400_0000_0000,
    /// <summary>-L</summary>
    CopyLinks = 0x800_0000_0000,
    /// <summary>-k</summary>
    CopyDirLinks = 0x1000_0000_0000,
    /// <summary>--copy-unsafe-links</summary>
    CopyUnsafeLinks = 0x2000_0000_0000,
    /// <summary>--safe-links</summary>
    SafeLinks = 0x4000_0000_0000,
    /// <summary>-K</summary>
    KeepDirLinks = 0x8000_0000_0000,
    /// <summary>--munge-links at the receiver.</summary>
    MungeLinks = 0x1_0000_0000_0000,
    /// <summary>--remove-source-files: send a Confirmed record for each entry that is here.</summary>
    RemoveSourceFiles = 0x2_0000_0000_0000,
    /// <summary>--write-devices</summary>
    WriteDevices = 0x4_0000_0000_0000,
    /// <summary>--list-only: the receiver wants to know the entries and writes nothing.</summary>
    ListOnly = 0x8_0000_0000_0000,
    /// <summary>-b</summary>
    Backup = 0x10_0000_0000_0000,
    /// <summary>--delay-updates</summary>
    DelayUpdates = 0x20_0000_0000_0000,
    /// <summary>--append: a WantDelta has no Signature; the sender sends what lies behind the basis, and the digest of that alone.</summary>
    Append = 0x40_0000_0000_0000,
    /// <summary>--append-verify</summary>
    AppendVerify = 0x80_0000_0000_0000,
    /// <summary>--preallocate</summary>
    Preallocate = 0x100_0000_0000_0000,
    /// <summary>Times are compared by whole seconds, as rsync compares them.</summary>
    WholeSeconds = 0x200_0000_0000_0000,
    /// <summary>--no-super: the receiver does not do what only the super-user may.</summary>
    NoSuper = 1UL << 58,
    /// <summary>--fake-super at the agent.</summary>
    FakeSuper = 1UL << 59,
    /// <summary>-U</summary>
    AccessTimes = 1UL << 60,
    /// <summary>-J</summary>
    OmitLinkTimes = 1UL << 61,
    /// <summary>Project ids.</summary>
    ProjectIds = 1UL << 62,
}

/// <summary>The numbers of a job. Identifiers from 0x80 may be ignored by who does not know them.</summary>
public enum JobNumber : byte
{
    /// <summary>zstd's level, may be negative; 0 none, 255 adapt.</summary>
    CompressLevel = 1,
    /// <summary>Bytes per second over all lanes; 0 none.</summary>
    BandwidthLimit = 2,
    /// <summary>Seconds without a byte after which the session ends with code 30; 0 never.</summary>
    TimeoutSeconds = 3,
    /// <summary>Bytes of a signature's block; 0 choose.</summary>
    BlockSize = 4,
    /// <summary>Seconds by which equal times may differ.</summary>
    ModifyWindow = 5,
    /// <summary>At most that many deletions.</summary>
    MaxDelete = 6,
    /// <summary>Bytes; larger files are left out.</summary>
    MaxSize = 7,
    /// <summary>Bytes; smaller files are left out.</summary>
    MinSize = 8,
    /// <summary>2: -XX, the attributes in which rsync keeps what --fake-super fakes travel, too.</summary>
    XattrLevel = 9,
    /// <summary>How the sender understands its sources (<see cref="SourceOptions"/>).</summary>
    SourceOptions = 10,
    /// <summary>When to delete: 0 during, 1 before, 2 found during and done after, 3 after the transfer.</summary>
    DeleteTiming = 11,
    /// <summary>What the alternate directories are for: 1 compare, 2 copy, 3 link.</summary>
    AlternateUse = 12,
    /// <summary>-y: 1 looks for a similar name in the same directory, 2 in the alternate directories, too.</summary>
    Fuzzy = 13,
    /// <summary>--detect-renamed: 1 looks for the content under other names at the receiver first, 2 in directories that are announced alone.</summary>
    DetectRenamed = 14,
    /// <summary>Bytes; what comes of files of this size and more is kept by the receiver when the session breaks off; 0 none.</summary>
    ResumeFrom = 15,
    /// <summary>1: what was done is on the disk before the receiver says that it is done.</summary>
    Durable = 16,
    /// <summary>With <see cref="JobFlags.DryRun"/>: 1 asks for contents all the same, and drops them (--only-write-batch).</summary>
    BatchOnly = 17,
    /// <summary>How many lanes the session may have, with the first; 0 and 1 are the same.</summary>
    Lanes = 18,
}

/// <summary>How the sender understands its sources (docs/protocol.md, "Source options").</summary>
[Flags]
public enum SourceOptions : ushort
{
    /// <summary>None.</summary>
    None = 0,
    /// <summary>-R</summary>
    Relative = 1,
    /// <summary>--no-implied-dirs</summary>
    NoImpliedDirs = 2,
    /// <summary>--ignore-missing-args</summary>
    IgnoreMissing = 4,
    /// <summary>--delete-missing-args</summary>
    DeleteMissing = 8,
    /// <summary>Expand wildcards in the sources.</summary>
    Wildcards = 0x10,
    /// <summary>--copy-devices</summary>
    CopyDevices = 0x20,
    /// <summary>--munge-links at the sender: take the mark off.</summary>
    UnmungeLinks = 0x40,
    /// <summary>--from0, of the list of --files-from.</summary>
    From0 = 0x80,
    /// <summary>--files-from: NameList records of the receiver bring the list.</summary>
    ListFollows = 0x100,
    /// <summary>Both ends are on one machine: a source that is its own copy is not removed.</summary>
    OneMachine = 0x200,
}

/// <summary>The texts of a job. Identifiers from 0x80 may be ignored by who does not know them.</summary>
public enum JobText : byte
{
    /// <summary>The path at the receiver.</summary>
    Destination = 1,
    /// <summary>--temp-dir</summary>
    TempDirectory = 2,
    /// <summary>--partial-dir</summary>
    PartialDirectory = 3,
    /// <summary>--usermap, or the user of --chown as *:USER.</summary>
    UserMap = 4,
    /// <summary>--groupmap, or the group of --chown as *:GROUP.</summary>
    GroupMap = 5,
    /// <summary>--chmod, as given.</summary>
    ChangeMode = 6,
    /// <summary>--backup-dir</summary>
    BackupDirectory = 7,
    /// <summary>--suffix</summary>
    BackupSuffix = 8,
    /// <summary>--files-from: a file at the agent.</summary>
    FilesFrom = 9,
    /// <summary>The directories of --compare-dest, --copy-dest or --link-dest: each a blob, one behind the other.</summary>
    AlternateDirectories = 10,
    /// <summary>--checksum-index: a file at the agent.</summary>
    ChecksumIndex = 11,
    /// <summary>--skip-compress</summary>
    SkipCompress = 0x80,
}

/// <summary>What flags of a job ask of the other end.</summary>
public static class JobFlagsExtensions
{
    /// <summary>The capabilities without which these flags may not be used.</summary>
    public static Capabilities RequiredCapabilities(this JobFlags flags)
    {
        Capabilities needed = Capabilities.None;
        needed |= (flags & JobFlags.Xattrs) != 0 ? Capabilities.Xattrs : 0;
        needed |= (flags & JobFlags.Acls) != 0 ? Capabilities.Acls : 0;
        needed |= (flags & JobFlags.HardLinks) != 0 ? Capabilities.HardLinks : 0;
        needed |= (flags & JobFlags.Sparse) != 0 ? Capabilities.Sparse : 0;
        return needed;
    }
}
