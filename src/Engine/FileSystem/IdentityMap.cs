using System.Buffers.Text;
using System.IO.Hashing;

namespace NativeSync.Engine.FileSystem;

/// <summary>
/// Users and groups of this machine by /etc/passwd and /etc/group, read by us: the C library's own look-up would load modules of
/// the host into a static executable (platform facts, "Name service"). Immutable once read. Names are bytes.
/// </summary>
internal sealed class IdentityMap
{
    /// <summary>More than any real file; what lies beyond is not read.</summary>
    private const int MaxFile = 64 * 1024 * 1024;

    private readonly Dictionary<uint, byte[]> _userNames = [];
    private readonly Dictionary<uint, byte[]> _groupNames = [];
    private readonly Dictionary<byte[], uint> _userIds = new(ByteArrayComparer.Instance);
    private readonly Dictionary<byte[], uint> _groupIds = new(ByteArrayComparer.Instance);

    public IdentityMap(ReadOnlySpan<byte> passwd, ReadOnlySpan<byte> group)
    {
        Parse(passwd, _userNames, _userIds);
        Parse(group, _groupNames, _groupIds);
    }

    /// <summary>The files of this machine; a missing file counts as empty.</summary>
    public static IdentityMap Load(ISystemCalls io) => new(ReadFile(io, "/etc/passwd"u8), ReadFile(io, "/etc/group"u8));

    /// <summary>null for an id without a name.</summary>
    public byte[]? UserName(uint uid) => _userNames.GetValueOrDefault(uid);

    public byte[]? GroupName(uint gid) => _groupNames.GetValueOrDefault(gid);

    /// <summary>null for an unknown or empty name: never 0 by accident.</summary>
    public uint? UserId(ReadOnlySpan<byte> name) => Find(_userIds, name);

    public uint? GroupId(ReadOnlySpan<byte> name) => Find(_groupIds, name);

    /// <summary>The hash of the name, apart from all numbers by its top bit; the number itself for root and where there is no name.</summary>
    public ulong UserKey(uint uid) => Key(_userNames, uid);

    public ulong GroupKey(uint gid) => Key(_groupNames, gid);

    private static ulong Key(Dictionary<uint, byte[]> names, uint id) =>
        id == 0 || !names.TryGetValue(id, out byte[]? name) ? id : XxHash3.HashToUInt64(name) | (1UL << 63);

    private static uint? Find(Dictionary<byte[], uint> ids, ReadOnlySpan<byte> name) =>
        !name.IsEmpty && ids.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(name, out uint id) ? id : null;

    /// <summary>name:password:id:… a line; the first line of a name or an id counts; anything else is passed over.</summary>
    private static void Parse(ReadOnlySpan<byte> file, Dictionary<uint, byte[]> names, Dictionary<byte[], uint> ids)
    {
        foreach (Range range in file.Split((byte)'\n'))
        {
            ReadOnlySpan<byte> line = file[range];
            int first = line.IndexOf((byte)':');
            if (first <= 0 || line[0] is (byte)'#' or (byte)'+' or (byte)'-')
            {
                continue;
            }

            ReadOnlySpan<byte> rest = line[(first + 1)..];
            int second = rest.IndexOf((byte)':');
            if (second < 0 || !Utf8Parser.TryParse(rest[(second + 1)..], out uint id, out int digits) || id == uint.MaxValue)
            {
                continue;
            }

            int after = second + 1 + digits;
            if (after == rest.Length || rest[after] == (byte)':')
            {
                byte[] name = line[..first].ToArray();
                names.TryAdd(id, name);
                ids.TryAdd(name, id);
            }
        }
    }

    private static byte[] ReadFile(ISystemCalls io, ReadOnlySpan<byte> path)
    {
        int fd = io.OpenPath(path, OpenFlags.Read | OpenFlags.NonBlocking);
        if (fd < 0)
        {
            return [];
        }

        byte[] content = SmallFile.Read(io, fd, MaxFile);
        io.Close(fd);
        return content;
    }
}

/// <summary>Byte arrays by content, with spans as keys for look-ups.</summary>
internal sealed class ByteArrayComparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
{
    public static readonly ByteArrayComparer Instance = new();

    public bool Equals(byte[]? x, byte[]? y) => ReferenceEquals(x, y) || (x != null && y != null && x.AsSpan().SequenceEqual(y));

    public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

    public int GetHashCode(byte[] obj) => GetHashCode(obj.AsSpan());

    public int GetHashCode(ReadOnlySpan<byte> alternate)
    {
        HashCode hash = default; // seeded per process: names from a peer cannot be made to collide
        hash.AddBytes(alternate);
        return hash.ToHashCode();
    }

    public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
}
