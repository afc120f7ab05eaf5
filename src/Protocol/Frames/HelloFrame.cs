using System.Buffers;

namespace NativeSync.Protocol;

/// <summary>Which end this is.</summary>
public enum PeerRole : byte
{
    /// <summary>The end that has the job.</summary>
    Client = 0,
    /// <summary>The end that does it: `nativesync serve`.</summary>
    Agent = 1,
}

/// <summary>The first frame in each direction of the first lane (docs/protocol.md, "Hello").</summary>
public readonly record struct HelloFrame
{
    /// <summary>The longest payload that this version writes.</summary>
    public const int MaxSize = 3 + 3 + 10 + 1 + 2 + ProtocolLimits.MaxBuild + 5 + 16;

    /// <summary>The oldest version that the end speaks: 1 to 65535.</summary>
    public required int MinVersion { get; init; }
    /// <summary>The newest version that the end speaks.</summary>
    public required int MaxVersion { get; init; }
    /// <summary>What it can do. Bits that we do not know stay in.</summary>
    public required Capabilities Capabilities { get; init; }
    /// <summary>Which end it is.</summary>
    public required PeerRole Role { get; init; }
    /// <summary>Release and platform, for messages; at most 64 bytes, to be escaped before it is shown.</summary>
    public required byte[] Build { get; init; }
    /// <summary>Bytes of records that the other end may send on this lane before the first grant.</summary>
    public required int Credit { get; init; }
    /// <summary>The session, chosen at random by the client; the agent's has no meaning.</summary>
    public required UInt128 Session { get; init; }

    /// <summary>Reads the payload. What a later version puts behind the known fields is ignored.</summary>
    /// <exception cref="ProtocolException">Malformed.</exception>
    public static HelloFrame Parse(ReadOnlySpan<byte> payload)
    {
        var reader = new WireReader(payload);
        int min = reader.ReadLimited(ushort.MaxValue);
        int max = reader.ReadLimited(ushort.MaxValue);
        if (min < 1 || max < min)
        {
            Throw.Protocol(ProtocolError.ValueOutOfRange, $"versions {min} to {max} are no range");
        }

        var capabilities = (Capabilities)reader.ReadVarint();
        byte role = reader.ReadByte();
        if (role > (byte)PeerRole.Agent)
        {
            Throw.Unknown("role", role);
        }

        return new HelloFrame
        {
            MinVersion = min,
            MaxVersion = max,
            Capabilities = capabilities,
            Role = (PeerRole)role,
            Build = reader.ReadBlob(ProtocolLimits.MaxBuild).ToArray(),
            Credit = reader.ReadLimited(ProtocolLimits.MaxCredit),
            Session = reader.ReadDigest(),
        };
    }

    /// <summary>Writes header and payload.</summary>
    public void Write(IBufferWriter<byte> writer)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Build.Length, ProtocolLimits.MaxBuild);
        WireWriter wire = FrameBuilder.Begin(writer, MaxSize, out Span<byte> room);
        wire.WriteSize(MinVersion);
        wire.WriteSize(MaxVersion);
        wire.WriteVarint((ulong)Capabilities);
        wire.WriteByte((byte)Role);
        wire.WriteBlob(Build);
        wire.WriteSize(Credit);
        wire.WriteDigest(Session);
        FrameBuilder.End(writer, room, FrameType.Hello, wire.Position);
    }
}
