using System.Buffers;

namespace NativeSync.Protocol;

/// <summary>Grants bytes of records, on whatever lanes they travel (docs/protocol.md, "Credit").</summary>
/// <param name="Bytes">1 to 2^30, on top of what was granted before.</param>
public readonly record struct CreditFrame(int Bytes)
{
    /// <summary>Reads the payload.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static CreditFrame Parse(ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(payload);
        int bytes = reader.ReadLimited(ProtocolLimits.MaxCredit);
        if (bytes == 0)
        {
            Throw.Value("a grant of credit", 0);
        }

        reader.ExpectEnd();
        return new CreditFrame(bytes);
    }

    /// <summary>Writes header and payload.</summary>
    public void Write(IBufferWriter<byte> writer)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Bytes);
        SmallFrame.Write(writer, FrameType.Credit, (ulong)Bytes);
    }
}

/// <summary>Asks for a <see cref="PongFrame"/> with the same number (docs/protocol.md, "Keep-alive").</summary>
/// <param name="Nonce">Any number.</param>
public readonly record struct PingFrame(ulong Nonce)
{
    /// <summary>Reads the payload.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static PingFrame Parse(ReadOnlySpan<byte> payload) => new(SmallFrame.Parse(payload));

    /// <summary>Writes header and payload.</summary>
    public void Write(IBufferWriter<byte> writer) => SmallFrame.Write(writer, FrameType.Ping, Nonce);
}

/// <summary>The answer to a <see cref="PingFrame"/>.</summary>
/// <param name="Nonce">The number of the ping.</param>
public readonly record struct PongFrame(ulong Nonce)
{
    /// <summary>Reads the payload.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static PongFrame Parse(ReadOnlySpan<byte> payload) => new(SmallFrame.Parse(payload));

    /// <summary>Writes header and payload.</summary>
    public void Write(IBufferWriter<byte> writer) => SmallFrame.Write(writer, FrameType.Pong, Nonce);
}

/// <summary>How many packs have come over this lane: what the other end need not keep any longer, of a further one (docs/protocol.md, "Losing a lane").</summary>
/// <param name="Packs">All of them since the lane began.</param>
public readonly record struct ArrivedFrame(ulong Packs)
{
    /// <summary>Reads the payload.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static ArrivedFrame Parse(ReadOnlySpan<byte> payload) => new(SmallFrame.Parse(payload));

    /// <summary>Writes header and payload.</summary>
    public void Write(IBufferWriter<byte> writer) => SmallFrame.Write(writer, FrameType.Arrived, Packs);
}

/// <summary>Sets the bandwidth limit of the agent anew (docs/protocol.md, "Limit").</summary>
/// <param name="BytesPerSecond">Over all lanes; 0 for none.</param>
public readonly record struct LimitFrame(ulong BytesPerSecond)
{
    /// <summary>Reads the payload.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static LimitFrame Parse(ReadOnlySpan<byte> payload) => new(SmallFrame.Parse(payload));

    /// <summary>Writes header and payload.</summary>
    public void Write(IBufferWriter<byte> writer) => SmallFrame.Write(writer, FrameType.Limit, BytesPerSecond);
}

/// <summary>Nothing more comes in this direction; without it an end of the stream is a cut line.</summary>
public readonly record struct GoodbyeFrame
{
    /// <summary>Reads the payload, which is empty.</summary>
    /// <exception cref="ProtocolException">It is not.</exception>
    public static GoodbyeFrame Parse(ReadOnlySpan<byte> payload)
    {
        new WireReader(payload).ExpectEnd();
        return default;
    }

    /// <summary>Writes the header.</summary>
    public void Write(IBufferWriter<byte> writer) => FrameHeader.Write(writer, FrameType.Goodbye, 0);
}

internal static class SmallFrame
{
    internal static ulong Parse(ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(payload);
        ulong value = reader.ReadVarint();
        reader.ExpectEnd();
        return value;
    }

    internal static void Write(IBufferWriter<byte> writer, FrameType type, ulong value)
    {
        WireWriter wire = FrameBuilder.Begin(writer, WireWriter.MaxVarint, out Span<byte> room);
        wire.WriteVarint(value);
        FrameBuilder.End(writer, room, type, wire.Position);
    }
}
