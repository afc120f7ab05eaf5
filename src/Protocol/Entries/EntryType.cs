namespace NativeSync.Protocol;

/// <summary>The type of a file: the upper four bits of st_mode, as in d_type.</summary>
public enum EntryType : byte
{
    /// <summary>Not known.</summary>
    Unknown = 0,
    /// <summary>FIFO.</summary>
    Fifo = 1,
    /// <summary>Character device.</summary>
    CharacterDevice = 2,
    /// <summary>Directory.</summary>
    Directory = 4,
    /// <summary>Block device.</summary>
    BlockDevice = 6,
    /// <summary>Regular file.</summary>
    Regular = 8,
    /// <summary>Symbolic link.</summary>
    SymbolicLink = 10,
    /// <summary>Socket.</summary>
    Socket = 12,
}

internal static class EntryTypes
{
    // One bit per known type.
    private const uint Known = 1u << 1 | 1u << 2 | 1u << 4 | 1u << 6 | 1u << 8 | 1u << 10 | 1u << 12;

    internal static bool IsKnown(uint type) => type < 16 && (Known >> (int)type & 1) != 0;
}
