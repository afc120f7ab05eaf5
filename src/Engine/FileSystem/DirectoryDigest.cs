using System.Buffers;
using System.Buffers.Binary;
using System.IO.Hashing;
using NativeSync.Protocol;

namespace NativeSync.Engine.FileSystem;

/// <summary>What must agree for two directories to count as the same. Names, types and sizes of files always count.</summary>
[Flags]
internal enum DigestFields
{
    None = 0,
    Permissions = 1,
    Owner = 2,
    Group = 4,

    /// <summary>mtimes of everything but directories. Those of regular files count without it, too: they are the quick check.</summary>
    Times = 8,

    /// <summary>mtimes of directories.</summary>
    DirectoryTimes = 0x10,

    /// <summary>Targets of symbolic links.</summary>
    Links = 0x20,

    /// <summary>Numbers of devices.</summary>
    Devices = 0x40,
    Xattrs = 0x80,
    Acls = 0x100,

    /// <summary>A directory that holds a name of a file with several never agrees: groups are compared by their own means.</summary>
    HardLinks = 0x200,
    FileFlags = 0x400,

    /// <summary>mtimes of regular files do not count (--size-only).</summary>
    SizeOnly = 0x800,

    /// <summary>atimes of everything but directories.</summary>
    AccessTimes = 0x1000,

    /// <summary>Times of symbolic links do not count (-J).</summary>
    OmitLinkTimes = 0x2000,
    ProjectIds = 0x4000,

    /// <summary>Of the extended attributes, those of the user namespace only.</summary>
    UserXattrsOnly = 0x8000,

    /// <summary>Whether anybody may execute a regular file (-E); in Permissions already.</summary>
    Executability = 0x1_0000,
}

/// <summary>
/// XXH3-128 over the entries of one directory, in order. Both sides compute it from their own listing; equal digests save sending
/// the list (design: "How a tree travels"). Not on the wire in any other form, so its layout may change with the version.
/// </summary>
internal static class DirectoryDigest
{
    /// <summary>
    /// The digest, or a random value that agrees with nothing when the listing is incomplete, or when it holds a name of a file with
    /// several names and hard links count.
    /// </summary>
    /// <param name="listing">Sorted by name, filtered already.</param>
    /// <param name="fields">What counts; both sides use the same.</param>
    /// <param name="ids">Owners and groups count by name; null: by number.</param>
    public static UInt128 Compute(DirectoryListing listing, DigestFields fields, IdentityMapper? ids)
    {
        if (listing.Incomplete)
        {
            return Never();
        }

        byte[] buffer = ArrayPool<byte>.Shared.Rent(Math.Max(4096, listing.Count * 96));
        int at = 0;
        try
        {
            for (int i = 0; i < listing.Count; i++)
            {
                ref EntryMetadata m = ref listing.Metadata(i);
                if ((fields & DigestFields.HardLinks) != 0 && !m.IsDirectory && listing.Identity(i).LinkCount > 1)
                {
                    return Never();
                }

                ReadOnlySpan<byte> name = listing.Name(i);
                ReadOnlySpan<byte> link = (fields & DigestFields.Links) != 0 ? listing.LinkTarget(i) : default;
                ReadOnlySpan<byte> xattrs = (fields & (DigestFields.Xattrs | DigestFields.Acls)) != 0 ? listing.Xattrs(i) : default;
                int need = at + 112 + name.Length + link.Length + xattrs.Length + 8;
                if (need > buffer.Length)
                {
                    byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(need, buffer.Length * 2));
                    buffer.AsSpan(0, at).CopyTo(larger);
                    ArrayPool<byte>.Shared.Return(buffer);
                    buffer = larger;
                }

                at += WriteEntry(buffer.AsSpan(at), m, name, link, xattrs, fields, ids);
            }

            return XxHash128.HashToUInt128(buffer.AsSpan(0, at));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>A digest that agrees with no other.</summary>
    public static UInt128 Never() => new((ulong)Random.Shared.NextInt64(), (ulong)Random.Shared.NextInt64());

    private static int WriteEntry(Span<byte> to, in EntryMetadata m, ReadOnlySpan<byte> name, ReadOnlySpan<byte> link, ReadOnlySpan<byte> xattrs, DigestFields fields, IdentityMapper? ids)
    {
        uint mode = (fields & DigestFields.Permissions) != 0 && !m.IsSymbolicLink ? m.Mode : m.Mode & ModeBits.TypeMask;
        if ((fields & DigestFields.Executability) != 0 && m.IsRegular && (m.Mode & 0x49) != 0)
        {
            mode |= 1;
        }

        bool time = m.IsRegular
            ? (fields & DigestFields.SizeOnly) == 0 || (fields & DigestFields.Times) != 0
            : (fields & (m.IsDirectory ? DigestFields.DirectoryTimes : DigestFields.Times)) != 0
                && !(m.IsSymbolicLink && (fields & DigestFields.OmitLinkTimes) != 0);
        bool accessed = (fields & DigestFields.AccessTimes) != 0 && !m.IsDirectory && !(m.IsSymbolicLink && !time);
        BinaryPrimitives.WriteInt32LittleEndian(to, name.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(to[4..], mode);
        BinaryPrimitives.WriteInt64LittleEndian(to[8..], m.IsRegular ? m.Size : 0);
        BinaryPrimitives.WriteInt64LittleEndian(to[16..], time ? m.Modified.Seconds : 0);
        BinaryPrimitives.WriteUInt32LittleEndian(to[24..], time ? m.Modified.Nanoseconds : 0);
        BinaryPrimitives.WriteUInt32LittleEndian(to[28..], (fields & DigestFields.FileFlags) != 0 ? m.FileFlags : 0);
        BinaryPrimitives.WriteUInt64LittleEndian(to[32..], (fields & DigestFields.Owner) == 0 ? 0 : ids?.UserKey(m.Uid) ?? m.Uid);
        BinaryPrimitives.WriteUInt64LittleEndian(to[40..], (fields & DigestFields.Group) == 0 ? 0 : ids?.GroupKey(m.Gid) ?? m.Gid);
        BinaryPrimitives.WriteUInt64LittleEndian(to[48..], (fields & DigestFields.Devices) != 0 && m.IsDevice ? m.Rdev : 0);
        BinaryPrimitives.WriteInt64LittleEndian(to[56..], accessed ? m.Accessed.Seconds : 0);
        BinaryPrimitives.WriteUInt32LittleEndian(to[64..], accessed ? m.Accessed.Nanoseconds : 0);
        BinaryPrimitives.WriteUInt32LittleEndian(to[68..], (fields & DigestFields.ProjectIds) != 0 ? m.ProjectId : 0);
        BinaryPrimitives.WriteInt32LittleEndian(to[72..], link.Length);
        int at = 76;
        name.CopyTo(to[at..]);
        at += name.Length;
        link.CopyTo(to[at..]);
        at += link.Length;
        int start = at;
        at += 4;
        XattrReader reader = new(xattrs);
        while (reader.TryRead(out ReadOnlySpan<byte> attribute, out ReadOnlySpan<byte> value))
        {
            bool acl = XattrNames.IsAcl(attribute);
            if ((fields & (acl ? DigestFields.Acls : DigestFields.Xattrs)) != 0
                && (acl || (fields & DigestFields.UserXattrsOnly) == 0 || XattrNames.IsUser(attribute)))
            {
                at += XattrBlob.Write(to[at..], attribute, value);
                if (acl && ids != null)
                {
                    AccessControlList.NormaliseForDigest(to.Slice(at - value.Length, value.Length), ids);
                }
            }
        }

        BinaryPrimitives.WriteInt32LittleEndian(to[start..], at - start - 4);
        return at;
    }
}
