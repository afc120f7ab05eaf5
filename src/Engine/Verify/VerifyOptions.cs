using NativeSync.Protocol;

namespace NativeSync.Engine;

/// <summary>What counts when two trees are compared.</summary>
public sealed record VerifyOptions
{
    /// <summary>Everything: types, contents, owners, modes, times, hard links, devices, attributes, ACLs.</summary>
    public const JobFlags Everything =
        JobFlags.Recursive | JobFlags.Links | JobFlags.Permissions | JobFlags.Times | JobFlags.Group | JobFlags.Owner
        | JobFlags.Devices | JobFlags.Specials | JobFlags.HardLinks | JobFlags.Acls | JobFlags.Xattrs;

    /// <summary>The flags of a sync that was to make the sides equal; those that say nothing of metadata are ignored.</summary>
    public JobFlags Flags { get; init; } = Everything;

    /// <summary>Filter rules in --filter syntax; what they exclude on the sender's side is not looked at on either.</summary>
    public IReadOnlyList<byte[]> Rules { get; init; } = [];

    /// <summary>Seconds by which times may differ.</summary>
    public int ModifyWindow { get; init; }

    /// <summary>A file, on the machine of each side, in which digests are kept for the next time; null for none.</summary>
    public byte[]? ChecksumIndex { get; init; }

    /// <summary>Differences and problems kept in the report; the observer hears of all.</summary>
    public int MaxKept { get; init; } = 1000;

    /// <summary>Seconds without a byte from a remote side; 0: wait for ever.</summary>
    public int TimeoutSeconds { get; init; }
}

/// <summary>One side of a comparison: a path here, or a path at the other end of a connection.</summary>
public sealed class VerifySide
{
    private VerifySide(byte[] path, IConnection? connection)
    {
        Path = path;
        Connection = connection;
    }

    /// <summary>As the operator gave it.</summary>
    public byte[] Path { get; }

    /// <summary>null: this machine.</summary>
    public IConnection? Connection { get; }

    /// <summary>A tree of this machine.</summary>
    public static VerifySide Local(byte[] path) => new(path, null);

    /// <summary>A tree at the other end; the connection stays the caller's.</summary>
    public static VerifySide Remote(IConnection connection, byte[] path) => new(path, connection);
}
