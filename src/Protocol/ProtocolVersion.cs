namespace NativeSync.Protocol;

/// <summary>What an end can do beyond moving plain files (docs/protocol.md, "Hello"). Both ends use only what both announce.</summary>
[Flags]
public enum Capabilities : ulong
{
    /// <summary>Nothing.</summary>
    None = 0,
    /// <summary>Packs compressed with zstd.</summary>
    Zstd = 1,
    /// <summary>Extended attributes.</summary>
    Xattrs = 2,
    /// <summary>POSIX access control lists.</summary>
    Acls = 4,
    /// <summary>Hard links.</summary>
    HardLinks = 8,
    /// <summary>Holes in files.</summary>
    Sparse = 0x10,
    /// <summary>Block signatures and deltas.</summary>
    Delta = 0x20,
    /// <summary>More than one lane.</summary>
    Lanes = 0x40,
    /// <summary>Records may follow the job at once.</summary>
    Early = 0x80,
    /// <summary>The end runs as the super-user: what its answer to a job would say can be known before.</summary>
    SuperUser = 0x100,
    /// <summary>Packs that are parts of zstd streams.</summary>
    Streams = 0x200,
}

/// <summary>Versions of the protocol and their negotiation.</summary>
public static class ProtocolVersion
{
    /// <summary>The newest version that this library speaks.</summary>
    public const int Current = 1;
    /// <summary>The oldest version that this library speaks.</summary>
    public const int Minimum = 1;
    /// <summary>Every capability that this library knows.</summary>
    public const Capabilities AllCapabilities = Capabilities.Zstd | Capabilities.Xattrs | Capabilities.Acls
        | Capabilities.HardLinks | Capabilities.Sparse | Capabilities.Delta | Capabilities.Lanes | Capabilities.Early
        | Capabilities.SuperUser | Capabilities.Streams;

    /// <summary>The highest version that both ends speak.</summary>
    /// <exception cref="ProtocolException">There is none, or both claim the same role.</exception>
    public static int Negotiate(in HelloFrame ours, in HelloFrame theirs)
    {
        if (ours.Role == theirs.Role)
        {
            Throw.Protocol(ProtocolError.VersionMismatch, $"both ends are {ours.Role.ToString().ToLowerInvariant()}s: connect one to `nativesync serve`");
        }

        int version = Math.Min(ours.MaxVersion, theirs.MaxVersion);
        if (version < Math.Max(ours.MinVersion, theirs.MinVersion))
        {
            Throw.Protocol(ProtocolError.VersionMismatch,
                $"this end speaks protocol {ours.MinVersion} to {ours.MaxVersion}, the other {theirs.MinVersion} to {theirs.MaxVersion}: use the same release on both");
        }

        return version;
    }
}
