using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Verify;

/// <summary>Where a reader stands.</summary>
internal enum ManifestPosition
{
    /// <summary>A directory, its entries loaded.</summary>
    Directory,

    /// <summary>The end of the innermost open directory.</summary>
    Close,

    /// <summary>The end of the tree: digest and statistics are known.</summary>
    End,
}

/// <summary>
/// Reads a manifest from records, directory by directory, and checks that it is one: the order of the records, that directories
/// nest, and that names ascend. Holds one directory at a time. The other side is not trusted.
/// </summary>
internal sealed class ManifestReader(IRecordSource source, Action<SideProblem> report)
{
    private readonly List<(int Id, byte[] LastChild)> _open = [];
    private readonly Dictionary<ulong, byte[]> _leaders = [];
    private ReadOnlyMemory<byte> _pack;
    private int _at;
    private EntryDecoder _decoder;
    private bool _begun;
    private bool _rootSeen;
    private bool _entriesDue;
    private int _lastId = -1;

    public ManifestPosition Position { get; private set; }

    /// <summary>None: there is no root, and a problem said why.</summary>
    public RootFlags RootFlags { get; private set; }

    /// <summary>Metadata of the root when it is a directory.</summary>
    public EntryMetadata RootMetadata { get; private set; }

    public byte[] RootXattrs { get; private set; } = [];

    /// <summary>The entries of the directory at hand; replaced by the next one.</summary>
    public ManifestListing Listing { get; } = new();

    /// <summary>Its name in its parent; empty for the root.</summary>
    public byte[] Name { get; private set; } = [];

    /// <summary>Its path; empty for the root.</summary>
    public PathBuilder Path { get; } = new();

    public Identities Identities { get; } = new();

    public UInt128 TreeDigest { get; private set; }

    public Statistics? Statistics { get; private set; }

    /// <summary>Steps on.</summary>
    /// <exception cref="ProtocolException">Not a manifest, or it ends too early.</exception>
    public async ValueTask NextAsync(CancellationToken ct)
    {
        Listing.Clear();
        while (!Parse())
        {
            _pack = await source.ReceiveAsync(ct).ConfigureAwait(false);
            _at = 0;
            if (_pack.IsEmpty)
            {
                throw new ProtocolException(ProtocolError.UnexpectedRecord, "the manifest of the other side ended too early");
            }
        }
    }

    /// <summary>Consumes records up to the next position; false when the pack is used up before.</summary>
    private bool Parse()
    {
        RecordReader reader = new(_pack.Span[_at..], RecordSide.Sender);
        bool found = false;
        while (!found && reader.TryNext(out RecordType type))
        {
            if (type == RecordType.Root ? _begun : !_begun && type != RecordType.Identity)
            {
                throw Unexpected(type);
            }

            found = type switch
            {
                RecordType.Root => TakeRoot(ref reader),
                RecordType.Probe => TakeProbe(ref reader),
                RecordType.Entries => TakeEntries(ref reader),
                RecordType.Close => TakeClose(ref reader),
                RecordType.Problem => TakeProblem(ref reader),
                RecordType.Identity => TakeIdentity(ref reader),
                RecordType.TreeDigest => TakeDigest(ref reader),
                RecordType.EndOfTree => TakeEnd(ref reader),
                RecordType.Note => Pass(ref reader, type),
                _ => throw Unexpected(type),
            };
        }

        _at += reader.Wire.Position;
        return found;
    }

    private bool TakeRoot(ref RecordReader reader)
    {
        RootRecord root = Records.ReadRoot(ref reader.Wire);
        _begun = true;
        RootFlags = root.Flags;
        RootMetadata = root.Attributes.Metadata;
        RootXattrs = root.Attributes.Xattrs.ToArray();
        return false;
    }

    private bool TakeProbe(ref RecordReader reader)
    {
        ProbeRecord probe = Records.ReadProbe(ref reader.Wire);
        bool root = _open.Count == 0;
        if (_entriesDue || root ? _entriesDue || _rootSeen || probe.Directory != 0 : probe.Directory <= _lastId || probe.Parent != _open[^1].Id || probe.Name.SequenceCompareTo(_open[^1].LastChild) <= 0)
        {
            throw Unexpected(RecordType.Probe);
        }

        _rootSeen = _entriesDue = true;
        _lastId = probe.Directory;
        Name = probe.Name.ToArray();
        if (!root)
        {
            _open[^1] = (_open[^1].Id, Name);
            Path.Push(Name);
        }

        _open.Add((probe.Directory, []));
        return false; // its entries follow
    }

    private bool TakeEntries(ref RecordReader reader)
    {
        EntriesRecord head = Records.ReadEntries(ref reader.Wire);
        if (!_entriesDue || head.Directory != _open[^1].Id || head.First != Listing.Count)
        {
            throw Unexpected(RecordType.Entries);
        }

        _decoder.Reset();
        for (int i = 0; i < head.Count; i++)
        {
            Entry entry = _decoder.Read(ref reader.Wire);
            if (Listing.Count > 0 && entry.Name.SequenceCompareTo(Listing.Entries.Name(Listing.Count - 1)) <= 0)
            {
                throw new ProtocolException(ProtocolError.BadOrder, "the names of a directory do not ascend");
            }

            Listing.Add(entry, LeaderOf(entry));
        }

        Listing.Entries.Incomplete |= (head.Flags & EntriesFlags.Incomplete) != 0;
        Position = ManifestPosition.Directory;
        _entriesDue = (head.Flags & EntriesFlags.Last) == 0;
        return !_entriesDue;
    }

    /// <summary>Path of the first name of the same file; null for the first itself, and for a file with one name.</summary>
    private byte[]? LeaderOf(in Entry entry)
    {
        if (entry.HardLinkGroup == 0)
        {
            return null;
        }

        if (_leaders.TryGetValue(entry.HardLinkGroup, out byte[]? leader))
        {
            return leader;
        }

        int before = Path.Push(entry.Name);
        _leaders.Add(entry.HardLinkGroup, Path.ToArray());
        Path.Truncate(before);
        return null;
    }

    private bool TakeClose(ref RecordReader reader)
    {
        CloseRecord close = Records.ReadClose(ref reader.Wire);
        if (_entriesDue || _open.Count == 0 || close.Directory != _open[^1].Id)
        {
            throw Unexpected(RecordType.Close);
        }

        _open.RemoveAt(_open.Count - 1);
        int slash = Path.Span.LastIndexOf((byte)'/');
        Path.Truncate(Math.Max(slash, 0));
        Position = ManifestPosition.Close;
        return true;
    }

    private bool TakeProblem(ref RecordReader reader)
    {
        ProblemRecord problem = Records.ReadProblem(ref reader.Wire);
        report(new SideProblem(problem.Operation, problem.Errno, problem.Path.ToArray(), (problem.Flags & ProblemFlags.Warning) != 0));
        return false;
    }

    private bool TakeIdentity(ref RecordReader reader)
    {
        IdentityRecord identity = Records.ReadIdentity(ref reader.Wire);
        Identities.Define(identity.Kind, identity.Number, identity.Name);
        return false;
    }

    private bool TakeDigest(ref RecordReader reader)
    {
        TreeDigest = Records.ReadTreeDigest(ref reader.Wire).Digest;
        return false;
    }

    private bool TakeEnd(ref RecordReader reader)
    {
        if (_open.Count > 0)
        {
            throw Unexpected(RecordType.EndOfTree);
        }

        Statistics = Records.ReadEndOfTree(ref reader.Wire);
        Position = ManifestPosition.End;
        return true;
    }

    private static bool Pass(ref RecordReader reader, RecordType type)
    {
        reader.Skip(type);
        return false;
    }

    private static ProtocolException Unexpected(RecordType type) =>
        new(ProtocolError.UnexpectedRecord, $"a {type} record where a manifest cannot have one");
}

/// <summary>Trouble of one side, as its manifest tells it.</summary>
internal readonly record struct SideProblem(Operation Operation, int Errno, byte[] Path, bool Warning);

/// <summary>The entries of one directory of a manifest, with what a plain listing does not have.</summary>
internal sealed class ManifestListing
{
    private readonly List<(bool Has, UInt128 Digest)> _digests = [];
    private readonly List<byte[]?> _leaders = [];

    public DirectoryListing Entries { get; } = new();

    public int Count => Entries.Count;

    public void Add(in Entry entry, byte[]? leader)
    {
        Entries.Append(entry.Name, entry.Metadata, default, entry.LinkTarget, entry.Xattrs);
        _digests.Add((entry.HasContentDigest, entry.ContentDigest));
        _leaders.Add(leader);
    }

    public bool TryDigest(int index, out UInt128 digest)
    {
        (bool has, digest) = _digests[index];
        return has;
    }

    public byte[]? Leader(int index) => _leaders[index];

    public void Clear()
    {
        Entries.Clear();
        Entries.Trim(keep: 4 * 1024 * 1024);
        _digests.Clear();
        _leaders.Clear();
    }
}

/// <summary>Names of the users and groups of one side.</summary>
internal sealed class Identities
{
    private readonly Dictionary<(IdentityKind Kind, uint Id), byte[]> _names = [];

    public void Define(IdentityKind kind, uint id, ReadOnlySpan<byte> name)
    {
        if (id != 0)
        {
            _names[(kind, id)] = name.ToArray();
        }
    }

    public byte[]? NameOf(IdentityKind kind, uint id) => _names.GetValueOrDefault((kind, id));
}
