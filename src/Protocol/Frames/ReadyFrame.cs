using System.Buffers;

namespace NativeSync.Protocol;

/// <summary>The agent's answer to a job or join (docs/protocol.md, "Ready").</summary>
public readonly record struct ReadyFrame
{
    internal const int MaxSize = 10 + 2 + 2 + ProtocolLimits.MaxText;

    /// <summary>What the receiver will do of what was asked, and <see cref="JobFlags.SuperUser"/> when it may change owners.</summary>
    public required JobFlags Flags { get; init; }
    /// <summary>0: go on. Else rsync's exit code, and the session ends.</summary>
    public required int Code { get; init; }
    /// <summary>UTF-8 for people; escape before showing.</summary>
    public required byte[] Text { get; init; }

    /// <summary>Reads the payload.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static ReadyFrame Parse(ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(payload);
        JobFlags flags = JobFrame.ReadFlags(ref reader);
        int code = reader.ReadLimited(byte.MaxValue);
        byte[] text = reader.ReadBlob(ProtocolLimits.MaxText).ToArray();
        reader.ExpectEnd();
        return new ReadyFrame { Flags = flags, Code = code, Text = text };
    }

    /// <summary>Writes header and payload; a longer text is cut.</summary>
    public void Write(IBufferWriter<byte> writer)
    {
        WireWriter wire = FrameBuilder.Begin(writer, MaxSize, out Span<byte> room);
        wire.WriteVarint((ulong)Flags);
        wire.WriteVarint((byte)Code);
        wire.WriteBlob(Text.AsSpan(0, Math.Min(Text.Length, ProtocolLimits.MaxText)));
        FrameBuilder.End(writer, room, FrameType.Ready, wire.Position);
    }
}
