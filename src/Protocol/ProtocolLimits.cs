namespace NativeSync.Protocol;

/// <summary>The largest of everything that a peer may send (docs/protocol.md, "Limits"). Lengths are bytes.</summary>
public static class ProtocolLimits
{
    /// <summary>Payload of any frame. A receiver's buffer must hold one whole frame.</summary>
    public const int MaxPayload = 2 * 1024 * 1024;
    /// <summary>A pack of records before compression: 1 MiB of data and room for what surrounds them.</summary>
    public const int MaxRawRecords = 1024 * 1024 + 64 * 1024;
    /// <summary>Window of zstd stream 0.</summary>
    public const int MaxFirstWindow = 16 * 1024 * 1024;
    /// <summary>Window of any other zstd stream.</summary>
    public const int MaxWindow = 4 * 1024 * 1024;
    /// <summary>The zstd streams of a direction.</summary>
    public const int MaxStreams = 4;
    /// <summary>Noise of a login shell before the magic bytes.</summary>
    public const int MaxBanner = 64 * 1024;
    /// <summary>Payload of a Hello frame, with what later versions may add to it.</summary>
    public const int MaxHello = 1024;
    /// <summary>The description of a build in a Hello frame.</summary>
    public const int MaxBuild = 64;
    /// <summary>One component of a path; NAME_MAX of Linux.</summary>
    public const int MaxNameLength = 255;
    /// <summary>A path in a job, in a problem or below a deleted directory.</summary>
    public const int MaxPath = 64 * 1024;
    /// <summary>The target of a symbolic link; PATH_MAX of Linux without its NUL.</summary>
    public const int MaxLinkTarget = 4095;
    /// <summary>The name of an extended attribute; XATTR_NAME_MAX of Linux.</summary>
    public const int MaxXattrName = 255;
    /// <summary>The value of an extended attribute; XATTR_SIZE_MAX of Linux.</summary>
    public const int MaxXattrValue = 64 * 1024;
    /// <summary>All encoded extended attributes of one entry.</summary>
    public const int MaxXattrsPerEntry = 512 * 1024;
    /// <summary>The data of one Literal record.</summary>
    public const int MaxLiteral = 256 * 1024;
    /// <summary>The data of one Whole record.</summary>
    public const int MaxWhole = 1024 * 1024;
    /// <summary>A message for people.</summary>
    public const int MaxText = 4096;
    /// <summary>Filter rules of a job.</summary>
    public const int MaxRules = 100_000;
    /// <summary>Source paths of a job.</summary>
    public const int MaxSources = 100_000;
    /// <summary>Numbers, and texts, of a job.</summary>
    public const int MaxJobOptions = 64;
    /// <summary>The smallest block of a signature.</summary>
    public const int MinBlockSize = 256;
    /// <summary>The largest block of a signature.</summary>
    public const int MaxBlockSize = 4 * 1024 * 1024;
    /// <summary>Bytes of a strong checksum that travel, at least: none, the weak one alone.</summary>
    public const int MinStrongLength = 0;
    /// <summary>Bytes of a strong checksum that travel, at most: all of XXH3-128.</summary>
    public const int MaxStrongLength = 16;
    /// <summary>Blocks of one signature.</summary>
    public const int MaxSignatureBlocks = 1 << 24;
    /// <summary>Blocks of one Signature record.</summary>
    public const int MaxSignatureBlocksPerRecord = 32 * 1024;
    /// <summary>Credit of one grant, and of all grants that are outstanding.</summary>
    public const int MaxCredit = 1 << 30;
    /// <summary>Values of a statistics list.</summary>
    public const int MaxStatistics = 128;
    /// <summary>The largest errno of Linux (MAX_ERRNO).</summary>
    public const int MaxErrno = 4095;
    /// <summary>The largest lane number: a session never has more lanes.</summary>
    public const int MaxLane = 63;
    /// <summary>Bytes of a session secret.</summary>
    public const int SecretLength = 32;
}
