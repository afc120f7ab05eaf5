using System.Buffers;
using System.Text;
using BenchmarkDotNet.Attributes;
using NativeSync.Protocol;

namespace NativeSync.Bench.Micro;

/// <summary>
/// What the wire costs: a million entries are a million times the first two rows (aim: below 100 ns each, nothing allocated).
/// All times are for one entry, record or frame.
/// </summary>
[MemoryDiagnoser]
[ShortRunJob]
public class FrameCodecBenchmarks
{
    private const int Count = 1000;

    private readonly byte[][] _names = [.. Enumerable.Range(0, Count).Select(i => Encoding.UTF8.GetBytes($"driver-module-{i:d4}.ko.xz"))];
    private readonly EntryMetadata[] _metadata = new EntryMetadata[Count];
    private readonly byte[] _room = new byte[1 << 20];
    private readonly ArrayBufferWriter<byte> _frames = new(1 << 16);
    private EntryEncoder _encoder;
    private EntryDecoder _decoder;
    private byte[] _entries = [];
    private byte[] _wants = [];
    private byte[] _stream = [];

    [GlobalSetup]
    public void Setup()
    {
        var random = new Random(1);
        for (int i = 0; i < Count; i++)
        {
            _metadata[i] = new EntryMetadata
            {
                Mode = 0x81a4,
                Size = random.Next(1 << 20),
                Modified = new Timestamp(1_700_000_000 + random.Next(1_000_000), (uint)random.Next(1_000_000_000)),
            };
        }

        _entries = _room[..EncodeEntries()];
        _wants = _room[..WriteWants()];
        var writer = new ArrayBufferWriter<byte>();
        for (int i = 0; i < Count; i++)
        {
            new CreditFrame(1 << 20).Write(writer);
        }

        _stream = writer.WrittenSpan.ToArray();
    }

    [Benchmark(OperationsPerInvoke = Count)]
    public int EncodeEntries()
    {
        var writer = new WireWriter(_room);
        Records.WriteEntries(ref writer, 1, 0, EntriesFlags.Last, Count);
        _encoder.Reset();
        for (int i = 0; i < Count; i++)
        {
            var entry = new Entry { Name = _names[i], Metadata = _metadata[i] };
            _encoder.Write(ref writer, entry);
        }

        return writer.Position;
    }

    [Benchmark(OperationsPerInvoke = Count)]
    public long DecodeEntries()
    {
        var reader = new RecordReader(_entries);
        reader.TryNext(out _);
        EntriesRecord head = Records.ReadEntries(ref reader.Wire);
        _decoder.Reset();
        long sum = 0;
        for (int i = 0; i < head.Count; i++)
        {
            sum += _decoder.Read(ref reader.Wire).Metadata.Size;
        }

        return sum;
    }

    [Benchmark(OperationsPerInvoke = Count)]
    public int WriteWants()
    {
        var writer = new WireWriter(_room);
        for (int i = 0; i < Count; i++)
        {
            Records.WriteWant(ref writer, 5000, i);
        }

        return writer.Position;
    }

    [Benchmark(OperationsPerInvoke = Count)]
    public long ReadWants()
    {
        var reader = new RecordReader(_wants, RecordSide.Receiver);
        long sum = 0;
        while (reader.TryNext(out _))
        {
            sum += Records.ReadWant(ref reader.Wire).Index;
        }

        return sum;
    }

    [Benchmark(OperationsPerInvoke = Count)]
    public int WriteCreditFrames()
    {
        _frames.ResetWrittenCount();
        for (int i = 0; i < Count; i++)
        {
            new CreditFrame(1 << 20).Write(_frames);
        }

        return _frames.WrittenCount;
    }

    [Benchmark(OperationsPerInvoke = Count)]
    public long ReadCreditFrames()
    {
        var reader = new SequenceReader<byte>(new ReadOnlySequence<byte>(_stream));
        long sum = 0;
        while (FrameHeader.TryReadFrame(ref reader, out _, out ReadOnlySequence<byte> payload))
        {
            sum += CreditFrame.Parse(payload.FirstSpan).Bytes;
        }

        return sum;
    }
}
