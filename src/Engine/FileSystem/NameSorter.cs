using System.Buffers.Binary;

namespace NativeSync.Engine.FileSystem;

/// <summary>A name in a listing's arena, with its first eight bytes as a number that sorts as they do.</summary>
internal readonly record struct NameKey(ulong Prefix, int Offset, int Length);

/// <summary>
/// Sorts names bytewise without moving them: most pairs are decided by the first eight bytes. The order is that of unsigned
/// bytes with a shorter name before any that it begins (the order of the wire).
/// </summary>
internal sealed class NameSorter
{
    private readonly Comparison<NameKey> _compare;
    private NameKey[] _keys = new NameKey[64];
    private DirectoryListing? _arena;

    public NameSorter() => _compare = Compare;

    public int Count { get; private set; }

    public void Clear() => Count = 0;

    public void Add(int offset, ReadOnlySpan<byte> name)
    {
        if (Count == _keys.Length)
        {
            Array.Resize(ref _keys, Count * 2);
        }

        _keys[Count++] = new NameKey(Prefix(name), offset, name.Length);
    }

    /// <summary>The keys in order; valid until the next Add or Clear.</summary>
    public ReadOnlySpan<NameKey> Sort(DirectoryListing arena)
    {
        Span<NameKey> keys = _keys.AsSpan(0, Count);
        if (Count > 1 && Compare(keys[0], keys[^1], arena) > 0)
        {
            keys.Reverse(); // tmpfs lists the newest first: what was made in order comes backwards
        }

        if (!IsSorted(keys, arena))
        {
            _arena = arena;
            keys.Sort(_compare);
            _arena = null;
        }

        return keys;
    }

    private static ulong Prefix(ReadOnlySpan<byte> name)
    {
        if (name.Length >= 8)
        {
            return BinaryPrimitives.ReadUInt64BigEndian(name);
        }

        ulong prefix = 0;
        for (int i = 0; i < name.Length; i++)
        {
            prefix |= (ulong)name[i] << (56 - (8 * i));
        }

        return prefix; // padded with NUL, which no name contains
    }

    private static bool IsSorted(ReadOnlySpan<NameKey> keys, DirectoryListing arena)
    {
        for (int i = 1; i < keys.Length; i++)
        {
            if (Compare(keys[i - 1], keys[i], arena) > 0)
            {
                return false;
            }
        }

        return true;
    }

    private int Compare(NameKey x, NameKey y) => Compare(x, y, _arena!);

    private static int Compare(in NameKey x, in NameKey y, DirectoryListing arena)
    {
        if (x.Prefix != y.Prefix)
        {
            return x.Prefix < y.Prefix ? -1 : 1;
        }

        if (x.Length <= 8 || y.Length <= 8)
        {
            return x.Length - y.Length;
        }

        return arena.Stored(x.Offset + 8, x.Length - 8).SequenceCompareTo(arena.Stored(y.Offset + 8, y.Length - 8));
    }
}
