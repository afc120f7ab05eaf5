using System.Buffers.Binary;
using System.IO.Hashing;
using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving.Elsewhere;

/// <summary>
/// The files of the destination by size and modification time, and by these and the name: where content that the source has may
/// be already. Filled, then sealed, then immutable; who knows more fills a copy. A hint only: digests prove what is found.
/// </summary>
/// <param name="seed">Random, so that nobody can make files that all fall into one chain.</param>
internal sealed class ContentIndex(long seed)
{
    /// <summary>Below this many bytes a file is sent sooner than it is asked about.</summary>
    public const long SmallestSize = 64;

    /// <summary>About 32 bytes and a name each: what more there is, is not looked for.</summary>
    private const int MostFiles = 1_000_000;

    /// <summary>How many of the same size and time are looked at: an unpacked archive may give all of a tree one time.</summary>
    private const int MostSteps = 64;

    private const int None = -1;

    private List<(int Parent, int Name)> _directories = [];
    private Item[] _items = new Item[1024];
    private int[] _byContent = [];
    private int[] _byName = [];
    private byte[] _names = new byte[16 * 1024];
    private int _used;
    private int _count;

    /// <summary>No further files are taken.</summary>
    public bool IsFull => _count == MostFiles || _used > int.MaxValue / 2;

    /// <summary>One that can be filled further; what this one knows has the same numbers there.</summary>
    public ContentIndex Copy() => new(seed) { _directories = [.. _directories], _items = [.. _items], _names = [.. _names], _used = _used, _count = _count };

    /// <summary>Enters all directories of a path from the root; the number of the last.</summary>
    public int AddPath(ReadOnlySpan<byte> path)
    {
        var directory = AddDirectory(-1, []);
        foreach (var part in path.Split((byte)'/'))
        {
            directory = path.IsEmpty ? directory : AddDirectory(directory, path[part]);
        }

        return directory;
    }

    /// <summary>Enters a directory; its number.</summary>
    /// <param name="parent">The number of the one above it; negative for the root.</param>
    /// <param name="name">Its name there.</param>
    public int AddDirectory(int parent, ReadOnlySpan<byte> name)
    {
        _directories.Add((parent, Store(name)));
        return _directories.Count - 1;
    }

    /// <summary>Enters a file.</summary>
    public void Add(int directory, ReadOnlySpan<byte> name, in EntryMetadata metadata)
    {
        if (_count == _items.Length)
        {
            Array.Resize(ref _items, _count * 2);
        }

        _items[_count++] = new Item
        {
            Directory = directory,
            Name = Store(name),
            Content = HashOf(metadata),
            Nanoseconds = metadata.Modified.Nanoseconds,
        };
    }

    /// <summary>All files are in: makes them findable.</summary>
    public void Seal()
    {
        var size = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)_count + 1);
        _byContent = new int[size];
        _byName = new int[size];
        _byContent.AsSpan().Fill(None);
        _byName.AsSpan().Fill(None);
        for (var i = 0; i < _count; i++)
        {
            ref var item = ref _items[i];
            Chain(_byContent, item.Content, i, ref item.NextOfContent);
            Chain(_byName, HashOf(item.Content, NameOf(i)), i, ref item.NextOfName);
        }
    }

    /// <summary>Files of that size and time: those of the same name first, and of them the one whose path ends most alike.</summary>
    /// <param name="wanted">What the source has.</param>
    /// <param name="directory">The path of the directory that it is in.</param>
    /// <param name="name">Its name.</param>
    /// <param name="exact">Times must agree to the nanosecond.</param>
    /// <param name="tried">Numbers of files that it is not.</param>
    /// <param name="into">Gets their numbers.</param>
    /// <returns>How many.</returns>
    public int Find(in EntryMetadata wanted, ReadOnlySpan<byte> directory, ReadOnlySpan<byte> name, bool exact, ReadOnlySpan<int> tried, Span<int> into)
    {
        var content = HashOf(wanted);
        var nanoseconds = exact ? wanted.Modified.Nanoseconds : (uint?)null;
        var found = 0;
        var best = -1;
        var at = _byName[HashOf(content, name) & (_byName.Length - 1)];
        for (var steps = 0; at != None && steps < MostSteps; steps++, at = _items[at].NextOfName)
        {
            if (Matches(at, content, nanoseconds) && NameOf(at).SequenceEqual(name) && !tried.Contains(at))
            {
                var alike = NamesAlike(_items[at].Directory, directory);
                found = Math.Min(found + 1, into.Length);
                into[found - 1] = at;
                if (alike > best)
                {
                    best = alike;
                    (into[0], into[found - 1]) = (at, into[0]);
                }
            }
        }

        at = _byContent[content & (_byContent.Length - 1)];
        for (var steps = 0; at != None && found < into.Length && steps < MostSteps; steps++, at = _items[at].NextOfContent)
        {
            if (Matches(at, content, nanoseconds) && !into[..found].Contains(at) && !tried.Contains(at))
            {
                into[found++] = at;
            }
        }

        return found;
    }

    public ReadOnlySpan<byte> NameOf(int file) => Stored(_items[file].Name);

    /// <summary>The number of the directory that holds a file.</summary>
    public int DirectoryOf(int file) => _items[file].Directory;

    /// <summary>The path of a directory, relative to the destination.</summary>
    public byte[] PathOf(int directory)
    {
        var length = 0;
        for (var at = directory; _directories[at].Parent >= 0; at = _directories[at].Parent)
        {
            length += Stored(_directories[at].Name).Length + 1;
        }

        var path = new byte[Math.Max(0, length - 1)];
        for (var at = directory; _directories[at].Parent >= 0; at = _directories[at].Parent)
        {
            var name = Stored(_directories[at].Name);
            length -= name.Length + 1;
            name.CopyTo(path.AsSpan(length));
            if (length > 0)
            {
                path[length - 1] = (byte)'/';
            }
        }

        return path;
    }

    /// <summary>How many names at the end of two paths are the same.</summary>
    private int NamesAlike(int directory, ReadOnlySpan<byte> path)
    {
        var alike = 0;
        for (; _directories[directory].Parent >= 0; directory = _directories[directory].Parent, alike++)
        {
            var start = path.LastIndexOf((byte)'/') + 1;
            if (path.IsEmpty || !Stored(_directories[directory].Name).SequenceEqual(path[start..]))
            {
                break;
            }

            path = path[..Math.Max(0, start - 1)];
        }

        return alike;
    }

    private static void Chain(int[] heads, uint hash, int item, ref int next)
    {
        ref var head = ref heads[hash & (heads.Length - 1)];
        next = head;
        head = item;
    }

    private bool Matches(int item, uint content, uint? nanoseconds) =>
        _items[item].Content == content && (nanoseconds is null || _items[item].Nanoseconds == nanoseconds);

    private uint HashOf(in EntryMetadata metadata)
    {
        Span<byte> key = stackalloc byte[16];
        BinaryPrimitives.WriteInt64LittleEndian(key, metadata.Size);
        BinaryPrimitives.WriteInt64LittleEndian(key[8..], metadata.Modified.Seconds);
        return (uint)XxHash3.HashToUInt64(key, seed);
    }

    private uint HashOf(uint content, ReadOnlySpan<byte> name) => (uint)XxHash3.HashToUInt64(name, seed + content);

    private ReadOnlySpan<byte> Stored(int offset) => _names.AsSpan(offset + 1, _names[offset]);

    private int Store(ReadOnlySpan<byte> name)
    {
        if (_names.Length - _used <= name.Length)
        {
            Array.Resize(ref _names, _names.Length * 2);
        }

        var offset = _used;
        _names[offset] = (byte)name.Length;
        name.CopyTo(_names.AsSpan(offset + 1));
        _used += name.Length + 1;
        return offset;
    }

    private struct Item
    {
        public int NextOfContent;
        public int NextOfName;
        public int Directory;
        public int Name;
        public uint Content;
        public uint Nanoseconds;
    }
}
