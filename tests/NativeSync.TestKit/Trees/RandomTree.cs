using static NativeSync.TestKit.Trees.RawFiles;

namespace NativeSync.TestKit.Trees;

/// <summary>How large and how odd a random tree is.</summary>
public sealed record RandomTreeOptions
{
    /// <summary>Entries to make.</summary>
    public int Entries { get; init; } = 250;

    /// <summary>Owners, devices and trusted attributes too; needs root.</summary>
    public bool Privileged { get; init; } = true;

    /// <summary>Attributes and ACLs.</summary>
    public bool Attributes { get; init; } = true;
}

/// <summary>
/// A tree made from a seed, and changes to it made from the same seed: the same seed and options always give the same
/// trees. Modification times never repeat a whole second, since rsync's quick check looks no closer.
/// </summary>
/// <remarks>Knows its entries from memory alone: it never lists a directory. Not safe for concurrent use.</remarks>
public sealed class RandomTree
{
    private const int LargeFile = 1_500_000;

    private static readonly string[] Words =
        ["a", "b", "core", "data", "file.o", "file.c", "keep.txt", "log", "Makefile", "README", "x y", "-dash", "star*", "q?", "[set]", "back\\slash", "new\nline", "ü", "tmp", "cache", ".git", ".hidden", "~"];

    private readonly Random _random;
    private readonly RandomTreeOptions _options;
    private readonly byte[] _root;
    private readonly List<Node> _nodes = [];
    private long _clock = 1_400_000_000;

    private RandomTree(string root, int seed, RandomTreeOptions options)
    {
        _root = Bytes(root);
        _random = new Random(seed);
        _options = options;
    }

    private sealed class Node(byte[] path, char type)
    {
        public byte[] Path { get; set; } = path;

        public char Type { get; } = type;
    }

    /// <summary>Builds a tree in a directory that does not exist yet.</summary>
    public static RandomTree Build(string root, int seed, RandomTreeOptions? options = null)
    {
        var tree = new RandomTree(root, seed, options ?? new RandomTreeOptions());
        MakeDirectory(tree._root);
        for (int i = 0; i < tree._options.Entries; i++)
        {
            tree.Add();
        }

        tree.SettleDirectoryTimes();
        return tree;
    }

    /// <summary>Makes this many random changes: content, type, name, place, mode, owner, attributes, links, additions and deletions.</summary>
    public void Mutate(int steps)
    {
        for (int i = 0; i < steps; i++)
        {
            Step();
        }

        SettleDirectoryTimes();
    }

    /// <summary>Changes the content of some files and leaves size and mtime alone: what only a checksum notices. Returns how many.</summary>
    public int MutateUnnoticed(int steps)
    {
        int done = 0;
        foreach (Node file in Pick('f', steps))
        {
            var info = new FileInfo(PathText(file));
            if (PathText(file).Contains('\uFFFD') || info.Length == 0)
            {
                continue;
            }

            DateTime modified = info.LastWriteTimeUtc;
            byte[] one = [(byte)_random.Next(256)];
            WriteInto(file.Path, one, _random.NextInt64(info.Length));
            // Whole seconds survive DateTime; Tick() gave a multiple of 100 ns.
            info.LastWriteTimeUtc = modified;
            done++;
        }

        return done;
    }

    private void Step()
    {
        int what = _random.Next(100);
        if (what < 25 && Pick('f') is { } file)
        {
            Edit(file);
        }
        else if (what < 37 && _nodes.Count > 0)
        {
            Remove(_nodes[_random.Next(_nodes.Count)]);
        }
        else if (what < 52 && _nodes.Count > 0)
        {
            Move(_nodes[_random.Next(_nodes.Count)]);
        }
        else if (what < 60 && _nodes.Count > 0)
        {
            ReplaceType(_nodes[_random.Next(_nodes.Count)]);
        }
        else if (what < 70 && Pick('f') is { } touched)
        {
            Tick(touched.Path);
        }
        else if (what < 80 && _nodes.Count > 0)
        {
            Decorate(_nodes[_random.Next(_nodes.Count)]);
        }
        else
        {
            Add();
        }
    }

    private void Add(byte[]? at = null)
    {
        byte[]? path = at ?? FreshPath();
        if (path is null)
        {
            return;
        }

        int what = _random.Next(100);
        var node = new Node(path, what < 20 ? 'd' : what < 70 ? 'f' : what < 80 ? 'l' : what < 90 ? 'h' : what < 95 ? 'p' : 'c');
        if (node.Type == 'h')
        {
            if (Pick('f') is not { } existing)
            {
                return;
            }

            HardLink(existing.Path, path);
            _nodes.Add(new Node(path, 'f'));
            return;
        }

        Create(node);
        _nodes.Add(node);
        Decorate(node);
    }

    private void Create(Node node)
    {
        switch (node.Type)
        {
            case 'd':
                MakeDirectory(node.Path);
                return;
            case 'f':
                WriteFile(node.Path, Content(Size()));
                break;
            case 'l':
                SymbolicLink(Bytes(_random.Next(3) switch { 0 => "../" + Words[_random.Next(Words.Length)], 1 => "/nowhere", _ => Words[_random.Next(Words.Length)] }), node.Path);
                break;
            case 'c' when _options.Privileged:
                MakeNode(node.Path, (_random.Next(2) == 0 ? CharacterDevice : BlockDevice) | 0x180, (uint)_random.Next(1, 500), (uint)_random.Next(300));
                break;
            default:
                MakeNode(node.Path, (_random.Next(4) == 0 ? Socket : Fifo) | 0x1A4);
                break;
        }

        Tick(node.Path);
    }

    private void Edit(Node file)
    {
        long length = _random.Next(LargeFile);
        switch (_random.Next(5))
        {
            case 0:
                WriteFile(file.Path, Content(Size()));
                break;
            case 1:
                SetLength(file.Path, length);
                break;
            case 2:
                WriteInto(file.Path, Content(_random.Next(5_000)), length);
                break;
            case 3:
                for (int i = 0; i < 8; i++)
                {
                    WriteInto(file.Path, Content(_random.Next(1, 3_000)), _random.Next(LargeFile / 4));
                }

                break;
            default:
                WriteInto(file.Path, Content(_random.Next(1, 100)), 0);
                break;
        }

        Tick(file.Path);
    }

    private void Decorate(Node node)
    {
        if (node.Type != 'l' && _random.Next(2) == 0)
        {
            ChangeMode(node.Path, (uint)_random.Next(0x200) | 0x180 | (node.Type == 'd' ? 0x40u : 0) | (_random.Next(10) == 0 ? 0x400u : 0));
        }

        if (_options.Privileged && _random.Next(3) == 0)
        {
            ChangeOwner(node.Path, (uint)_random.Next(3) * 1_000, (uint)_random.Next(3) * 1_000);
        }

        if (_options.Attributes && node.Type is 'f' or 'd' && _random.Next(4) == 0)
        {
            SetAttribute(node.Path, "user.a" + _random.Next(3), Content(_random.Next(60)));
        }

        if (_options.Attributes && node.Type is 'f' or 'd' && _random.Next(8) == 0)
        {
            SetAttribute(node.Path, PosixAcl.Access, PosixAcl.For(7, (uint)_random.Next(1, 2_000), 5, 5, 50, 4, 5, 1));
        }
    }

    private void Remove(Node node)
    {
        foreach (Node inner in Inside(node).OrderByDescending(n => n.Path.Length))
        {
            Discard(inner);
        }

        Discard(node);
    }

    private void Discard(Node node)
    {
        if (node.Type == 'd')
        {
            RemoveDirectory(node.Path);
        }
        else
        {
            Unlink(node.Path);
        }

        _nodes.Remove(node);
    }

    private void ReplaceType(Node node)
    {
        Remove(node);
        Add(node.Path);
    }

    private void Move(Node node)
    {
        byte[]? path = FreshPath();
        byte[] below = [.. node.Path, (byte)'/'];
        if (path is null || path.AsSpan().StartsWith(below))
        {
            return;
        }

        RawFiles.Rename(node.Path, path);
        foreach (Node inner in Inside(node))
        {
            inner.Path = [.. path, .. inner.Path.AsSpan(node.Path.Length)];
        }

        node.Path = path;
    }

    private List<Node> Inside(Node node)
    {
        byte[] below = [.. node.Path, (byte)'/'];
        return [.. _nodes.Where(other => other.Path.AsSpan().StartsWith(below))];
    }

    private byte[]? FreshPath()
    {
        for (int attempt = 0; attempt < 20; attempt++)
        {
            byte[] directory = Pick('d') is { } inner && _random.Next(4) != 0 ? inner.Path : _root;
            byte[] name = Bytes(Words[_random.Next(Words.Length)] + (_random.Next(2) == 0 ? "" : _random.Next(50)));
            if (_random.Next(20) == 0)
            {
                name = [.. name, (byte)_random.Next(0x80, 0x100)];
            }

            byte[] path = Join(directory, name);
            if (path.Length < 900 && !_nodes.Exists(node => node.Path.AsSpan().SequenceEqual(path)))
            {
                return path;
            }
        }

        return null;
    }

    private Node? Pick(char type) => Pick(type, 1).FirstOrDefault();

    private List<Node> Pick(char type, int count)
    {
        List<Node> all = _nodes.FindAll(node => node.Type == type);
        List<Node> picked = [];
        for (int i = 0; i < count && all.Count > 0; i++)
        {
            int at = _random.Next(all.Count);
            picked.Add(all[at]);
            all.RemoveAt(at);
        }

        return picked;
    }

    private int Size() => _random.Next(20) switch { 0 => 0, 1 => _random.Next(LargeFile), < 6 => _random.Next(100_000), _ => _random.Next(6_000) };

    private byte[] Content(int size)
    {
        byte[] content = new byte[size];
        if (_random.Next(2) == 0)
        {
            _random.NextBytes(content);
        }
        else
        {
            // Repeats itself, as text and zeros do.
            content.AsSpan().Fill((byte)_random.Next(4));
            for (int i = _random.Next(40); i < size; i += 41)
            {
                content[i] = (byte)i;
            }
        }

        return content;
    }

    private void Tick(byte[] path) => SetModified(path, _clock += _random.Next(1, 1_000), _random.Next(10_000_000) * 100L);

    /// <summary>Adding to a directory changes its time: give every directory one that the seed decides, the deepest first.</summary>
    private void SettleDirectoryTimes()
    {
        foreach (Node directory in _nodes.Where(n => n.Type == 'd').OrderByDescending(n => n.Path.Length))
        {
            Tick(directory.Path);
        }

        Tick(_root);
    }

    private static string PathText(Node node) => System.Text.Encoding.UTF8.GetString(node.Path);
}
