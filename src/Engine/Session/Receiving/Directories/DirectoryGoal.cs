using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving.Directories;

/// <summary>What a directory of the destination is to look like when all below it is done.</summary>
internal sealed class DirectoryGoal(byte[] name, in EntryMetadata metadata, byte[] xattrs)
{
    public byte[] Name { get; } = name;

    public EntryMetadata Metadata { get; } = metadata;

    /// <summary>Encoded as in the protocol; empty when attributes are not transferred.</summary>
    public byte[] Xattrs { get; } = xattrs;

    /// <summary>See <see cref="AttributeWriter.UmaskIn"/>; of the directory that holds it.</summary>
    public uint? Umask { get; init; }

    /// <summary>It is only on the way to others: what it looks like is left alone.</summary>
    public bool IsPassage { get; init; }

    /// <summary>It is new, or looks different now.</summary>
    public bool Differs { get; set; }

    /// <summary>It was made in this session.</summary>
    public bool IsNew { get; set; }

    /// <summary>It was made for us alone, which it stays until all in it is done.</summary>
    public bool IsPrivate { get; set; }

    /// <summary>A child directory took it over; else the parent sees to it when no more children can come.</summary>
    public bool Claimed { get; set; }
}
