using System.Diagnostics;
using System.Runtime.CompilerServices;
using NativeSync.Protocol;

namespace NativeSync.Engine.FileSystem;

/// <summary>Which of the costly parts of an entry a scan collects.</summary>
[Flags]
internal enum ScanFields
{
    None = 0,
    LinkTargets = 1,

    /// <summary>All extended attributes but the two of POSIX ACLs and other system.* ones.</summary>
    Xattrs = 2,

    /// <summary>system.posix_acl_access and system.posix_acl_default.</summary>
    Acls = 4,

    /// <summary>Inode flags of files and directories: opens each.</summary>
    FileFlags = 8,

    /// <summary>Project ids of files and directories: opens each.</summary>
    ProjectIds = 0x10,

    /// <summary>Of the extended attributes those of the user namespace only: what an ordinary user can keep.</summary>
    UserXattrsOnly = 0x20,

    /// <summary>user.rsync.%stat and its like, too (-XX).</summary>
    FakeSuperXattrs = 0x40,
}

/// <summary>Trouble with one entry of a directory, or with the directory itself when the name is empty.</summary>
internal readonly record struct ScanProblem(Operation Operation, int Error, byte[] Name);

/// <summary>
/// One directory, sorted bytewise by name: metadata in one array, every variable part in one arena. Reusable (Clear); nothing is
/// allocated per entry. Not safe for use by several threads at once unless nobody changes it.
/// </summary>
internal sealed class DirectoryListing
{
    private struct Item
    {
        public EntryMetadata Metadata;
        public FileIdentity Identity;
        public int NameOffset;
        public int LinkOffset;
        public int XattrsOffset;
        public int XattrsLength;
        public ushort NameLength;
        public ushort LinkLength;
    }

    /// <summary>Bytes that a listing keeps for other directories.</summary>
    private const long MostSpare = 1024 * 1024;

    private Item[] _items = [];
    private byte[] _bytes = [];
    private int _used;

    public int Count { get; private set; }

    /// <summary>Something of the directory could not be read: nothing may be deleted because it is missing here.</summary>
    public bool Incomplete { get; set; }

    /// <summary>null while there are none.</summary>
    public List<ScanProblem>? Problems { get; private set; }

    /// <summary>Bytes held, used or not.</summary>
    public long Footprint => ((long)_items.Length * Unsafe.SizeOf<Item>()) + _bytes.Length;

    public ref EntryMetadata Metadata(int index) => ref At(index).Metadata;

    public ref FileIdentity Identity(int index) => ref At(index).Identity;

    public ReadOnlySpan<byte> Name(int index)
    {
        ref Item item = ref At(index);
        return _bytes.AsSpan(item.NameOffset, item.NameLength);
    }

    /// <summary>Empty for all but symbolic links.</summary>
    public ReadOnlySpan<byte> LinkTarget(int index)
    {
        ref Item item = ref At(index);
        return _bytes.AsSpan(item.LinkOffset, item.LinkLength);
    }

    /// <summary>Encoded as in an Entry of the protocol: {name blob, value blob}… sorted by name (see <see cref="XattrBlob"/>).</summary>
    public ReadOnlySpan<byte> Xattrs(int index)
    {
        ref Item item = ref At(index);
        return _bytes.AsSpan(item.XattrsOffset, item.XattrsLength);
    }

    /// <summary>The index of a name, or the complement of the index where it would stand.</summary>
    public int Find(ReadOnlySpan<byte> name)
    {
        int low = 0, high = Count - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            int order = Name(middle).SequenceCompareTo(name);
            if (order == 0)
            {
                return middle;
            }

            if (order < 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle - 1;
            }
        }

        return ~low;
    }

    /// <summary>Empties the listing and keeps its memory.</summary>
    public void Clear()
    {
        Count = 0;
        _used = 0;
        Incomplete = false;
        Problems = null;
    }

    /// <summary>Empties the listing, for another directory: its memory stays unless it is far more than the usual.</summary>
    public void Recycle()
    {
        Clear();
        Trim(MostSpare);
    }

    /// <summary>Gives memory back when a directory was far larger than the usual.</summary>
    public void Trim(long keep)
    {
        if (Count == 0 && Footprint > keep)
        {
            _items = [];
            _bytes = [];
        }
    }

    /// <summary>A copy that takes no more room than it needs; this one can be filled with something else then.</summary>
    public DirectoryListing Compact() => new()
    {
        _items = [.. _items.AsSpan(0, Count)],
        _bytes = [.. _bytes.AsSpan(0, _used)],
        _used = _used,
        Count = Count,
        Incomplete = Incomplete,
        Problems = Problems,
    };

    /// <summary>It takes at least twice the room that it needs.</summary>
    public bool IsSparse => Footprint > 2 * (((long)Count * Unsafe.SizeOf<Item>()) + _used);

    /// <summary>Adds an entry; the caller keeps the order by name.</summary>
    public void Append(ReadOnlySpan<byte> name, in EntryMetadata metadata, in FileIdentity identity, ReadOnlySpan<byte> linkTarget, ReadOnlySpan<byte> xattrs)
    {
        int offset = Store(name);
        AppendStored(offset, name.Length, metadata, identity);
        SetLinkTarget(Count - 1, linkTarget);
        SetXattrs(Count - 1, xattrs);
    }

    /// <summary>Keeps the entries for which <paramref name="keep"/> says so; order and everything else stay.</summary>
    public void Keep<TState>(TState state, Func<DirectoryListing, int, TState, bool> keep)
    {
        int kept = 0;
        for (int i = 0; i < Count; i++)
        {
            if (!keep(this, i, state))
            {
                continue;
            }

            if (kept != i)
            {
                _items[kept] = _items[i];
            }

            kept++;
        }

        Count = kept;
    }

    /// <summary>
    /// The entries for which <paramref name="keep"/> says so, as a listing that shares the bytes of this one: this one must not grow
    /// any more. The same listing when that is all of them.
    /// </summary>
    public DirectoryListing Select<TState>(TState state, Func<DirectoryListing, int, TState, bool> keep)
    {
        DirectoryListing selected = new() { _items = [.. _items.AsSpan(0, Count)], _bytes = _bytes, _used = _used, Count = Count, Incomplete = Incomplete };
        selected.Keep(state, keep);
        return selected.Count == Count ? this : selected;
    }

    public void AddProblem(Operation operation, int error, ReadOnlySpan<byte> name) =>
        (Problems ??= []).Add(new ScanProblem(operation, error, name.ToArray()));

    /// <summary>Puts bytes into the arena and returns where they lie.</summary>
    internal int Store(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Reserve(bytes.Length));
        return Commit(bytes.Length);
    }

    /// <summary>Room at the end of the arena; <see cref="Commit"/> takes what was filled.</summary>
    internal Span<byte> Reserve(int length)
    {
        if (_bytes.Length - _used < length)
        {
            // What was written behind the end and is not committed yet stays, too: who reserves more goes on with it.
            Enlarge(ref _bytes, _bytes.Length, checked((int)Math.Min(Array.MaxLength, Math.Max((long)_bytes.Length * 2, Math.Max(4096L, (long)_used + length)))));
        }

        return _bytes.AsSpan(_used, length);
    }

    internal int Commit(int length)
    {
        int offset = _used;
        _used += length;
        return offset;
    }

    internal ReadOnlySpan<byte> Stored(int offset, int length) => _bytes.AsSpan(offset, length);

    /// <summary>Adds an entry whose name lies in the arena already.</summary>
    internal void AppendStored(int nameOffset, int nameLength, in EntryMetadata metadata, in FileIdentity identity)
    {
        if (Count == _items.Length)
        {
            Enlarge(ref _items, Count, Math.Max(16, Count * 2));
        }

        // At once: cleared first and then filled field by field, the just-in-time compiler (.NET 10.0.12, with a profile) left the rest uncleared.
        _items[Count++] = new Item { Metadata = metadata, Identity = identity, NameOffset = nameOffset, NameLength = checked((ushort)nameLength) };
        Debug.Assert(Count < 2 || Name(Count - 2).SequenceCompareTo(Name(Count - 1)) < 0, "entries come in the order of their names");
    }

    internal void EnsureItems(int count)
    {
        if (_items.Length < count)
        {
            Enlarge(ref _items, Count, count);
        }
    }

    internal void DropLast() => Count--;

    internal void SetLinkTarget(int index, ReadOnlySpan<byte> target)
    {
        if (!target.IsEmpty)
        {
            SetLinkTarget(index, Store(target), target.Length);
        }
    }

    internal void SetLinkTarget(int index, int offset, int length)
    {
        ref Item item = ref At(index);
        item.LinkOffset = offset;
        item.LinkLength = checked((ushort)length);
    }

    internal void SetXattrs(int index, ReadOnlySpan<byte> encoded)
    {
        if (!encoded.IsEmpty)
        {
            SetXattrs(index, Store(encoded), encoded.Length);
        }
    }

    internal void SetXattrs(int index, int offset, int length)
    {
        ref Item item = ref At(index);
        item.XattrsOffset = offset;
        item.XattrsLength = length;
    }

    /// <summary>More room, which nobody clears: it is written before it is read.</summary>
    private static void Enlarge<T>(ref T[] array, int used, int length)
    {
        T[] larger = GC.AllocateUninitializedArray<T>(length);
        array.AsSpan(0, used).CopyTo(larger);
        array = larger;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref Item At(int index)
    {
        if ((uint)index >= (uint)Count)
        {
            throw new ArgumentOutOfRangeException(nameof(index));
        }

        return ref _items[index];
    }
}
