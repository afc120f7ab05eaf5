using System.Buffers;
using System.IO.Hashing;
using System.IO.Pipelines;
using System.Text;
using NativeSync.Engine.Compression;
using NativeSync.Protocol;

namespace NativeSync.Engine.Tests.Session;

/// <summary>Writes records, in or out of order.</summary>
internal sealed class RecordScript
{
    private readonly ArrayBufferWriter<byte> _bytes = new();

    internal delegate void WriteRecord(ref WireWriter writer);

    internal ReadOnlySpan<byte> Bytes => _bytes.WrittenSpan;

    internal RecordScript Add(WriteRecord write)
    {
        var writer = new WireWriter(_bytes.GetSpan(64 * 1024));
        write(ref writer);
        _bytes.Advance(writer.Position);
        return this;
    }

    internal RecordScript Root(RootFlags flags) => Add((ref WireWriter w) => Records.WriteRoot(ref w, flags, default));

    internal RecordScript Answer(int directory, Verdict verdict) => Add((ref WireWriter w) => Records.WriteAnswer(ref w, directory, verdict));

    internal RecordScript Want(int directory, int index) => Add((ref WireWriter w) => Records.WriteWant(ref w, directory, index));

    internal RecordScript WantDelta(int directory, int index, long basis, int block, int strong) =>
        Add((ref WireWriter w) => Records.WriteWantDelta(ref w, new WantDeltaRecord(directory, index, basis, block, strong)));

    internal RecordScript Signature(int count, int strong) => Add((ref WireWriter w) => Records.WriteSignature(ref w, count, strong, new byte[count * (4 + strong)]));

    /// <summary>One entry that is to be deleted.</summary>
    internal RecordScript Missing(int directory, string name) => Add((ref WireWriter w) =>
    {
        Records.WriteEntries(ref w, directory, 0, EntriesFlags.Last, 1);
        new EntryEncoder().Write(ref w, new Entry { Name = Encoding.UTF8.GetBytes(name), Metadata = new EntryMetadata { Mode = 0x81a4 }, Mark = EntryMark.Missing });
    });

    /// <summary>Bytes as they are.</summary>
    internal RecordScript Raw(string hex) => Add((ref WireWriter w) => w.WriteBytes(Convert.FromHexString(hex)));

    internal RecordScript Root() => Add((ref WireWriter w) => Records.WriteRoot(ref w, RootFlags.None, default));

    internal RecordScript Probe(int directory, int parent, string name) =>
        Add((ref WireWriter w) => Records.WriteProbe(ref w, directory, parent, Encoding.UTF8.GetBytes(name), UInt128.One));

    internal RecordScript Close(int directory) => Add((ref WireWriter w) => Records.WriteClose(ref w, directory));

    /// <summary>Entries: "name/" is a directory, "name@target" a link, all else a file of five bytes.</summary>
    internal RecordScript Entries(int directory, int first, EntriesFlags flags, params string[] names) => Add((ref WireWriter w) =>
    {
        Records.WriteEntries(ref w, directory, first, flags, names.Length);
        var encoder = new EntryEncoder();
        foreach (string name in names)
        {
            int at = name.IndexOf('@', StringComparison.Ordinal);
            uint mode = at >= 0 ? 0xa1ffu : name.EndsWith('/') ? 0x41edu : 0x81a4u;
            var entry = new Entry
            {
                Name = Encoding.UTF8.GetBytes(at >= 0 ? name[..at] : name.TrimEnd('/')),
                LinkTarget = at >= 0 ? Encoding.UTF8.GetBytes(name[(at + 1)..]) : default,
                Metadata = new EntryMetadata { Mode = mode, Size = mode == 0x81a4 ? 5 : 0, Modified = new Timestamp(1_600_000_000, 5) },
            };
            encoder.Write(ref w, entry);
        }
    });

    internal RecordScript Whole(int directory, int index, string data = "hello") => Add((ref WireWriter w) =>
    {
        byte[] bytes = Encoding.UTF8.GetBytes(data);
        Records.WriteWhole(ref w, directory, index, ContentFlags.None, bytes, XxHash128.HashToUInt128(bytes));
    });

    internal RecordScript Begin(int directory, int index, long basis = 0) =>
        Add((ref WireWriter w) => Records.WriteFileBegin(ref w, directory, index, 5, basis));

    internal RecordScript NoDelta(int directory, int index) => Add((ref WireWriter w) => Records.WriteNoDelta(ref w, directory, index));

    internal RecordScript EndOfTree() => Add((ref WireWriter w) => Records.WriteEndOfTree(ref w, new Statistics()));

    /// <summary>The source could not remove something.</summary>
    internal RecordScript NotRemoved(string path) => Add((ref WireWriter w) =>
        Records.WriteProblem(ref w, RecordType.Problem, 1, Operation.Remove, ProblemFlags.None, Encoding.UTF8.GetBytes(path)));

    /// <summary>The records as one plain frame.</summary>
    internal byte[] ToFrame(RecordsCodec codec = RecordsCodec.Plain, long number = 0) => Frame(codec, number, Bytes);

    /// <summary>The records as the next part of a stream.</summary>
    internal byte[] ToFrame(PackStream stream, long number)
    {
        var room = new byte[PackStream.RoomFor(Bytes.Length)];
        stream.Enter(stream.GiveTurn());
        var length = stream.Compress(Bytes, room, 3);
        stream.Leave();
        return Frame(RecordsCodec.ZstdPart, number, room.AsSpan(0, length));
    }

    private byte[] Frame(RecordsCodec codec, long number, ReadOnlySpan<byte> body)
    {
        var frame = new ArrayBufferWriter<byte>();
        new RecordsFrame(codec, Bytes.Length, number).Write(frame, body);
        return frame.WrittenSpan.ToArray();
    }
}

/// <summary>A client that speaks the protocol by hand to a real agent in this process.</summary>
internal sealed class HostilePeer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly ILane _near;
    private readonly CuttingLane _far;
    private readonly Task<int> _agent;

    private HostilePeer(ILane near, ILane far)
    {
        _near = near;
        _far = new CuttingLane(far, long.MaxValue);
        _agent = Task.Run(() => Agent.ServeAsync(_far));
    }

    /// <summary>The agent knows that we have closed our side.</summary>
    internal bool AgentSawTheEnd => _far.EndSeen;

    /// <summary>Opens a session up to the agent's Ready, in which the agent receives.</summary>
    internal static Task<HostilePeer> PushAsync(string destination, JobFlags flags = SyncOptions.ArchiveFlags | JobFlags.HardLinks | JobFlags.Delete) => OpenAsync(new JobFrame
    {
        Kind = JobKind.Push,
        Flags = flags,
        Texts = [new(JobText.Destination, Encoding.UTF8.GetBytes(destination))],
        Secret = new byte[32],
    });

    /// <summary>The same; the agent sends, and what it sends is not compressed.</summary>
    internal static Task<HostilePeer> PullAsync(string source, JobFlags more = 0) => OpenAsync(new JobFrame
    {
        Kind = JobKind.Pull,
        Flags = SyncOptions.ArchiveFlags | more,
        Sources = [Encoding.UTF8.GetBytes(source)],
        Secret = new byte[32],
    });

    private static async Task<HostilePeer> OpenAsync(JobFrame job)
    {
        (ILane near, ILane far) = InProcessConnection.CreateLanePair();
        var peer = new HostilePeer(near, far);
        var greeting = new ArrayBufferWriter<byte>();
        Magic.Write(greeting);
        new HelloFrame
        {
            MinVersion = 1,
            MaxVersion = 1,
            Capabilities = ProtocolVersion.AllCapabilities,
            Role = PeerRole.Client,
            Build = [],
            Credit = 1 << 24,
            Session = 1,
        }.Write(greeting);
        job.Write(greeting);
        await peer.SendAsync(greeting.WrittenMemory);
        await peer.ReadUntilAsync(FrameType.Ready);
        return peer;
    }

    /// <summary>Reads until the agent has sent a record of this type, and gives all that came of it.</summary>
    internal async Task<List<byte[]>> ReadUntilAsync(RecordType wanted)
    {
        _wantedRecord = wanted;
        await ReadUntilAsync(FrameType.Records);
        _wantedRecord = null;
        return _records;
    }

    internal async Task SendAsync(ReadOnlyMemory<byte> bytes) => await _near.Output.WriteAsync(bytes);

    /// <summary>The agent's exit code, and the code of its Abort (0 when it sent none).</summary>
    internal async Task<(int Exit, int Abort)> EndAsync()
    {
        AbortFrame? abort = await ReadUntilAsync(FrameType.Abort);
        await _near.Output.CompleteAsync();
        return (await _agent.WaitAsync(Patience), abort?.Code ?? 0);
    }

    /// <summary>Closes our side, and waits for the agent to end however it likes.</summary>
    internal async Task ReadUntilEndAsync()
    {
        await _near.Output.CompleteAsync();
        await ReadUntilAsync(FrameType.Ready); // none comes any more: to the end
        await _agent.WaitAsync(Patience);
    }

    /// <summary>The exit code of an agent whose words nobody reads.</summary>
    internal async Task<int> ExitCodeAsync() => await _agent.WaitAsync(Patience);

    /// <summary>Says goodbye, and waits until the agent has done all that it does with what came: its exit code.</summary>
    internal async Task<int> FinishAsync()
    {
        var goodbye = new ArrayBufferWriter<byte>();
        default(GoodbyeFrame).Write(goodbye);
        await SendAsync(goodbye.WrittenMemory);
        await ReadUntilAsync(FrameType.Goodbye);
        await ReadUntilAsync(FrameType.Ready); // none comes any more: to the end
        await _near.Output.CompleteAsync();
        return await _agent.WaitAsync(Patience);
    }

    /// <summary>The agent has nothing more to say.</summary>
    internal Task HearGoodbyeAsync() => ReadUntilAsync(FrameType.Goodbye);

    public async ValueTask DisposeAsync()
    {
        await _near.DisposeAsync();
        await _agent.WaitAsync(Patience);
        await _far.DisposeAsync();
    }

    private readonly List<byte[]> _records = [];
    private RecordType? _wantedRecord;
    private bool _magicSeen;

    /// <summary>Reads frames until one of this type, an Abort, or the end.</summary>
    private async Task<AbortFrame?> ReadUntilAsync(FrameType wanted)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            ReadResult result;
            try
            {
                result = await _near.Input.ReadAsync(patience.Token);
            }
            catch (TransportException)
            {
                return null;
            }

            (FrameType? found, AbortFrame? abort, SequencePosition consumed) = Scan(result.Buffer, wanted);
            _near.Input.AdvanceTo(consumed, found is null ? result.Buffer.End : consumed);
            if (found is not null || result.IsCompleted)
            {
                return abort;
            }
        }
    }

    private (FrameType? Found, AbortFrame? Abort, SequencePosition Consumed) Scan(in ReadOnlySequence<byte> buffer, FrameType wanted)
    {
        var reader = new SequenceReader<byte>(buffer);
        _magicSeen = _magicSeen || Magic.TryRead(ref reader);
        while (_magicSeen && FrameHeader.TryReadFrame(ref reader, out FrameHeader header, out ReadOnlySequence<byte> payload))
        {
            if (header.Type == FrameType.Abort)
            {
                return (header.Type, AbortFrame.Parse(payload.ToArray()), reader.Position);
            }

            if (header.Type == wanted && (_wantedRecord is null || Contains(payload.ToArray())))
            {
                return (header.Type, null, reader.Position);
            }
        }

        return (null, null, reader.Position);
    }

    private bool Contains(byte[] payload)
    {
        RecordsFrame.Parse(payload, out ReadOnlySpan<byte> pack);
        var reader = new RecordReader(pack, RecordSide.Sender);
        bool found = false;
        int start = 0;
        while (reader.TryNext(out RecordType type))
        {
            reader.Skip(type);
            _records.Add(pack[start..reader.Wire.Position].ToArray());
            start = reader.Wire.Position;
            found |= type == _wantedRecord;
        }

        return found;
    }
}
