using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Sending;

/// <summary>
/// A directory that was announced to the receiver and is not settled yet. Its listing is kept until then, since
/// the receiver may ask for any entry of it.
/// </summary>
/// <remarks>Immutable but for the fields below the line, which the sender's gate guards.</remarks>
internal sealed class SenderDirectory(int id, SenderDirectory? parent, byte[] path, Origin[] origins)
{
    public int Id { get; } = id;

    public SenderDirectory? Parent { get; } = parent;

    /// <summary>Relative to the transfer root.</summary>
    public byte[] Path { get; } = path;

    /// <summary>
    /// Where its entries are on disk: first the directories whose contents are sent, several when several sources share it, then
    /// those that hold what was named one by one.
    /// </summary>
    public Origin[] Origins { get; set; } = origins;

    /// <summary>The directories whose contents are sent.</summary>
    public Origin[] Contents { get; } = origins;

    /// <summary>What the operator named in it; null where the file system alone decides.</summary>
    public SourceNode? Node { get; init; }

    /// <summary>What it is on disk, to notice a loop of links.</summary>
    public (ulong Device, ulong Inode) Identity { get; init; }

    /// <summary>Only named entries are sent of it, not its contents.</summary>
    public bool IsSelected => Contents.Length == 0;

    /// <summary>Marks of its entries; null when none has one.</summary>
    public EntryMark[]? Marks { get; set; }

    public DirectoryListing Listing { get; set; } = null!;

    /// <summary>Which origin each entry comes from; null when there is only one.</summary>
    public int[]? EntryOrigins { get; set; }

    /// <summary>Hard-link group of each entry; null when there is none in this directory.</summary>
    public ulong[]? LinkGroups { get; set; }

    public long ContentBytes { get; set; }

    /// <summary>What was sent of each entry, for reports; null when nobody asks. Guarded by the directory itself.</summary>
    public Dictionary<int, (long Bytes, UInt128 Digest)>? Sent { get; set; }

    public Origin OriginOf(int entry) => Origins[EntryOrigins is null ? 0 : EntryOrigins[entry]];

    // ---- guarded by the sender's gate

    /// <summary>Its Probe is in the outbox.</summary>
    public bool Announced { get; set; }

    /// <summary>It does not exist at the receiver: everything below is sent unasked.</summary>
    public bool Void { get; set; }

    /// <summary>The receiver does not want it, nor anything below.</summary>
    public bool Skipped { get; set; }

    public bool Answered { get; set; }

    /// <summary>Children announced while this one had no answer yet.</summary>
    public List<SenderDirectory>? Children { get; set; }

    /// <summary>Bytes of content already counted as progress.</summary>
    public long CountedBytes { get; set; }
}
