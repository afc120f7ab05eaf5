namespace NativeSync.Protocol;

/// <summary>
/// Writes entries (docs/protocol.md, "Entry"), each relative to the one before. Call <see cref="Reset"/> at the start of each Entries
/// record. A mutable struct: pass it by reference.
/// </summary>
public struct EntryEncoder
{
    // flags 2, prefix 2, name length 2, mode 3, uid 5, gid 5, size 9, seconds 10, nanoseconds 5, link length 2, rdev 10,
    // group 10, xattrs length 3, digest 16, inode flags 5, atime 15, project 5, mark 1.
    private const int FixedBound = 110;

    private byte[]? _name;
    private int _nameLength;
    private EntryState _before;

    /// <summary>Forgets the entry before.</summary>
    public void Reset()
    {
        _nameLength = 0;
        _before = default;
    }

    /// <summary>The most bytes that this entry can take.</summary>
    public readonly int SizeBound(in Entry entry) => Bound(entry);

    internal static int Bound(in Entry entry) => FixedBound + entry.Name.Length + entry.LinkTarget.Length + entry.Xattrs.Length;

    /// <summary>Writes an entry; names must ascend bytewise between two resets.</summary>
    /// <exception cref="ArgumentException">The decoder would refuse it.</exception>
    public void Write(scoped ref WireWriter writer, scoped in Entry entry)
    {
        ReadOnlySpan<byte> name = entry.Name;
        byte[] before = _name ??= new byte[ProtocolLimits.MaxNameLength];
        int common = name.CommonPrefixLength(before.AsSpan(0, _nameLength));
        if ((uint)(name.Length - 1) >= ProtocolLimits.MaxNameLength || common == name.Length || (common < _nameLength && name[common] < before[common]))
        {
            throw new ArgumentException("names must be 1 to 255 bytes and ascend");
        }

        // Two bytes saved at least, since the length of the prefix takes one.
        int prefix = common > 1 ? common : 0;
        EntryFlags flags = EntryFields.Flags(entry, _before) | (prefix > 0 ? EntryFlags.Prefix : 0);
        writer.WriteVarint((uint)flags);
        if (prefix > 0)
        {
            writer.WriteVarint((ulong)prefix);
        }

        writer.WriteBlob(name[prefix..]);
        name[common..].CopyTo(before.AsSpan(common));
        _nameLength = name.Length;
        EntryFields.Write(ref writer, entry, flags, ref _before);
    }
}
