using NativeSync.Protocol;

namespace NativeSync.Engine.FileSystem;

/// <summary>Which metadata the receiver sets, and what it may set. Immutable; shared by all writers of a session.</summary>
internal sealed record MetadataOptions
{
    public bool Permissions { get; init; }

    /// <summary>Without Permissions: a file that is executable by nobody or by somebody becomes like the source in that (-E).</summary>
    public bool Executability { get; init; }
    public bool Owner { get; init; }
    public bool Group { get; init; }
    public bool Times { get; init; }

    /// <summary>Directories keep the times that come by themselves (-O).</summary>
    public bool OmitDirectoryTimes { get; init; }

    /// <summary>Symbolic links keep the times that come by themselves (-J).</summary>
    public bool OmitLinkTimes { get; init; }

    /// <summary>Access times of all but directories (-U).</summary>
    public bool AccessTimes { get; init; }
    public bool Xattrs { get; init; }

    /// <summary>user.rsync.%stat and its like count as attributes, too (-XX).</summary>
    public bool FakeSuperXattrs { get; init; }

    /// <summary>Attributes that it leaves out stay as they are here; null for none.</summary>
    public XattrFilter? XattrFilter { get; init; }
    public bool Acls { get; init; }
    public bool FileFlags { get; init; }
    public bool ProjectIds { get; init; }

    /// <summary>This process may give files away and set attributes of every namespace, or shall try (--super).</summary>
    public bool SuperUser { get; init; }

    /// <summary>null: ids are taken as numbers (--numeric-ids without maps).</summary>
    public IdentityMapper? Identities { get; init; }

    /// <summary>Groups that this process is a member of; only these can be set by an ordinary user.</summary>
    public IReadOnlySet<uint> MemberOf { get; init; } = new HashSet<uint>();

    /// <summary>The umask to use for new entries when Permissions are not kept.</summary>
    public uint Umask { get; init; } = 0x12; // 022

    /// <summary>Seconds by which mtimes may differ and count as equal (--modify-window).</summary>
    public int ModifyWindow { get; init; }

    /// <summary>What the flags of a job ask for, with the rights that this process has.</summary>
    public static MetadataOptions From(JobFlags flags, ISystemCalls io, IdentityMapper? identities, uint umask)
    {
        HashSet<uint> groups = [io.EffectiveGroupId()];
        Span<uint> more = stackalloc uint[64];
        int count = io.SupplementaryGroups([]);
        if (count > more.Length)
        {
            more = new uint[count];
        }

        count = io.SupplementaryGroups(more);
        for (int i = 0; i < count; i++)
        {
            groups.Add(more[i]);
        }

        return new MetadataOptions
        {
            Permissions = (flags & JobFlags.Permissions) != 0,
            Executability = (flags & JobFlags.Executability) != 0,
            Owner = (flags & JobFlags.Owner) != 0,
            Group = (flags & JobFlags.Group) != 0,
            Times = (flags & JobFlags.Times) != 0,
            OmitDirectoryTimes = (flags & JobFlags.OmitDirectoryTimes) != 0,
            Xattrs = (flags & JobFlags.Xattrs) != 0,
            OmitLinkTimes = (flags & JobFlags.OmitLinkTimes) != 0,
            AccessTimes = (flags & JobFlags.AccessTimes) != 0,
            Acls = (flags & JobFlags.Acls) != 0,
            FileFlags = (flags & JobFlags.FileFlags) != 0,
            ProjectIds = (flags & JobFlags.ProjectIds) != 0,
            SuperUser = (flags & JobFlags.SuperUser) != 0,
            Identities = identities,
            MemberOf = groups,
            Umask = umask,
        };
    }

    /// <summary>What a scan on the receiving side has to collect for <see cref="MetadataWriter.Compare"/>.</summary>
    public ScanFields ScanFields => ScanFields.LinkTargets | XattrFields
        | (FileFlags ? ScanFields.FileFlags : 0) | (ProjectIds ? ScanFields.ProjectIds : 0);

    /// <summary>Which extended attributes matter.</summary>
    public ScanFields XattrFields => (Xattrs ? ScanFields.Xattrs : 0) | (Acls ? ScanFields.Acls : 0)
        | (SuperUser ? 0 : ScanFields.UserXattrsOnly) | (FakeSuperXattrs ? ScanFields.FakeSuperXattrs : 0);
}

/// <summary>Takes what could not be done to the entry at hand. The implementer knows the path.</summary>
internal interface IProblemSink
{
    /// <param name="operation">What was tried.</param>
    /// <param name="error">errno, positive.</param>
    /// <param name="detail">The attribute's name, or empty.</param>
    void Report(Operation operation, int error, ReadOnlySpan<byte> detail);
}

/// <summary>What an entry shall look like: the sender's metadata, with the sender's ids.</summary>
internal readonly ref struct DesiredMetadata(in EntryMetadata metadata, ReadOnlySpan<byte> xattrs, bool isNew, uint? umask = null)
{
    public readonly EntryMetadata Metadata = metadata;

    /// <summary>Encoded; counts only when the options ask for attributes or ACLs.</summary>
    public readonly ReadOnlySpan<byte> Xattrs = xattrs;

    /// <summary>The entry was just made by us: without Permissions it gets those of the source under the umask.</summary>
    public readonly bool IsNew = isNew;

    /// <summary>Where a default ACL of the directory takes the place of the umask: the bits that it keeps from new entries.</summary>
    public readonly uint? Umask = umask;
}
