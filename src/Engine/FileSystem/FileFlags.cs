namespace NativeSync.Engine.FileSystem;

/// <summary>The inode flags that chattr sets (linux/fs.h, FS_*_FL), as far as they describe a file rather than what is on the disk.</summary>
internal static class FileFlags
{
    public const uint Compress = 0x4, Immutable = 0x10, AppendOnly = 0x20, NoCompress = 0x400, NoCopyOnWrite = 0x80_0000;

    /// <summary>Those that travel: s u c S i a d A m j t D T C P, in chattr's letters.</summary>
    public const uint Kept = 0x1 | 0x2 | Compress | 0x8 | Immutable | AppendOnly | 0x40 | 0x80 | NoCompress | 0x4000 | 0x8000 | 0x1_0000 | 0x2_0000
        | NoCopyOnWrite | 0x2000_0000;

    /// <summary>Those that stop every other change, set when all of the tree is done.</summary>
    public const uint Locking = Immutable | AppendOnly;

    /// <summary>Those that must be there before the content, to mean anything.</summary>
    public const uint BeforeContent = Compress | NoCompress | NoCopyOnWrite;
}
