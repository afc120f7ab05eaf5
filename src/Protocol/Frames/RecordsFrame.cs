using System.Buffers;

namespace NativeSync.Protocol;

/// <summary>How a pack of records is packed.</summary>
public enum RecordsCodec : byte
{
    /// <summary>As it is.</summary>
    Plain = 0,
    /// <summary>One zstd frame; needs <see cref="Capabilities.Zstd"/>.</summary>
    Zstd = 1,
    /// <summary>The next part of a zstd stream, behind the byte that says of which; needs <see cref="Capabilities.Streams"/>.</summary>
    ZstdPart = 2,
}

/// <summary>
/// The head of a pack of records (docs/protocol.md, "Records"). The pack itself lies behind it, so that neither end copies it once
/// more than it must.
/// </summary>
/// <param name="Codec">How the body is packed.</param>
/// <param name="RawLength">Bytes of the body once unpacked: 1 to <see cref="ProtocolLimits.MaxRawRecords"/>.</param>
/// <param name="Number">Its place among the packs of this direction, whatever lane each travels on; from 0.</param>
public readonly record struct RecordsFrame(RecordsCodec Codec, int RawLength, long Number = 0)
{
    /// <summary>The longest of this head, without the frame header.</summary>
    public const int MaxHeadSize = WireWriter.MaxVarint + 1 + 4;

    /// <summary>Bytes to reserve before a body, for frame header and head.</summary>
    public const int MaxPrefixSize = FrameHeader.MaxSize + MaxHeadSize;

    /// <summary>The body is the pack itself.</summary>
    public bool IsPlain => Codec == RecordsCodec.Plain;

    /// <summary>Reads the head of a payload; <paramref name="body"/> borrows the rest.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static RecordsFrame Parse(ReadOnlySpan<byte> payload, out ReadOnlySpan<byte> body)
    {
        RecordsFrame frame = ParseHead(payload, payload.Length, out int head);
        body = payload[head..];
        return frame;
    }

    /// <summary>Reads the head of a payload in pieces; <paramref name="body"/> borrows the rest.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static RecordsFrame Parse(in ReadOnlySequence<byte> payload, out ReadOnlySequence<byte> body)
    {
        Span<byte> first = stackalloc byte[MaxHeadSize];
        first = first[..(int)Math.Min(payload.Length, MaxHeadSize)];
        payload.Slice(0, first.Length).CopyTo(first);
        RecordsFrame frame = ParseHead(first, payload.Length, out int head);
        body = payload.Slice(head);
        return frame;
    }

    /// <summary>The number alone, of a payload in pieces.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static long NumberOf(in ReadOnlySequence<byte> payload)
    {
        Span<byte> first = stackalloc byte[WireWriter.MaxVarint];
        first = first[..(int)Math.Min(payload.Length, first.Length)];
        payload.Slice(0, first.Length).CopyTo(first);
        return new WireReader(first).ReadSize();
    }

    private static RecordsFrame ParseHead(ReadOnlySpan<byte> first, long payloadLength, out int head)
    {
        var reader = new WireReader(first);
        long number = reader.ReadSize();
        byte codec = reader.ReadByte();
        if (codec > (byte)RecordsCodec.ZstdPart)
        {
            Throw.Unknown("codec", codec);
        }

        int raw = reader.ReadLimited(ProtocolLimits.MaxRawRecords);
        head = reader.Position;
        long body = payloadLength - head;
        if (raw == 0 || body == 0)
        {
            Throw.Protocol(ProtocolError.LengthOutOfRange, "an empty pack of records");
        }

        var frame = new RecordsFrame((RecordsCodec)codec, raw, number);
        if (frame.IsPlain && body != raw)
        {
            Throw.Protocol(ProtocolError.LengthOutOfRange, $"a plain pack of {body} bytes says it has {raw}");
        }

        return frame;
    }

    /// <summary>Writes frame header and head for a body of <paramref name="bodyLength"/> bytes; returns their size, at most <see cref="MaxPrefixSize"/>.</summary>
    public int WritePrefix(Span<byte> destination, int bodyLength)
    {
        int header = FrameHeader.Write(destination, FrameType.Records, PayloadLength(bodyLength));
        var wire = new WireWriter(destination[header..]);
        wire.WriteSize(Number);
        wire.WriteByte((byte)Codec);
        wire.WriteSize(RawLength);
        return header + wire.Position;
    }

    /// <summary>What such a frame costs of the credit: its payload.</summary>
    public int PayloadLength(int bodyLength) => 1 + WireWriter.VarintSize((ulong)Number) + WireWriter.VarintSize((ulong)RawLength) + bodyLength;

    /// <summary>Writes a whole frame.</summary>
    public void Write(IBufferWriter<byte> writer, ReadOnlySpan<byte> body)
    {
        Span<byte> span = writer.GetSpan(MaxPrefixSize);
        writer.Advance(WritePrefix(span, body.Length));
        writer.Write(body);
    }
}
