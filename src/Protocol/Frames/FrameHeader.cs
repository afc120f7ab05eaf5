using System.Buffers;

namespace NativeSync.Protocol;

/// <summary>Type and payload length of a frame (docs/protocol.md, "Frames").</summary>
/// <param name="Type">A known type.</param>
/// <param name="Length">Bytes of payload, within the limit of the type.</param>
public readonly record struct FrameHeader(FrameType Type, int Length)
{
    /// <summary>The longest header: the type and a length of up to 22 bits, with a byte to spare.</summary>
    public const int MaxSize = 6;

    /// <summary>Reads a header. On false the reader has not moved and needs more data.</summary>
    /// <exception cref="ProtocolException">Unknown type, or a length that is too large or not in its shortest form.</exception>
    public static bool TryRead(ref SequenceReader<byte> reader, out FrameHeader header)
    {
        header = default;
        SequenceReader<byte> ahead = reader;
        if (!ahead.TryRead(out byte type))
        {
            return false;
        }

        int max = FrameTypes.MaxPayload((FrameType)type);
        if (max < 0)
        {
            Throw.Protocol(ProtocolError.UnknownFrame, $"frame type 0x{type:x2} is not known to protocol version {ProtocolVersion.Current}");
        }

        uint length = 0;
        for (int shift = 0; ; shift += 7)
        {
            if (!ahead.TryRead(out byte b))
            {
                return false;
            }

            // Four bytes hold 28 bits, more than any limit: a fifth would be too long whatever it says.
            if (shift == 28)
            {
                Throw.Protocol(ProtocolError.FrameTooLong, $"a {(FrameType)type} frame claims more than {max} bytes");
            }

            length |= (uint)(b & 0x7f) << shift;
            if (b < 0x80)
            {
                if (b == 0 && shift > 0)
                {
                    Throw.Protocol(ProtocolError.VarintNotMinimal, "the length of a frame is longer than it needs to be");
                }

                break;
            }
        }

        if (length > (uint)max)
        {
            Throw.Protocol(ProtocolError.FrameTooLong, $"a {(FrameType)type} frame claims {length} bytes, at most {max} allowed");
        }

        reader = ahead;
        header = new FrameHeader((FrameType)type, (int)length);
        return true;
    }

    /// <summary>Reads a whole frame. On false the reader has not moved and needs more data. The payload borrows from the sequence.</summary>
    /// <exception cref="ProtocolException">As <see cref="TryRead(ref SequenceReader{byte}, out FrameHeader)"/>.</exception>
    public static bool TryReadFrame(ref SequenceReader<byte> reader, out FrameHeader header, out ReadOnlySequence<byte> payload)
    {
        SequenceReader<byte> ahead = reader;
        if (!TryRead(ref ahead, out header) || !ahead.TryReadExact(header.Length, out payload))
        {
            payload = default;
            return false;
        }

        reader = ahead;
        return true;
    }

    /// <summary>Writes a header.</summary>
    public static void Write(IBufferWriter<byte> writer, FrameType type, int length)
    {
        Span<byte> span = writer.GetSpan(MaxSize);
        writer.Advance(Write(span, type, length));
    }

    /// <summary>Writes a header into at least <see cref="MaxSize"/> bytes and returns its size.</summary>
    public static int Write(Span<byte> destination, FrameType type, int length)
    {
        if ((uint)length > (uint)FrameTypes.MaxPayload(type))
        {
            throw new ArgumentOutOfRangeException(nameof(length), length, $"a {type} frame may have at most {FrameTypes.MaxPayload(type)} bytes");
        }

        var wire = new WireWriter(destination);
        wire.WriteByte((byte)type);
        wire.WriteVarint((ulong)length);
        return wire.Position;
    }
}

/// <summary>Writes a frame whose payload length is known only after writing it.</summary>
internal static class FrameBuilder
{
    internal static WireWriter Begin(IBufferWriter<byte> writer, int payloadBound, out Span<byte> room)
    {
        room = writer.GetSpan(FrameHeader.MaxSize + payloadBound);
        return new WireWriter(room[FrameHeader.MaxSize..]);
    }

    internal static void End(IBufferWriter<byte> writer, Span<byte> room, FrameType type, int length)
    {
        int header = FrameHeader.Write(room, type, length);
        room.Slice(FrameHeader.MaxSize, length).CopyTo(room[header..]);
        writer.Advance(header + length);
    }
}
