using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Batch;

/// <summary>A record of a batch: where its frame begins, and where in the frame it does.</summary>
internal readonly record struct BatchPlace(long Frame, int Offset);

/// <summary>What a batch has of one entry's content: a Whole, a stream of tokens, a FileFailed, or only the digest.</summary>
/// <param name="Type">The record that begins it; Same when the batch has no content, since it was the same.</param>
/// <param name="Place">Where that record is.</param>
/// <param name="Basis">The length of the basis that it needs; 0 for none.</param>
/// <param name="Digest">The digest of the source's content.</param>
internal sealed record BatchContent(RecordType Type, BatchPlace Place, long Basis, UInt128 Digest);

/// <summary>Where in a batch is what the receiver may ask for.</summary>
internal sealed class BatchIndex
{
    private readonly Dictionary<int, List<BatchPlace>> _entries = [];
    private readonly Dictionary<(int Directory, int Index), BatchContent> _contents = [];
    private readonly Dictionary<(int Directory, int Index), UInt128> _compared = [];
    private readonly Dictionary<(int Directory, int Index), ulong> _groups = [];
    private readonly Dictionary<ulong, BatchContent> _ofGroups = [];
    private readonly List<byte[]> _identities = [];
    private BatchContent? _stream;
    private (int Directory, int Index) _streaming;
    private bool _copies;

    /// <summary>Reads a batch from a frame on.</summary>
    /// <exception cref="ProtocolException">It is malformed.</exception>
    public static BatchIndex Build(BatchCursor cursor, long from)
    {
        var index = new BatchIndex();
        for (cursor.Load(from); cursor.Type == FrameType.Records; cursor.Load(cursor.Next))
        {
            index.Read(cursor);
        }

        if (cursor.Type != FrameType.Goodbye || index._stream is not null)
        {
            throw new ProtocolException(ProtocolError.BadOrder, "the batch does not end where a session ends");
        }

        foreach (var (entry, group) in index._groups)
        {
            // Which of a set's names carries the content is the receiver's choice; one without a basis suits all of them.
            if (index._contents.TryGetValue(entry, out var content) && (content.Basis == 0 || !index._ofGroups.ContainsKey(group)))
            {
                index._ofGroups[group] = content;
            }
        }

        return index;
    }

    /// <summary>The records that name users and groups.</summary>
    public IReadOnlyList<byte[]> Identities => _identities;

    /// <summary>The parts of a directory's entries; empty when the batch does not name them.</summary>
    public IReadOnlyList<BatchPlace> EntriesOf(int directory) => _entries.TryGetValue(directory, out var places) ? places : [];

    /// <summary>What there is of an entry's content; null for nothing.</summary>
    public BatchContent? ContentOf(int directory, int index) =>
        _contents.GetValueOrDefault((directory, index))
        ?? (_groups.TryGetValue((directory, index), out var group) ? _ofGroups.GetValueOrDefault(group) : null);

    private void Read(BatchCursor cursor)
    {
        var records = cursor.Content.Span;
        var reader = new RecordReader(records);
        for (var at = 0; reader.TryNext(out var type); at = reader.Wire.Position)
        {
            var place = new BatchPlace(cursor.Frame, at);
            switch (type)
            {
                case RecordType.Entries:
                    ReadEntries(ref reader, place);
                    break;
                case RecordType.Whole:
                    var whole = Records.ReadWhole(ref reader.Wire);
                    _contents[(whole.Directory, whole.Index)] = new BatchContent(type, place, 0, whole.Digest);
                    break;
                case RecordType.FileBegin:
                    var begin = Records.ReadFileBegin(ref reader.Wire);
                    _streaming = (begin.Directory, begin.Index);
                    _stream = new BatchContent(type, place, begin.BasisLength, default);
                    _copies = false;
                    break;
                case RecordType.Copy:
                    Records.ReadCopy(ref reader.Wire);
                    _copies = true;
                    break;
                case RecordType.FileEnd:
                    EndStream(Records.ReadFileEnd(ref reader.Wire));
                    break;
                case RecordType.FileFailed:
                    var failed = Records.ReadFileFailed(ref reader.Wire);
                    _contents[(failed.Directory, failed.Index)] = new BatchContent(type, place, 0, default);
                    break;
                case RecordType.Identity:
                    reader.Skip(type);
                    _identities.Add(records[at..reader.Wire.Position].ToArray());
                    break;
                case RecordType.Compare:
                    var compare = Records.ReadCompare(ref reader.Wire);
                    _compared[(compare.Directory, compare.Index)] = compare.Digest;
                    break;
                case RecordType.Same:
                    var same = Records.ReadSame(ref reader.Wire);
                    _contents[(same.Directory, same.Index)] = new BatchContent(type, place, 0, _compared.GetValueOrDefault((same.Directory, same.Index)));
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        }
    }

    private void ReadEntries(ref RecordReader reader, BatchPlace place)
    {
        var header = Records.ReadEntries(ref reader.Wire);
        if (!_entries.TryGetValue(header.Directory, out var places))
        {
            _entries.Add(header.Directory, places = []);
        }

        places.Add(place);
        var decoder = new EntryDecoder();
        for (var i = 0; i < header.Count; i++)
        {
            if (decoder.Read(ref reader.Wire).HardLinkGroup is not 0 and var group)
            {
                _groups[(header.Directory, header.First + i)] = group;
            }
        }
    }

    private void EndStream(in FileEndRecord end)
    {
        if (_stream is not { } stream)
        {
            throw new ProtocolException(ProtocolError.BadOrder, "a file of the batch ends that did not begin");
        }

        // An attempt that failed at the source says nothing; the next one, or FileFailed, does.
        if (end.Errno == 0)
        {
            _contents[_streaming] = stream with { Basis = _copies ? stream.Basis : 0, Digest = end.Digest };
        }

        _stream = null;
    }
}
