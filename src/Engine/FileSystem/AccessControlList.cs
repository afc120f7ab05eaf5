using System.Buffers.Binary;
using NativeSync.Protocol;

namespace NativeSync.Engine.FileSystem;

/// <summary>
/// The binary form of system.posix_acl_access and _default: version 2 (u32), then {tag u16, permissions u16, id u32}…, little
/// endian (linux/posix_acl_xattr.h). Only the ids of named users and groups mean anything; the others carry 0xFFFFFFFF.
/// </summary>
internal static class AccessControlList
{
    private const int Header = 4, EntrySize = 8;
    private const ushort NamedUser = 2, NamedGroup = 8;

    /// <summary>True for a version and a length that the kernel would take.</summary>
    public static bool IsWellFormed(ReadOnlySpan<byte> value) =>
        value.Length >= Header && (value.Length - Header) % EntrySize == 0 && BinaryPrimitives.ReadUInt32LittleEndian(value) == 2;

    /// <summary>Puts this machine's ids in place of the sender's, and named entries into the order of their ids.</summary>
    public static void MapIds(Span<byte> value, IdentityMapper ids)
    {
        if (!IsWellFormed(value))
        {
            return; // the kernel will refuse it, and that is reported
        }

        for (int at = Header; at < value.Length; at += EntrySize)
        {
            ushort tag = BinaryPrimitives.ReadUInt16LittleEndian(value[at..]);
            uint id = BinaryPrimitives.ReadUInt32LittleEndian(value[(at + 4)..]);
            if (tag is NamedUser or NamedGroup)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(value[(at + 4)..], tag == NamedUser ? ids.LocalUser(id) : ids.LocalGroup(id));
            }
        }

        Sort(value);
    }

    /// <summary>
    /// Whether two access lists differ at most in what the modes of their entries say as well: owner, mask and others. As in rsync
    /// that is a change of permissions, not of the list.
    /// </summary>
    public static bool SameBesidesMode(ReadOnlySpan<byte> x, ReadOnlySpan<byte> y)
    {
        const ushort owner = 1, mask = 16, others = 32;
        if (x.Length != y.Length || !IsWellFormed(x) || !IsWellFormed(y))
        {
            return false;
        }

        for (int at = Header; at < x.Length; at += EntrySize)
        {
            ushort tag = BinaryPrimitives.ReadUInt16LittleEndian(x[at..]);
            if (tag is owner or mask or others ? tag != BinaryPrimitives.ReadUInt16LittleEndian(y[at..]) : !x.Slice(at, EntrySize).SequenceEqual(y.Slice(at, EntrySize)))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Calls <paramref name="visit"/> with each named user (true) and group (false) of the list.</summary>
    public static void VisitIds<TState>(ReadOnlySpan<byte> value, TState state, Action<TState, bool, uint> visit)
    {
        if (!IsWellFormed(value))
        {
            return;
        }

        for (int at = Header; at < value.Length; at += EntrySize)
        {
            ushort tag = BinaryPrimitives.ReadUInt16LittleEndian(value[at..]);
            if (tag is NamedUser or NamedGroup)
            {
                visit(state, tag == NamedUser, BinaryPrimitives.ReadUInt32LittleEndian(value[(at + 4)..]));
            }
        }
    }

    /// <summary>Puts a hash of the name in place of each id, so that the same names on two machines look the same.</summary>
    public static void NormaliseForDigest(Span<byte> value, IdentityMapper ids)
    {
        if (!IsWellFormed(value))
        {
            return;
        }

        for (int at = Header; at < value.Length; at += EntrySize)
        {
            ushort tag = BinaryPrimitives.ReadUInt16LittleEndian(value[at..]);
            uint id = BinaryPrimitives.ReadUInt32LittleEndian(value[(at + 4)..]);
            if (tag is NamedUser or NamedGroup)
            {
                ulong key = tag == NamedUser ? ids.UserKey(id) : ids.GroupKey(id);
                BinaryPrimitives.WriteUInt32LittleEndian(value[(at + 4)..], (uint)(key ^ (key >> 32)));
            }
        }

        Sort(value);
    }

    /// <summary>
    /// The permission bits that a default list keeps from new entries, as a umask does: those that the lines of
    /// <see cref="Permissions"/> do not allow. null for a list that is not well-formed.
    /// </summary>
    public static uint? KeptFromNew(ReadOnlySpan<byte> value) => IsWellFormed(value) ? 0x1FF & ~Permissions(value) : null;

    /// <summary>The nine bits of a mode that a well-formed list stands for: owner, mask (without one the group), others.</summary>
    public static uint Permissions(ReadOnlySpan<byte> value)
    {
        const ushort owner = 1, group = 4, mask = 16, others = 32;
        uint allowed = 0, middle = 0;
        bool masked = false;
        for (int at = Header; at < value.Length; at += EntrySize)
        {
            uint permissions = BinaryPrimitives.ReadUInt16LittleEndian(value[(at + 2)..]) & 7u;
            switch (BinaryPrimitives.ReadUInt16LittleEndian(value[at..]))
            {
                case owner: allowed |= permissions << 6; break;
                case mask: middle = permissions; masked = true; break;
                case group when !masked: middle = permissions; break;
                case others: allowed |= permissions; break;
            }
        }

        return allowed | (middle << 3);
    }

    /// <summary>The ids of named users and groups in all lists of an entry's attributes.</summary>
    public static List<(bool IsUser, uint Id)> NamedIds(ReadOnlySpan<byte> xattrs)
    {
        List<(bool, uint)> ids = [];
        XattrReader reader = new(xattrs);
        while (reader.TryRead(out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value))
        {
            if (!XattrNames.IsAcl(name) || !IsWellFormed(value))
            {
                continue;
            }

            for (int at = Header; at < value.Length; at += EntrySize)
            {
                ushort tag = BinaryPrimitives.ReadUInt16LittleEndian(value[at..]);
                if (tag is NamedUser or NamedGroup)
                {
                    ids.Add((tag == NamedUser, BinaryPrimitives.ReadUInt32LittleEndian(value[(at + 4)..])));
                }
            }
        }

        return ids;
    }

    /// <summary>The entries of a well-formed list.</summary>
    public static List<AclEntry> Entries(ReadOnlySpan<byte> value)
    {
        List<AclEntry> entries = [];
        for (int at = Header; at < value.Length; at += EntrySize)
        {
            ushort tag = BinaryPrimitives.ReadUInt16LittleEndian(value[at..]);
            entries.Add(new AclEntry(tag, BinaryPrimitives.ReadUInt16LittleEndian(value[(at + 2)..]), BinaryPrimitives.ReadUInt32LittleEndian(value[(at + 4)..]), tag switch
            {
                NamedUser => IdentityKind.User,
                NamedGroup => IdentityKind.Group,
                _ => null,
            }));
        }

        return entries;
    }

    /// <summary>By tag, then id; insertion, as lists are short and nearly sorted.</summary>
    private static void Sort(Span<byte> value)
    {
        for (int i = Header + EntrySize; i < value.Length; i += EntrySize)
        {
            for (int at = i; at > Header && Key(value, at - EntrySize) > Key(value, at); at -= EntrySize)
            {
                ulong before = BinaryPrimitives.ReadUInt64LittleEndian(value[(at - EntrySize)..]);
                value.Slice(at, EntrySize).CopyTo(value[(at - EntrySize)..]);
                BinaryPrimitives.WriteUInt64LittleEndian(value[at..], before);
            }
        }
    }

    private static ulong Key(ReadOnlySpan<byte> value, int at) =>
        ((ulong)BinaryPrimitives.ReadUInt16LittleEndian(value[at..]) << 32) | BinaryPrimitives.ReadUInt32LittleEndian(value[(at + 4)..]);
}

/// <summary>One line of an ACL; Kind is null where the id means nothing.</summary>
internal readonly record struct AclEntry(ushort Tag, ushort Permissions, uint Id, IdentityKind? Kind);
