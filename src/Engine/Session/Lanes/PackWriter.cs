using NativeSync.Engine.Buffers;
using NativeSync.Engine.Compression;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>Makes Records frames of packs: plain in place, or compressed. docs/protocol.md, "Records". Belongs to one send loop.</summary>
/// <param name="level">zstd's level, <see cref="AdaptiveLevel.Adapt"/> for the one that follows, or null for none.</param>
/// <param name="adaptive">Chooses it by what the line does.</param>
/// <param name="clock">Measures what the line does.</param>
internal sealed class PackWriter(int? level, AdaptiveLevel adaptive, TimeProvider clock) : IDisposable
{
    private readonly PackCodec? _codec = level is null ? null : new PackCodec();
    private readonly AdaptiveLevel? _adaptive = level == AdaptiveLevel.Adapt ? adaptive : null;
    private byte[] _packed = [];
    private long _written = clock.GetTimestamp();
    private long _begun;
    private long _encoded;
    private double _processor;
    private int _raw;
    private int _packedLength;
    private int _chosen;
    private bool _tells;

    /// <summary>The frame of a pack; valid until the next call and while the pack lives.</summary>
    /// <param name="pack">The pack; the room before its records is overwritten.</param>
    /// <param name="payload">Bytes of the frame's payload: what it costs in credit.</param>
    public ReadOnlyMemory<byte> Encode(OutboundPack pack, out int payload)
    {
        _begun = clock.GetTimestamp();
        _tells = false;
        if (!pack.Frame.IsEmpty)
        {
            payload = pack.Payload;
            return pack.Frame;
        }

        var raw = pack.Records;
        _raw = _packedLength = raw.Length;
        if (_codec is not null && !pack.Plain)
        {
            Reserve(PackStream.RoomFor(Math.Max(raw.Length, PackBuffers.UsualLength)) + OutboundPack.HeaderRoom);
            var body = _packed.AsSpan(OutboundPack.HeaderRoom);
            var packed = pack.Turn is { } turn ? CompressPart(turn.Stream, turn.Number, raw, body, out var isPart) : Compress(raw, body, out isPart);
            _encoded = clock.GetTimestamp();
            _tells = packed > 0 || _chosen == PackCodec.NoCompression;
            if (packed > 0)
            {
                _packedLength = packed;
                return Head(_packed, OutboundPack.HeaderRoom, isPart ? RecordsCodec.ZstdPart : RecordsCodec.Zstd, pack.Number, raw.Length, packed, out payload);
            }
        }

        return Head(pack.Buffer, pack.Start, RecordsCodec.Plain, pack.Number, raw.Length, raw.Length, out payload);
    }

    /// <summary>The frame is on the lane: what it took decides on the next ones.</summary>
    /// <param name="blocked">Clock ticks since the last one for which there was something to send and the lane had enough under way.</param>
    /// <param name="overtaken">Clock ticks since then that it waited for what other lanes were compressing: the processor, not the line.</param>
    /// <param name="lanes">That compress beside each other, this one included.</param>
    public void Written(long blocked, long overtaken, int lanes)
    {
        if (_adaptive is null)
        {
            return;
        }

        var now = clock.GetTimestamp();
        if (_tells)
        {
            var waited = Seconds(0, blocked);
            var others = Seconds(0, overtaken);
            PackTimes times = new(
                _processor, Seconds(_begun, _encoded) + others, Math.Max(0, Seconds(_encoded, now) - others) + waited, Math.Max(0, Seconds(_written, _begun) - waited));
            _adaptive.Observe(_chosen, _raw, _packedLength, times, lanes);
        }

        _written = now;
        double Seconds(long from, long to) => clock.GetElapsedTime(from, to).TotalSeconds;
    }

    public void Dispose() => _codec?.Dispose();

    private void Reserve(int length)
    {
        if (_packed.Length < length)
        {
            _packed = GC.AllocateUninitializedArray<byte>(length);
        }
    }

    private int Compress(ReadOnlySpan<byte> raw, Span<byte> body, out bool isPart)
    {
        isPart = false;
        Choose();
        var packed = _codec!.Compress(raw, body, _chosen);
        Spent();
        return packed;
    }

    /// <summary>The same in a turn: what is not worth compressing is left out of the stream.</summary>
    private int CompressPart(PackStream stream, long turn, ReadOnlySpan<byte> raw, Span<byte> body, out bool isPart)
    {
        stream.Enter(turn);
        try
        {
            Choose();
            isPart = _chosen >= PackStreams.Least;
            if (isPart)
            {
                var packed = _codec!.Promises(raw, _chosen) ? stream.Compress(raw, body, _chosen) : -1;
                Spent();
                return packed;
            }
        }
        finally
        {
            stream.Leave();
        }

        return Compress(raw, body, out isPart); // the level has gone down meanwhile
    }

    private void Choose()
    {
        _chosen = _adaptive?.Level ?? level!.Value;
        _processor = _adaptive is null ? 0 : ThreadTime.Now;
    }

    private void Spent() => _processor = _adaptive is null ? 0 : ThreadTime.Now - _processor;

    private static ReadOnlyMemory<byte> Head(byte[] buffer, int body, RecordsCodec codec, long number, int rawLength, int length, out int payload)
    {
        Span<byte> scratch = stackalloc byte[OutboundPack.HeaderRoom];
        var inner = new WireWriter(scratch);
        inner.WriteSize(number);
        inner.WriteByte((byte)codec);
        inner.WriteVarint((ulong)rawLength);
        payload = inner.Position + length;
        Span<byte> outer = stackalloc byte[OutboundPack.HeaderRoom];
        var header = new WireWriter(outer);
        header.WriteByte((byte)FrameType.Records);
        header.WriteVarint((ulong)payload);
        var start = body - inner.Position - header.Position;
        outer[..header.Position].CopyTo(buffer.AsSpan(start));
        scratch[..inner.Position].CopyTo(buffer.AsSpan(start + header.Position));
        return buffer.AsMemory(start, header.Position + payload);
    }
}
