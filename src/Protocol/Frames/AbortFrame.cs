using System.Buffers;

namespace NativeSync.Protocol;

/// <summary>The session ends with an error (docs/protocol.md, "Abort").</summary>
public readonly record struct AbortFrame
{
    internal const int MaxSize = 2 + 2 + ProtocolLimits.MaxText;

    /// <summary>rsync's exit code, 1 to 255.</summary>
    public required int Code { get; init; }
    /// <summary>UTF-8 for people, at most 4096 bytes; escape before showing.</summary>
    public required byte[] Text { get; init; }

    /// <summary>Reads the payload.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static AbortFrame Parse(ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(payload);
        int code = reader.ReadLimited(byte.MaxValue);
        if (code == 0)
        {
            Throw.Value("the exit code of an abort", 0);
        }

        byte[] text = reader.ReadBlob(ProtocolLimits.MaxText).ToArray();
        reader.ExpectEnd();
        return new AbortFrame { Code = code, Text = text };
    }

    /// <summary>Writes header and payload; a longer text is cut.</summary>
    public void Write(IBufferWriter<byte> writer)
    {
        ArgumentOutOfRangeException.ThrowIfZero(Code);
        WireWriter wire = FrameBuilder.Begin(writer, MaxSize, out Span<byte> room);
        wire.WriteVarint((byte)Code);
        wire.WriteBlob(Text.AsSpan(0, Math.Min(Text.Length, ProtocolLimits.MaxText)));
        FrameBuilder.End(writer, room, FrameType.Abort, wire.Position);
    }
}
