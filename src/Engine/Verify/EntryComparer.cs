using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Verify;

/// <summary>Says in what one entry differs from another, as far as the options care. Sizes of directories never count.</summary>
internal sealed class EntryComparer(VerifyOptions options, Identities source, Identities destination)
{
    private readonly JobFlags _flags = options.Flags;

    /// <summary>Some owner had a name on one side only, and was taken as equal by its number.</summary>
    public bool Tolerated { get; private set; }

    /// <summary>Everything but content and hard links.</summary>
    public VerifyAspects Compare(in EntryMetadata a, in EntryMetadata b, ReadOnlySpan<byte> xattrsA, ReadOnlySpan<byte> xattrsB, List<byte[]> attributes)
    {
        if (a.Type != b.Type)
        {
            return VerifyAspects.Type;
        }

        VerifyAspects aspects = VerifyAspects.None;
        if (a.IsRegular && a.Size != b.Size)
        {
            aspects |= VerifyAspects.Size;
        }

        if (Has(JobFlags.Permissions) && !a.IsSymbolicLink && ((a.Mode ^ b.Mode) & ModeBits.PermissionMask) != 0)
        {
            aspects |= VerifyAspects.Mode;
        }

        if (Has(JobFlags.Owner) && !SameId(IdentityKind.User, a.Uid, b.Uid))
        {
            aspects |= VerifyAspects.Owner;
        }

        if (Has(JobFlags.Group) && !SameId(IdentityKind.Group, a.Gid, b.Gid))
        {
            aspects |= VerifyAspects.Group;
        }

        if (Has(JobFlags.Times) && !(a.IsDirectory && Has(JobFlags.OmitDirectoryTimes)) && !SameTime(a.Modified, b.Modified))
        {
            aspects |= VerifyAspects.Time;
        }

        if (a.IsDevice && a.Rdev != b.Rdev)
        {
            aspects |= VerifyAspects.Device;
        }

        if (Has(JobFlags.FileFlags) && a.FileFlags != b.FileFlags)
        {
            aspects |= VerifyAspects.FileFlags;
        }

        if (Has(JobFlags.ProjectIds) && a.ProjectId != b.ProjectId)
        {
            aspects |= VerifyAspects.ProjectId;
        }

        return aspects | CompareXattrs(xattrsA, xattrsB, attributes);
    }

    private bool Has(JobFlags flag) => (_flags & flag) != 0;

    private bool SameTime(Timestamp a, Timestamp b)
    {
        bool same = MetadataWriter.SameTime(a, b, options.ModifyWindow);
        Tolerated |= same && a != b;
        return same;
    }

    /// <summary>By name where both sides have one, else by number. Root is root.</summary>
    private bool SameId(IdentityKind kind, uint a, uint b)
    {
        if (Has(JobFlags.NumericIds) || a == 0 || b == 0)
        {
            return a == b;
        }

        byte[]? nameA = source.NameOf(kind, a), nameB = destination.NameOf(kind, b);
        if (nameA != null && nameB != null)
        {
            return nameA.AsSpan().SequenceEqual(nameB);
        }

        Tolerated |= a == b && (nameA == null) != (nameB == null);
        return a == b;
    }

    private VerifyAspects CompareXattrs(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b, List<byte[]> attributes)
    {
        // Equal bytes may still mean other names; that only matters for lists of ids compared by name.
        if (a.SequenceEqual(b) && (Has(JobFlags.NumericIds) || !Has(JobFlags.Acls)))
        {
            return VerifyAspects.None;
        }

        VerifyAspects aspects = VerifyAspects.None;
        XattrReader left = new(a), right = new(b);
        bool moreLeft = left.TryRead(out ReadOnlySpan<byte> nameA, out ReadOnlySpan<byte> valueA);
        bool moreRight = right.TryRead(out ReadOnlySpan<byte> nameB, out ReadOnlySpan<byte> valueB);
        while (moreLeft || moreRight)
        {
            int order = !moreLeft ? 1 : !moreRight ? -1 : nameA.SequenceCompareTo(nameB);
            ReadOnlySpan<byte> name = order <= 0 ? nameA : nameB;
            bool acl = XattrNames.IsAcl(name);
            if (order != 0 || !(acl ? SameAcl(valueA, valueB) : valueA.SequenceEqual(valueB)))
            {
                aspects |= acl ? VerifyAspects.Acl : VerifyAspects.Xattrs;
                attributes.Add(name.ToArray());
            }

            if (order <= 0)
            {
                moreLeft = left.TryRead(out nameA, out valueA);
            }

            if (order >= 0)
            {
                moreRight = right.TryRead(out nameB, out valueB);
            }
        }

        return aspects;
    }

    private bool SameAcl(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b)
    {
        if (Has(JobFlags.NumericIds) || a.Length != b.Length || !AccessControlList.IsWellFormed(a) || !AccessControlList.IsWellFormed(b))
        {
            return a.SequenceEqual(b);
        }

        // Every entry of one has its like in the other; lists are short, and the order by id means nothing across machines.
        List<AclEntry> rest = AccessControlList.Entries(b);
        foreach (AclEntry entry in AccessControlList.Entries(a))
        {
            int at = rest.FindIndex(other => other.Tag == entry.Tag && other.Permissions == entry.Permissions
                && (entry.Kind is { } kind ? SameId(kind, entry.Id, other.Id) : true));
            if (at < 0)
            {
                return false;
            }

            rest.RemoveAt(at);
        }

        return true;
    }
}
