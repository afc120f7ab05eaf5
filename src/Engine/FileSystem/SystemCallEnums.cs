namespace NativeSync.Engine.FileSystem;

/// <summary>
/// How to open. Close-on-exec and no controlling terminal are always added; the calls relative to a handle never follow a
/// link in the last component. The values are x86-64's; other architectures are translated on the way down.
/// </summary>
[Flags]
internal enum OpenFlags
{
    Read = 0,
    Write = 1,
    ReadWrite = 2,
    Create = 0x40,
    Exclusive = 0x80,
    Truncate = 0x200,
    Append = 0x400,

    /// <summary>Never wait for the other end of a FIFO that took the place of a file.</summary>
    NonBlocking = 0x800,

    /// <summary>Fail with ENOTDIR on anything but a directory.</summary>
    Directory = 0x10000,

    /// <summary>O_NOATIME; EPERM for other people's files unless root.</summary>
    NoAccessTime = 0x40000,

    /// <summary>O_PATH: a place in the tree, not its content. Linux 2.6.39.</summary>
    PathOnly = 0x200000,
}

/// <summary>renameat2(2).</summary>
[Flags]
internal enum RenameFlags
{
    None = 0,

    /// <summary>EEXIST where the new name is taken.</summary>
    NoReplace = 1,

    /// <summary>Swap both, atomically. ENOSYS or EINVAL where the kernel or the file system cannot.</summary>
    Exchange = 2,
}

/// <summary>lseek(2).</summary>
internal enum SeekKind
{
    Set = 0,
    Current = 1,
    End = 2,

    /// <summary>Next data at or after the offset; ENXIO when there is none.</summary>
    Data = 3,

    /// <summary>Next hole at or after the offset; the end of the file counts as one.</summary>
    Hole = 4,
}

/// <summary>fallocate(2).</summary>
internal enum AllocateMode
{
    /// <summary>Reserve space and extend the file.</summary>
    Extend = 0,

    /// <summary>Reserve space, keep the size.</summary>
    KeepSize = 1,

    /// <summary>Deallocate (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE): reads as zeros afterwards.</summary>
    PunchHole = 3,

    /// <summary>Zeros, by whatever means are cheapest.</summary>
    ZeroRange = 0x10,
}

/// <summary>posix_fadvise(2).</summary>
internal enum Advice
{
    Normal = 0,
    Random = 1,
    Sequential = 2,
    WillNeed = 3,
    DoNotNeed = 4,
}
