using System.Buffers.Binary;

namespace NativeSync.Engine.FileSystem;

/// <summary>
/// An access control list in user.rsync.%aacl or %dacl: owner, group, mask and others (u32 each, 0x80 for none), then id and
/// permissions (u32 each) of every named user, marked by bit 31, and group; little endian. In an access list the owner and the others
/// are left to the mode, and so is the group where it has no mask or agrees with the mode.
/// </summary>
internal static class FakeAcl
{
    private const uint None = 0x80, IsUser = 0x8000_0000;
    private const ushort Owner = 1, NamedUser = 2, Group = 4, NamedGroup = 8, Mask = 16, Others = 32;

    /// <param name="list">The kernel's form.</param>
    /// <param name="mode">The mode of the entry for an access list; null for a default list.</param>
    public static byte[] Encode(ReadOnlySpan<byte> list, uint? mode)
    {
        uint owner = None, group = None, mask = None, others = None;
        List<(uint Id, uint Permissions)> named = [];
        foreach (AclEntry entry in AccessControlList.Entries(list))
        {
            switch (entry.Tag)
            {
                case Owner: owner = entry.Permissions; break;
                case Group: group = entry.Permissions; break;
                case Mask: mask = entry.Permissions; break;
                case Others: others = entry.Permissions; break;
                default: named.Add((entry.Id, entry.Permissions | (entry.Tag == NamedUser ? IsUser : 0))); break;
            }
        }

        if (mode is { } bits)
        {
            owner = others = None;
            group = mask == None || group == ((bits >> 3) & 7) ? None : group;
        }

        // Users before groups, each by number.
        named.Sort(static (x, y) => (x.Permissions & IsUser) != (y.Permissions & IsUser) ? ((x.Permissions & IsUser) != 0 ? -1 : 1) : x.Id.CompareTo(y.Id));
        byte[] to = new byte[16 + (named.Count * 8)];
        uint[] head = [owner, group, mask, others];
        for (int i = 0; i < 4; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(to.AsSpan(i * 4), head[i]);
        }

        for (int i = 0; i < named.Count; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(to.AsSpan(16 + (i * 8)), named[i].Id);
            BinaryPrimitives.WriteUInt32LittleEndian(to.AsSpan(20 + (i * 8)), named[i].Permissions);
        }

        return to;
    }

    /// <summary>The kernel's form; an empty list for what makes no sense.</summary>
    public static byte[] Decode(ReadOnlySpan<byte> fake, uint? mode)
    {
        if (fake.Length < 16 || fake.Length % 8 != 0)
        {
            return [2, 0, 0, 0];
        }

        Span<uint> head = stackalloc uint[4];
        for (int i = 0; i < 4; i++)
        {
            head[i] = BinaryPrimitives.ReadUInt32LittleEndian(fake[(i * 4)..]);
        }

        int named = (fake.Length - 16) / 8;
        if (mode is { } bits)
        {
            head[0] = head[0] == None ? (bits >> 6) & 7 : head[0];
            head[1] = head[1] == None ? (bits >> 3) & 7 : head[1];
            head[2] = head[2] == None && named > 0 ? (bits >> 3) & 7 : head[2];
            head[3] = head[3] == None ? bits & 7 : head[3];
        }

        List<byte> to = [2, 0, 0, 0];
        Add(to, Owner, head[0], uint.MaxValue);
        AddNamed(to, fake[16..], users: true);
        Add(to, Group, head[1], uint.MaxValue);
        AddNamed(to, fake[16..], users: false);
        Add(to, Mask, head[2], uint.MaxValue);
        Add(to, Others, head[3], uint.MaxValue);
        return [.. to];
    }

    private static void AddNamed(List<byte> to, ReadOnlySpan<byte> named, bool users)
    {
        for (; named.Length >= 8; named = named[8..])
        {
            uint permissions = BinaryPrimitives.ReadUInt32LittleEndian(named[4..]);
            if (((permissions & IsUser) != 0) == users)
            {
                Add(to, users ? NamedUser : NamedGroup, permissions & 7, BinaryPrimitives.ReadUInt32LittleEndian(named));
            }
        }
    }

    private static void Add(List<byte> to, ushort tag, uint permissions, uint id)
    {
        if (permissions == None)
        {
            return;
        }

        Span<byte> line = stackalloc byte[8];
        BinaryPrimitives.WriteUInt16LittleEndian(line, tag);
        BinaryPrimitives.WriteUInt16LittleEndian(line[2..], (ushort)(permissions & 7));
        BinaryPrimitives.WriteUInt32LittleEndian(line[4..], id);
        to.AddRange(line);
    }
}
