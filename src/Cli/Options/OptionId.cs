namespace NativeSync.Cli.Options;

/// <summary>What an option is about. One with a value of its own changes something here; the refused ones share <see cref="Refused"/>.</summary>
internal enum OptionId
{
    /// <summary>An option of rsync's that NativeSync does not have yet.</summary>
    Refused,

    /// <summary>An option of rsync's that makes no difference here.</summary>
    NoEffect,

    /// <summary>An option that only means something to rsync's daemon.</summary>
    DaemonOnly,

    Archive, Recursive, Links, Permissions, Times, Group, Owner, DevicesAndSpecials, Devices, Specials, HardLinks, Acls, Xattrs,
    Executability, Sparse, NumericIds, OmitDirectoryTimes,
    ChangeMode, ChangeOwner, UserMap, GroupMap, Super, FakeSuper, AccessTimes, CreationTimes, OmitLinkTimes, FileFlags, ProjectIds, CopyAs, Iconv, RemoteOption, WriteBatch, OnlyWriteBatch, ReadBatch, Protocol,
    DryRun, Itemize, Verbose, Quiet, Stats, Progress, PartialProgress, HumanReadable, Info, Debug, Json, OutFormat, LogFile, LogFileFormat, EightBit, StandardError, MessagesToError, OutBuffer,
    Checksum, Update, Existing, IgnoreExisting, SizeOnly, IgnoreTimes, ModifyWindow, WholeFile, InPlace, Partial, BlockSize,
    Delete, DeleteExcluded, MaxDelete, IgnoreErrors, Force, OneFileSystem, MakePath, Fsync,
    Exclude, ExcludeFrom, Include, IncludeFrom, Filter, FilterFiles, CvsExclude, From0, MaxSize, MinSize, PruneEmptyDirectories,
    Compress, SkipCompress, CompressLevel, CompressChoice, ChecksumChoice, BandwidthLimit, BandwidthFile, Lanes, Timeout,
    Ipv4, Ipv6, ConnectTimeout, Number, MaxAlloc,
    Rsh, RsyncPath, Port, Identity, KnownHosts, HostKeyCheck, SshConfig,
    Relative, ImpliedDirs, Dirs, OldDirs, FilesFrom, IgnoreMissing, DeleteMissing, ListOnly, RemoveSourceFiles,
    CopyLinks, CopyUnsafeLinks, CopyDirLinks, SafeLinks, MungeLinks, KeepDirLinks, CopyDevices, WriteDevices, DropDevices,
    DetectRenamed, ChecksumIndex, Backup, BackupDirectory, Suffix, Append, AppendVerify, DeleteBefore, DeleteDuring, DeleteDelay, DeleteAfter,
    PartialDirectory, Resume, Reconnect, UntilConverged, MaxPasses, BeforeLast, AfterLast, HookTimeout, FollowChanges, DelayUpdates, TempDirectory, Fuzzy, CompareDest, CopyDest, LinkDest, Preallocate, StopAfter, StopAt,
    Version, Help, Server,
}

/// <summary>How an option compares with rsync's.</summary>
internal enum Relation
{
    /// <summary>Means what it means to rsync.</summary>
    Equal,

    /// <summary>Does what rsync does, and better.</summary>
    Exceeds,

    /// <summary>Accepted, and differs from rsync in what the text says.</summary>
    Differs,

    /// <summary>Accepted, without effect: what it turns on or off does not exist here.</summary>
    NoEffect,

    /// <summary>Refused by name, exit code 4.</summary>
    Lacks,

    /// <summary>NativeSync's own.</summary>
    Own,
}
