using System.Buffers.Binary;

namespace NativeSync.Transport;

/// <summary>Reads SSH's encoding (RFC 4251 §5): 32-bit lengths in front of strings. False or null when the data ends early.</summary>
internal ref struct SshBufferReader(ReadOnlySpan<byte> data)
{
    private ReadOnlySpan<byte> _rest = data;

    public readonly bool End => _rest.IsEmpty;

    public bool TryReadUInt32(out uint value)
    {
        if (!BinaryPrimitives.TryReadUInt32BigEndian(_rest, out value))
        {
            return false;
        }

        _rest = _rest[4..];
        return true;
    }

    public bool TryReadString(out ReadOnlySpan<byte> value)
    {
        value = default;
        if (!BinaryPrimitives.TryReadUInt32BigEndian(_rest, out uint length) || length > _rest.Length - 4)
        {
            return false;
        }

        value = _rest.Slice(4, (int)length);
        _rest = _rest[(4 + (int)length)..];
        return true;
    }
}

/// <summary>Writes the same encoding.</summary>
internal sealed class SshBufferWriter
{
    private readonly MemoryStream _data = new();

    public SshBufferWriter WriteByte(byte value)
    {
        _data.WriteByte(value);
        return this;
    }

    public SshBufferWriter WriteUInt32(uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        _data.Write(bytes);
        return this;
    }

    public SshBufferWriter WriteString(ReadOnlySpan<byte> value)
    {
        WriteUInt32((uint)value.Length);
        _data.Write(value);
        return this;
    }

    public byte[] ToArray() => _data.ToArray();
}
