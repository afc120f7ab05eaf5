using System.Buffers.Binary;
using System.IO.Hashing;
using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Verify;

/// <summary>
/// XXH3-128 over the canonical description of a tree (docs/protocol.md, "TreeDigest"): equal on two machines when, and only when,
/// everything that the flags name is equal. Sizes of directories, inode numbers, ctimes and atimes are no part of it.
/// </summary>
internal sealed class TreeDigestBuilder
{
    /// <summary>The flags that change what is described.</summary>
    private const JobFlags Described =
        JobFlags.Links | JobFlags.Permissions | JobFlags.Times | JobFlags.Group | JobFlags.Owner | JobFlags.Devices | JobFlags.Specials
        | JobFlags.HardLinks | JobFlags.Acls | JobFlags.Xattrs | JobFlags.NumericIds | JobFlags.OmitDirectoryTimes | JobFlags.FileFlags
        | JobFlags.ProjectIds;

    private readonly XxHash128 _hash = new();
    private readonly JobFlags _flags;
    private readonly IdentityMapper? _ids;
    private byte[] _buffer = new byte[4096];

    /// <param name="flags">Of the job.</param>
    /// <param name="ids">To describe owners by name; null: by number.</param>
    public TreeDigestBuilder(JobFlags flags, IdentityMapper? ids)
    {
        _flags = flags & Described;
        _ids = ids;
        Span<byte> head = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(head, (ulong)_flags);
        _hash.Append(head);
    }

    /// <summary>Adds an entry; entries come directory by directory, depth first, in the order of their names.</summary>
    /// <param name="directory">Path of its directory; empty for the root.</param>
    /// <param name="entry">Name and all; the empty name is the root itself.</param>
    /// <param name="leader">Path of the first name of the same file; empty for the first itself and for files with one name.</param>
    public void Add(ReadOnlySpan<byte> directory, in Entry entry, ReadOnlySpan<byte> leader)
    {
        ref readonly EntryMetadata m = ref entry.Metadata;
        int need = 128 + directory.Length + entry.Name.Length + entry.LinkTarget.Length + entry.Xattrs.Length + leader.Length;
        if (_buffer.Length < need)
        {
            _buffer = new byte[Math.Max(need, _buffer.Length * 2)];
        }

        WireWriter w = new(_buffer);
        bool slash = !directory.IsEmpty && !entry.Name.IsEmpty;
        w.WriteVarint((ulong)(directory.Length + (slash ? 1 : 0) + entry.Name.Length));
        w.WriteBytes(directory);
        w.WriteBytes(slash ? "/"u8 : default);
        w.WriteBytes(entry.Name);
        w.WriteByte((byte)m.Type);
        w.WriteVarint(Has(JobFlags.Permissions) && !m.IsSymbolicLink ? m.Mode & ModeBits.PermissionMask : 0);
        w.WriteVarint(!Has(JobFlags.Owner) ? 0 : _ids?.UserKey(m.Uid) ?? m.Uid);
        w.WriteVarint(!Has(JobFlags.Group) ? 0 : _ids?.GroupKey(m.Gid) ?? m.Gid);
        bool times = Has(JobFlags.Times) && !(m.IsDirectory && Has(JobFlags.OmitDirectoryTimes));
        w.WriteSigned(times ? m.Modified.Seconds : 0);
        w.WriteVarint(times ? m.Modified.Nanoseconds : 0);
        w.WriteVarint(m.IsRegular ? (ulong)m.Size : 0);
        w.WriteVarint(m.IsDevice ? m.Rdev : 0);
        w.WriteVarint(Has(JobFlags.FileFlags) ? m.FileFlags : 0);
        if (Has(JobFlags.ProjectIds))
        {
            w.WriteVarint(m.ProjectId);
        }

        w.WriteBlob(entry.LinkTarget);
        w.WriteByte(entry.HasContentDigest ? (byte)1 : (byte)0);
        w.WriteDigest(entry.ContentDigest);
        w.WriteBlob(Has(JobFlags.HardLinks) ? leader : default);
        _hash.Append(w.Written);
        AddXattrs(entry.Xattrs);
    }

    public UInt128 Finish() => _hash.GetCurrentHashAsUInt128();

    private bool Has(JobFlags flag) => (_flags & flag) != 0;

    private void AddXattrs(ReadOnlySpan<byte> xattrs)
    {
        int length = 0;
        XattrReader reader = new(xattrs);
        while (reader.TryRead(out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value))
        {
            bool acl = XattrNames.IsAcl(name);
            int start = length;
            length += XattrBlob.Write(_buffer.AsSpan(length), name, value);
            if (acl && _ids != null)
            {
                AccessControlList.NormaliseForDigest(_buffer.AsSpan(length - value.Length, value.Length), _ids);
            }

            System.Diagnostics.Debug.Assert(length > start);
        }

        Span<byte> head = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(head, length);
        _hash.Append(head);
        _hash.Append(_buffer.AsSpan(0, length));
    }
}
