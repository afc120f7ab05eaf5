using NativeSync.Protocol;

namespace NativeSync.Engine;

/// <summary>What a synchronisation preserves, compares and deletes; the meaning of each flag is rsync's.</summary>
public sealed record SyncOptions
{
    /// <summary>What rsync's <c>-a</c> asks for: recursion, links, permissions, times, group, owner, devices and specials.</summary>
    public const JobFlags ArchiveFlags = JobFlags.Recursive | JobFlags.Links | JobFlags.Permissions | JobFlags.Times
        | JobFlags.Group | JobFlags.Owner | JobFlags.Devices | JobFlags.Specials;

    /// <summary>How many <see cref="AlternateDirectories"/> there may be, as in rsync.</summary>
    public const int MaxAlternates = 20;

    /// <summary>rsync's <c>-a</c>.</summary>
    public static SyncOptions Archive { get; } = new() { Flags = ArchiveFlags };

    /// <summary>The switches.</summary>
    public JobFlags Flags { get; init; }

    /// <summary>Stands for a level that follows the line and the processor.</summary>
    public const int AdaptLevel = Compression.AdaptiveLevel.Adapt;

    /// <summary>The zstd level, or <see cref="AdaptLevel"/>; null for no compression.</summary>
    public int? CompressLevel { get; init; }

    /// <summary>Suffixes of names whose contents are sent without compressing them, as rsync's <c>--skip-compress</c> lists them.</summary>
    public byte[] SkipCompress { get; init; } = [];

    /// <summary>Bytes per second on the wire; 0 for no limit.</summary>
    public long BandwidthLimit { get; init; }

    /// <summary>
    /// Lanes of the session, the first one with them: 1 for no more, 0 to open more while that helps. A connection that refuses, or that has but
    /// one, does with what it has.
    /// </summary>
    public int Lanes { get; init; } = 1;

    /// <summary>
    /// Asked every second for the limit of the moment, in bytes per second (0 for none), in place of <see cref="BandwidthLimit"/>; null for a limit that
    /// stays. Stays at this end, which tells the other.
    /// </summary>
    public Func<long>? BandwidthNow { get; init; }

    /// <summary>Seconds without a byte from the peer after which the session ends with code 30; 0 for never.</summary>
    public int TimeoutSeconds { get; init; }

    /// <summary>The delta's block size in bytes; 0 to choose by the length of the basis.</summary>
    public int BlockSize { get; init; }

    /// <summary>
    /// Asks for deltas between two places of one machine too, where otherwise changed files are copied whole, as in rsync.
    /// </summary>
    public bool LocalDelta { get; init; }

    /// <summary>Tells the observer of each file how many bytes travelled, and the digest of the content. Stays at this end.</summary>
    public bool ReportContent { get; init; }

    /// <summary>How many entries may be deleted; null for no bound.</summary>
    public long? MaxDelete { get; init; }

    /// <summary>Larger files are not transferred; null for no bound. In bytes; as in rsync their names stay, so that nothing is deleted for it.</summary>
    public long? MaxSize { get; init; }

    /// <summary>Smaller files are not transferred; null for no bound. In bytes.</summary>
    public long? MinSize { get; init; }

    /// <summary>Seconds by which modification times may differ and still count as equal.</summary>
    public int ModifyWindow { get; init; }

    /// <summary>rsync's <c>--chmod</c>: changes of permissions that commas separate; empty for none.</summary>
    public byte[] ChangeMode { get; init; } = [];

    /// <summary>rsync's <c>--usermap</c>: rules FROM:TO that commas separate; empty for none. A user for all is <c>*:USER</c>.</summary>
    public byte[] UserMap { get; init; } = [];

    /// <summary>rsync's <c>--groupmap</c>; empty for none.</summary>
    public byte[] GroupMap { get; init; } = [];

    /// <summary>
    /// rsync's <c>--fake-super</c>, at this end: what only the super-user could set is kept in, and taken from, extended attributes.
    /// The other end is asked for the same by <see cref="JobFlags.FakeSuper"/>.
    /// </summary>
    public bool FakeSuper { get; init; }

    /// <summary>What was asked for, before a receiver without rights left out what it cannot do; null: the same as <see cref="Flags"/>.</summary>
    internal JobFlags? Asked { get; init; }

    /// <summary>How often <c>-X</c> was given: from 2 on the attributes in which <c>--fake-super</c> keeps things travel, too.</summary>
    public int XattrLevel { get; init; }

    /// <summary>How the sources are understood.</summary>
    public SourceOptions SourceOptions { get; init; }

    /// <summary>The receiver makes no devices and special files; only where this process is the receiver.</summary>
    public bool DropDevices { get; init; }

    /// <summary>When extraneous entries are deleted.</summary>
    public DeleteTiming DeleteTiming { get; init; }

    /// <summary>Where replaced and deleted files are kept, relative to the destination; null beside the new ones, under <see cref="BackupSuffix"/>.</summary>
    public byte[]? BackupDirectory { get; init; }

    /// <summary>What is put behind the names of kept files; null for <c>~</c>, or nothing in a directory of their own.</summary>
    public byte[]? BackupSuffix { get; init; }

    /// <summary>
    /// Where incomplete and delayed files wait: a name, made where it is needed, or an absolute path. null for none:
    /// what is incomplete then takes the file's own name, and what is delayed waits in <c>.~tmp~</c>.
    /// </summary>
    public byte[]? PartialDirectory { get; init; }

    /// <summary>Where files are put together, relative to the destination; null for beside their place.</summary>
    public byte[]? TempDirectory { get; init; }

    /// <summary>What <see cref="AlternateDirectories"/> are for.</summary>
    public AlternateUse AlternateUse { get; init; }

    /// <summary>Other hierarchies to look for files in, relative to the destination; at most 20.</summary>
    public IReadOnlyList<byte[]> AlternateDirectories { get; init; } = [];

    /// <summary>1 takes a similarly named file of the same directory as basis, 2 one of the alternate directories, too.</summary>
    public int Fuzzy { get; init; }

    /// <summary>
    /// <c>--detect-renamed</c>: what has another name at the destination is moved or copied there, not sent, when size, modification
    /// time and digest are the same. Deletions during the transfer then wait for its end.
    /// </summary>
    public bool DetectRenamed { get; init; }

    /// <summary>With <see cref="DetectRenamed"/>: other names are looked for only in directories that the pass looks at.</summary>
    internal bool RenamesAreNear { get; init; }

    /// <summary>
    /// What comes of files of at least so many bytes is kept when the session breaks off, in <c>.nativesync-partial</c> at the
    /// destination, and the next one goes on from it; 0 for none. Without effect where a file is changed in place or sent whole, and with
    /// <see cref="JobFlags.Partial"/> or <see cref="TempDirectory"/>, which say otherwise.
    /// </summary>
    public long ResumeFrom { get; init; }

    /// <summary>The receiver's file systems are flushed to their disks before the session counts as done.</summary>
    public bool Durable { get; init; }

    /// <summary>With <see cref="JobFlags.DryRun"/>: contents are asked for all the same, so that a batch gets them.</summary>
    public bool BatchOnly { get; init; }

    /// <summary>
    /// <c>--checksum-index</c>: a file, at each end, in which digests of whole files are kept for the next run; null for none. Of use with
    /// <see cref="JobFlags.Checksum"/> and <see cref="DetectRenamed"/>.
    /// </summary>
    public byte[]? ChecksumIndex { get; init; }

    /// <summary>Follows what changes in local sources, so that each of several passes behind the first looks only there; null for a pass by itself. Stays at this end.</summary>
    public ChangeFollower? Changes { get; init; }

    /// <summary>Filter rules in the syntax of rsync's <c>--filter</c>, in order, e.g. <c>- /proc/*</c>.</summary>
    public IReadOnlyList<byte[]> Rules { get; init; } = [];

    /// <summary>True when all of <paramref name="flags"/> are set.</summary>
    public bool Has(JobFlags flags) => (Flags & flags) == flags;
}

/// <summary>When extraneous entries are deleted.</summary>
public enum DeleteTiming
{
    /// <summary>With each directory, before what is new in it arrives.</summary>
    During,

    /// <summary>All of them before anything else is done; the sender's lists are all kept in memory until then.</summary>
    Before,

    /// <summary>Found with each directory, removed at the end.</summary>
    Delay,

    /// <summary>Found and removed at the end.</summary>
    After,
}

/// <summary>What directories besides the destination are for.</summary>
public enum AlternateUse
{
    /// <summary>There are none.</summary>
    None,

    /// <summary>--compare-dest: what is the same there is left out here.</summary>
    Compare,

    /// <summary>--copy-dest: what is the same there is copied from there.</summary>
    Copy,

    /// <summary>--link-dest: what is the same there becomes a hard link to it.</summary>
    Link,
}

/// <summary>One synchronisation: what goes where.</summary>
public sealed record SyncRequest
{
    /// <summary>Source paths as bytes; a trailing slash means the contents of the directory, as in rsync.</summary>
    public required IReadOnlyList<byte[]> Sources { get; init; }

    /// <summary>Destination path as bytes.</summary>
    public required byte[] Destination { get; init; }

    /// <summary>The file of <c>--files-from</c>; null for none. Its names are relative to the only source.</summary>
    public byte[]? FilesFrom { get; init; }

    /// <summary>
    /// A file at this end to record the run in, for <see cref="Synchronizer.ApplyBatchAsync"/>; null for none. A dry run records only with
    /// <see cref="SyncOptions.BatchOnly"/>.
    /// </summary>
    public byte[]? WriteBatch { get; init; }

    /// <summary>Bytes per second that the other end may send, 0 for no limit; null for <see cref="SyncOptions.BandwidthLimit"/>, as here.</summary>
    public long? RemoteBandwidthLimit { get; init; }

    /// <summary>True when <see cref="FilesFrom"/> is at the other end of the connection.</summary>
    public bool FilesFromIsRemote { get; init; }

    /// <summary>How.</summary>
    public SyncOptions Options { get; init; } = SyncOptions.Archive;
}
