using System.Buffers.Binary;
using System.Text;
using static NativeSync.TestKit.Trees.RawFiles;

namespace NativeSync.TestKit.Trees;

/// <summary>How large the nasty tree is; what is in it does not depend on this.</summary>
public sealed record NastyTreeOptions
{
    /// <summary>Files in the one crowded directory.</summary>
    public int Crowd { get; init; } = 70_000;

    /// <summary>Length of the file with holes, bytes.</summary>
    public long SparseLength { get; init; } = 6L << 30;

    /// <summary>The same kinds of trouble in a tree that is built in a second.</summary>
    public static NastyTreeOptions Quick { get; } = new() { Crowd = 3_000, SparseLength = 300L << 20 };

    /// <summary>Quick or full, as <c>./test.sh --quick</c> asks through NATIVESYNC_QUICK.</summary>
    public static NastyTreeOptions FromEnvironment() => TestRun.IsQuick ? Quick : new();
}

/// <summary>
/// A tree of everything that a copy gets wrong: names, sizes around block borders, holes, hard links across
/// directories, every type of file, attributes of every namespace, impossible modes, times outside 1970–2106, a crowd
/// and a depth. Needs root and a file system with extended attributes (ext4, XFS, btrfs, tmpfs).
/// </summary>
public sealed class NastyTree
{
    private const uint SetUser = 0x800;
    private const uint SetGroup = 0x400;
    private const uint Sticky = 0x200;

    private readonly List<byte[]> _directories = [];

    private NastyTree()
    {
    }

    /// <summary>Builds the tree in a directory that does not exist yet; the same options give the same tree.</summary>
    public static void Build(string root, NastyTreeOptions? options = null) => new NastyTree().Make(Bytes(root), options ?? new NastyTreeOptions());

    private void Make(byte[] top, NastyTreeOptions options)
    {
        MakeDirectory(top);
        Names(Child(top, "names"));
        Sizes(Child(top, "sizes"));
        Holes(Child(top, "holes"), options.SparseLength);
        HardLinks(top);
        SymbolicLinks(Child(top, "links"));
        Nodes(Child(top, "nodes"));
        Modes(Child(top, "modes"));
        Attributes(Child(top, "attributes"));
        Depth(Child(top, "deep"));
        Crowd(Child(top, "crowd"), options.Crowd);
        Folder(Join(top, "empty directory"u8));
        // Filling a directory changes its time: the deepest first, before some get times of their own.
        for (int i = _directories.Count - 1; i >= 0; i--)
        {
            SetModified(_directories[i], 1_700_000_000 + i, 700_000_000 + i);
        }

        Times(Child(top, "times"));
        SetAttribute(top, "user.root", "the root has attributes too"u8);
        SetModified(top, 1_111_111_111, 111_111_111);
    }

    private byte[] Child(byte[] directory, string name) => Folder(Join(directory, Bytes(name)));

    private byte[] Folder(byte[] path)
    {
        MakeDirectory(path);
        _directories.Add(path);
        return path;
    }

    private static void File(byte[] path, string content, long seconds = 1_500_000_000, long nanoseconds = 123_456_789)
    {
        WriteFile(path, Bytes(content));
        SetModified(path, seconds, nanoseconds);
    }

    private void Names(byte[] at)
    {
        byte[][] names =
        [
            "new\nline"u8.ToArray(), "\n"u8.ToArray(), "ends with newline\n"u8.ToArray(), "carriage\rreturn"u8.ToArray(), "tab\there"u8.ToArray(),
            "-leading-dash"u8.ToArray(), "--delete"u8.ToArray(), "-"u8.ToArray(), " leading space"u8.ToArray(), "trailing space "u8.ToArray(), " "u8.ToArray(),
            "star*"u8.ToArray(), "question?"u8.ToArray(), "[bracket]"u8.ToArray(), "*?["u8.ToArray(), "back\\slash"u8.ToArray(), "\\"u8.ToArray(), "\\#012"u8.ToArray(),
            "'single'"u8.ToArray(), "\"double\""u8.ToArray(), "$HOME `id` $(id)"u8.ToArray(), "a;b&c|d"u8.ToArray(), "host:path"u8.ToArray(), "#comment"u8.ToArray(), "~"u8.ToArray(), "..."u8.ToArray(), ".hidden"u8.ToArray(),
            "\u001b[31mred"u8.ToArray(), [0x07], [0x7F], [0x01, 0x02, 0x1F], [0xFF], [0xFE, 0xFF, 0x41], [0xC3], [0xC3, 0x28], [0xED, 0xA0, 0x80],
            [0xB2, 0xE2, 0xCA, 0xD4, 0xCE, 0xC4, 0xBC, 0xFE], // a name in GBK
            "中文 und Ümlaut"u8.ToArray(), "e\u0301"u8.ToArray(), "\u00e9"u8.ToArray(), "\u202eevil"u8.ToArray(),
            Enumerable.Repeat((byte)'x', 255).ToArray(), Enumerable.Repeat((byte)0xE4, 255).ToArray(), [(byte)'.', .. Enumerable.Repeat((byte)'t', 254)],
        ];
        foreach (byte[] name in names)
        {
            byte[] path = Join(at, name);
            File(path, "named " + Encoding.Latin1.GetString(name));
        }

        byte[] odd = Join(at, [(byte)'d', 0xFF, (byte)'\n', (byte)'-']);
        Folder(odd);
        File(Join(odd, [0x80, (byte)' ']), "in an oddly named directory");
    }

    /// <summary>Nothing, one byte, and one below, at and above every block size that a delta may choose.</summary>
    private void Sizes(byte[] at)
    {
        var random = new Random(20_260_101);
        File(Join(at, "empty"u8), "");
        File(Join(at, "one"u8), "1");
        for (int block = 512; block <= 1 << 20; block <<= 1)
        {
            for (int off = -1; off <= 1; off++)
            {
                byte[] content = new byte[block + off];
                random.NextBytes(content);
                byte[] path = Join(at, Bytes($"{block}{off:+0;-0;}"));
                WriteFile(path, content);
                SetModified(path, 1_400_000_000 + block, 999_999_999);
            }
        }

        byte[] zeros = Join(at, "zeros"u8);
        WriteFile(zeros, new byte[100_000]);
        SetModified(zeros, 1_400_000_000);
    }

    /// <summary>Data at the start, in the middle and at the end of a large file; one that is all hole; one that ends in a hole.</summary>
    private void Holes(byte[] at, long length)
    {
        byte[] data = new byte[300_000];
        new Random(77).NextBytes(data);
        byte[] large = Join(at, "large"u8);
        WriteFile(large, data);
        WriteInto(large, data.AsSpan(0, 123_457), (length / 2) + 4_321);
        WriteInto(large, data.AsSpan(0, 65_537), length - 65_537);
        SetModified(large, 1_300_000_000, 1);

        byte[] void_ = Join(at, "all hole"u8);
        WriteFile(void_, []);
        SetLength(void_, 5_000_001);
        SetModified(void_, 1_300_000_001, 2);

        byte[] tail = Join(at, "ends in a hole"u8);
        WriteFile(tail, data.AsSpan(0, 10_000));
        SetLength(tail, 3_000_000);
        SetModified(tail, 1_300_000_002, 3);
    }

    /// <summary>Groups whose members lie in several directories, before and after one another in the order of the walk.</summary>
    private void HardLinks(byte[] top)
    {
        byte[] early = Child(top, "a hard links");
        byte[] late = Child(top, "z hard links");
        byte[] inner = Child(late, "inner");
        File(Join(early, "one"u8), "a group of four");
        HardLink(Join(early, "one"u8), Join(early, "two"u8));
        HardLink(Join(early, "one"u8), Join(late, "three"u8));
        HardLink(Join(early, "one"u8), Join(inner, "four"u8));
        File(Join(late, "late first"u8), "a group of two");
        HardLink(Join(late, "late first"u8), Join(early, "late second"u8));
        File(Join(late, "empty"u8), "");
        HardLink(Join(late, "empty"u8), Join(early, "empty too"u8));
        SymbolicLink("nowhere"u8.ToArray(), Join(early, "link"u8));
        SetModified(Join(early, "link"u8), 1_500_000_001, 1);
        HardLink(Join(early, "link"u8), Join(late, "same link"u8));
        MakeNode(Join(early, "pipe"u8), Fifo | 0x180);
        SetModified(Join(early, "pipe"u8), 1_500_000_002, 2);
        HardLink(Join(early, "pipe"u8), Join(late, "same pipe"u8));
    }

    private void SymbolicLinks(byte[] at)
    {
        (string Name, byte[] Target)[] links =
        [
            ("dangling", Bytes("not/there")), ("absolute", Bytes("/etc/passwd")), ("absolute directory", Bytes("/")), ("loop a", Bytes("loop b")), ("loop b", Bytes("loop a")),
            ("self", Bytes("self")), ("up", Bytes("../../../../../../etc")), ("dot", Bytes(".")), ("to directory", Bytes("../names")), ("odd", [0xFF, (byte)'\n', (byte)'-']),
            ("long", Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("../" + new string('l', 197), 20)))),
        ];
        foreach ((string name, byte[] target) in links)
        {
            byte[] path = Join(at, Bytes(name));
            SymbolicLink(target, path);
            SetModified(path, 1_234_567_890, 987_654_321);
        }

        ChangeOwner(Join(at, "dangling"u8), 12_345, 54_321);
    }

    private void Nodes(byte[] at)
    {
        MakeNode(Join(at, "null"u8), CharacterDevice | 0x1B6, 1, 3);
        MakeNode(Join(at, "character"u8), CharacterDevice | 0x180, 511, 1_000_000);
        MakeNode(Join(at, "block"u8), BlockDevice | 0x1B0, 240, 255);
        MakeNode(Join(at, "fifo"u8), Fifo | 0x1A4);
        MakeNode(Join(at, "socket"u8), Socket | 0x1ED);
        foreach (string name in (string[])["null", "character", "block", "fifo", "socket"])
        {
            byte[] path = Join(at, Bytes(name));
            ChangeOwner(path, 7, 70_000);
            SetModified(path, 1_000_000_000, 5);
        }
    }

    private void Modes(byte[] at)
    {
        (string Name, uint Mode)[] files =
        [
            ("none", 0), ("all", 0x1FF), ("setuid", SetUser | 0x1ED), ("setgid", SetGroup | 0x1ED), ("both", SetUser | SetGroup | 0x1C0), ("sticky file", Sticky | 0x1A4),
            ("setuid no x", SetUser | 0x1A4), ("write only", 0x92), ("execute only", 0x49), ("everything", 0xFFF),
        ];
        foreach ((string name, uint mode) in files)
        {
            byte[] path = Join(at, Bytes(name));
            File(path, name);
            ChangeOwner(path, 1_000, 4_000_000_000);
            ChangeMode(path, mode);
        }

        (string Name, uint Mode)[] directories = [("d none", 0), ("d setgid", SetGroup | 0x1FD), ("d sticky", Sticky | 0x1FF), ("d both", SetGroup | Sticky | 0x1FF), ("d read only", 0x16D)];
        foreach ((string name, uint mode) in directories)
        {
            byte[] path = Child(at, name);
            File(Join(path, "inside"u8), "below " + name);
            ChangeOwner(path, 1_001, 1_002);
            ChangeMode(path, mode);
        }
    }

    private void Attributes(byte[] at)
    {
        byte[] file = Join(at, "file"u8);
        File(file, "with attributes");
        SetAttribute(file, "user.text", "value"u8);
        SetAttribute(file, "user.empty", []);
        SetAttribute(file, "user.binary", [0, 1, 2, 0xFF, 0]);
        SetAttribute(file, "user.large", Enumerable.Range(0, 3_000).Select(i => (byte)i).ToArray());
        SetAttribute(file, "user.n\u00e4me with space", "x"u8);
        SetAttribute(file, "trusted.overlay.opaque", "y"u8);
        SetAttribute(file, "security.test", "label"u8);

        byte[] capable = Join(at, "setuid with capability"u8);
        File(capable, "#!/bin/true\n");
        ChangeOwner(capable, 0, 33);
        ChangeMode(capable, SetUser | 0x1ED);
        SetAttribute(capable, "security.capability", Capability(1u << 10 | 1u << 13));

        byte[] acl = Join(at, "acl"u8);
        File(acl, "for some");
        ChangeMode(acl, 0x1A0);
        SetAttribute(acl, PosixAcl.Access, PosixAcl.For(6, 1_000, 7, 4, 2_000, 5, 7, 0));

        byte[] directory = Child(at, "acl directory");
        SetAttribute(directory, PosixAcl.Access, PosixAcl.For(7, 3_000_000_000, 5, 5, 50, 7, 7, 1));
        SetAttribute(directory, PosixAcl.Default, PosixAcl.For(7, 33, 6, 5, 33, 4, 6, 0));
        SetAttribute(directory, "user.directory", "yes"u8);
        SetAttribute(directory, "trusted.directory", "yes"u8);
        File(Join(directory, "inherits"u8), "an ACL from its directory");
        Folder(Join(directory, "inherits both"u8));
        byte[] refuses = Join(directory, "none of it"u8);
        File(refuses, "its own ACL");
        SetAttribute(refuses, PosixAcl.Access, PosixAcl.For(6, 1, 0, 0, 1, 0, 0, 0));

        byte[] node = Join(at, "device with attribute"u8);
        MakeNode(node, CharacterDevice | 0x180, 1, 5);
        SetAttribute(node, "trusted.device", "d"u8);
        SetModified(node, 1_500_000_003, 3);
        byte[] link = Join(at, "link with attribute"u8);
        SymbolicLink("file"u8.ToArray(), link);
        SetAttribute(link, "trusted.link", "l"u8);
        SetModified(link, 1_500_000_004, 4);
    }

    private void Times(byte[] at)
    {
        (string Name, long Seconds, long Nanoseconds)[] times =
        [
            ("epoch", 0, 0), ("one ns", 0, 1), ("before 1970", -1, 999_999_999), ("1950", -631_152_000, 500_000_000), ("1901", -2_147_483_648, 0),
            ("2038", 2_147_483_647, 999_999_999), ("after 2038", 2_147_483_648, 1), ("2106", 4_294_967_295, 999_999_999), ("after 2106", 4_294_967_296, 7), ("2400", 13_569_465_600, 123),
        ];
        foreach ((string name, long seconds, long nanoseconds) in times)
        {
            File(Join(at, Bytes(name)), name, seconds, nanoseconds);
            byte[] directory = Child(at, name + " d");
            SetModified(directory, seconds, nanoseconds);
            byte[] link = Join(at, Bytes(name + " l"));
            SymbolicLink(Bytes(name), link);
            SetModified(link, seconds, nanoseconds);
        }

        SetModified(at, -5, 5);
    }

    /// <summary>A path of 3,000 bytes below the root, in components of 255 and 37 bytes.</summary>
    private void Depth(byte[] at)
    {
        const int PathLength = 3_000;
        byte[] path = at;
        int length = "deep".Length;
        for (int component = 255; length < PathLength; component = component > 100 ? 37 : 255)
        {
            int size = Math.Min(component, PathLength - length - 1);
            if (size < 1)
            {
                break;
            }

            path = Join(path, Enumerable.Repeat((byte)('a' + (length % 26)), size).ToArray());
            length += size + 1;
            Folder(path);
        }

        File(Join(path, "bottom"u8), "the bottom");
    }

    private void Crowd(byte[] at, int count)
    {
        Span<byte> content = stackalloc byte[8];
        for (int i = 0; i < count; i++)
        {
            byte[] path = Join(at, Bytes($"file number {i:x8}"));
            BinaryPrimitives.WriteInt64LittleEndian(content, i * 0x1E3779B97F4A7C15L);
            WriteFile(path, content[..(i % 9)]);
            SetModified(path, 1_600_000_000 + (i % 10_000), i);
        }
    }

    /// <summary><c>security.capability</c>, revision 2 (linux/capability.h): permitted and effective, nothing inheritable.</summary>
    private static byte[] Capability(uint permitted)
    {
        byte[] value = new byte[20];
        BinaryPrimitives.WriteUInt32LittleEndian(value, 0x0200_0001);
        BinaryPrimitives.WriteUInt32LittleEndian(value.AsSpan(4), permitted);
        return value;
    }
}
