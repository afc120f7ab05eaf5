using System.Buffers;

namespace NativeSync.Protocol;

/// <summary>On a further lane, instead of a job: proves that it belongs to the session (docs/protocol.md, "Lanes and credits").</summary>
public readonly record struct JoinFrame
{
    internal const int MaxSize = 16 + ProtocolLimits.SecretLength + 1;

    /// <summary>The session of the first lane.</summary>
    public required UInt128 Session { get; init; }
    /// <summary>The 32 bytes that came with the job. Never logged.</summary>
    public required byte[] Secret { get; init; }
    /// <summary>The number of the lane: 1 to 63.</summary>
    public required int Lane { get; init; }

    /// <summary>Reads the payload.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static JoinFrame Parse(ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(payload);
        UInt128 session = reader.ReadDigest();
        byte[] secret = reader.ReadBytes(ProtocolLimits.SecretLength).ToArray();
        int lane = reader.ReadLimited(ProtocolLimits.MaxLane);
        if (lane == 0)
        {
            Throw.Value("the number of a further lane", 0);
        }

        reader.ExpectEnd();
        return new JoinFrame { Session = session, Secret = secret, Lane = lane };
    }

    /// <summary>Writes header and payload.</summary>
    public void Write(IBufferWriter<byte> writer)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(Secret.Length, ProtocolLimits.SecretLength);
        WireWriter wire = FrameBuilder.Begin(writer, MaxSize, out Span<byte> room);
        wire.WriteDigest(Session);
        wire.WriteBytes(Secret);
        wire.WriteSize(Lane);
        FrameBuilder.End(writer, room, FrameType.Join, wire.Position);
    }

    /// <summary>Whether this is the given session and secret, in a time that says nothing about where they differ.</summary>
    public bool Matches(UInt128 session, ReadOnlySpan<byte> secret)
    {
        // Our own loop: the remote end must not load a cryptography library.
        int difference = session == Session && secret.Length == Secret.Length ? 0 : 1;
        for (int i = 0; i < Math.Min(secret.Length, Secret.Length); i++)
        {
            difference |= secret[i] ^ Secret[i];
        }

        return difference == 0;
    }

    /// <summary>Session and lane, never the secret.</summary>
    public override string ToString() => $"Join {{ Session = {Session:x32}, Lane = {Lane} }}";
}
