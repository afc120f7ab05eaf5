using NativeSync.Engine.Digests;
using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Filters;
using NativeSync.Protocol;

namespace NativeSync.Engine.Verify;

/// <summary>Which entries of a tree a manifest has, and what it says of them.</summary>
internal sealed record ManifestOptions
{
    /// <summary>Links, Devices and Specials choose types; Permissions to Xattrs choose what counts; NumericIds and OneFileSystem as in rsync.</summary>
    public required JobFlags Flags { get; init; }

    /// <summary>What they hide from a sender does not take part.</summary>
    public FilterList Filters { get; init; } = FilterList.Empty;

    /// <summary>Threads that read file contents.</summary>
    public int Readers { get; init; } = Math.Clamp(Environment.ProcessorCount, 2, 4);

    /// <summary>Digests of earlier runs; null without.</summary>
    public DigestIndex? Digests { get; init; }

    public ScanFields ScanFields =>
        ScanFields.LinkTargets
        | (Has(JobFlags.Xattrs) ? ScanFields.Xattrs : 0)
        | (Has(JobFlags.Acls) ? ScanFields.Acls : 0)
        | (Has(JobFlags.FileFlags) ? ScanFields.FileFlags : 0)
        | (Has(JobFlags.ProjectIds) ? ScanFields.ProjectIds : 0);

    public bool Has(JobFlags flag) => (Flags & flag) != 0;

    /// <summary>Whether entries of this type take part.</summary>
    public bool IsWanted(in EntryMetadata metadata) => metadata.Type switch
    {
        EntryType.SymbolicLink => Has(JobFlags.Links),
        EntryType.BlockDevice or EntryType.CharacterDevice => Has(JobFlags.Devices),
        EntryType.Fifo or EntryType.Socket => Has(JobFlags.Specials),
        _ => true,
    };
}
