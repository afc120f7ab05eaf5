using System.Diagnostics.CodeAnalysis;

namespace NativeSync.Protocol;

/// <summary>What is wrong with what the peer sent (docs/protocol.md, "Errors").</summary>
public enum ProtocolError : byte
{
    /// <summary>The magic bytes did not come where they had to.</summary>
    NoMagic = 1,
    /// <summary>A frame type that version 1 does not know.</summary>
    UnknownFrame = 2,
    /// <summary>A frame longer than its type may be.</summary>
    FrameTooLong = 3,
    /// <summary>A frame or record ends inside a field.</summary>
    Truncated = 4,
    /// <summary>Bytes are left over behind the last field.</summary>
    TrailingData = 5,
    /// <summary>A number that does not fit into 64 bits.</summary>
    VarintTooLong = 6,
    /// <summary>A number written with more bytes than it needs.</summary>
    VarintNotMinimal = 7,
    /// <summary>A length or count beyond its limit.</summary>
    LengthOutOfRange = 8,
    /// <summary>A value outside the range of its field.</summary>
    ValueOutOfRange = 9,
    /// <summary>A record type that version 1 does not know.</summary>
    UnknownRecord = 10,
    /// <summary>A value or flag that its enumeration does not have.</summary>
    UnknownValue = 11,
    /// <summary>A name or path that could lead out of its directory, is too long, or was not asked for by a pull.</summary>
    BadName = 12,
    /// <summary>Names, attributes or identifiers that do not ascend.</summary>
    BadOrder = 13,
    /// <summary>The two ends have no protocol version in common.</summary>
    VersionMismatch = 14,
    /// <summary>A frame that is known but not allowed now.</summary>
    UnexpectedFrame = 15,
    /// <summary>A record that is known but not allowed now, or not from this side.</summary>
    UnexpectedRecord = 16,
    /// <summary>More bytes of records than were granted.</summary>
    CreditExceeded = 17,
    /// <summary>A lane that does not know the secret of its session.</summary>
    BadSession = 18,
    /// <summary>A pack that does not decompress to the announced length.</summary>
    BadCompression = 19,
    /// <summary>A feature used without its negotiated capability.</summary>
    MissingCapability = 20,
}

/// <summary>The peer broke the protocol. It ends the session: nothing after it on the lane can be trusted.</summary>
public sealed class ProtocolException(ProtocolError kind, string message) : Exception(message)
{
    /// <summary>What is wrong, for programs.</summary>
    public ProtocolError Kind { get; } = kind;
}

internal static class Throw
{
    [DoesNotReturn]
    internal static void Protocol(ProtocolError kind, string message) => throw new ProtocolException(kind, message);

    [DoesNotReturn]
    internal static void Truncated(int position, int wanted, int have) =>
        throw new ProtocolException(ProtocolError.Truncated, $"the data end inside a field: {wanted} bytes wanted at offset {position}, {have} left");

    [DoesNotReturn]
    internal static void Length(string what, ulong value, long max) =>
        throw new ProtocolException(ProtocolError.LengthOutOfRange, $"{what} is {value}, at most {max} allowed");

    [DoesNotReturn]
    internal static void Value(string what, ulong value) =>
        throw new ProtocolException(ProtocolError.ValueOutOfRange, $"{what} cannot be {value}");

    [DoesNotReturn]
    internal static void Unknown(string what, ulong value) =>
        throw new ProtocolException(ProtocolError.UnknownValue, $"{what} 0x{value:x} is not known to protocol version {ProtocolVersion.Current}");
}
