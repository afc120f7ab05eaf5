using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace NativeSync.Protocol;

/// <summary>
/// Writes the primitives of docs/protocol.md, "Primitives". The caller provides the room: every frame and record has a bound on its
/// size. Writing beyond the destination throws <see cref="ArgumentException"/> or <see cref="IndexOutOfRangeException"/>.
/// </summary>
public ref struct WireWriter(Span<byte> destination)
{
    private readonly Span<byte> _destination = destination;
    private int _position;

    /// <summary>The longest form of a number.</summary>
    public const int MaxVarint = 10;

    /// <summary>Bytes written.</summary>
    public readonly int Position => _position;
    /// <summary>Room that is left.</summary>
    public readonly int Remaining => _destination.Length - _position;
    /// <summary>What was written so far.</summary>
    public readonly Span<byte> Written => _destination[.._position];

    /// <summary>The length of <paramref name="value"/> as a varint: 1 to 10.</summary>
    public static int VarintSize(ulong value) => (System.Numerics.BitOperations.Log2(value | 1) / 7) + 1;

    /// <summary>The length of a blob with its length prefix.</summary>
    public static int BlobSize(int length) => VarintSize((ulong)length) + length;

    /// <summary>Writes one byte.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void WriteByte(byte value) => _destination[_position++] = value;

    /// <summary>Writes an unsigned LEB128 number in its shortest form.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void WriteVarint(ulong value)
    {
        if (value < 0x80)
        {
            _destination[_position++] = (byte)value;
            return;
        }

        WriteLongVarint(value);
    }

    private void WriteLongVarint(ulong value)
    {
        Span<byte> destination = _destination;
        int position = _position;
        do
        {
            destination[position++] = (byte)(value | 0x80);
            value >>= 7;
        }
        while (value >= 0x80);

        destination[position++] = (byte)value;
        _position = position;
    }

    /// <summary>Writes a size, offset, identifier or index.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void WriteSize(long value)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value);
        WriteVarint((ulong)value);
    }

    /// <summary>Writes a signed number in zigzag form.</summary>
    public void WriteSigned(long value) => WriteVarint((ulong)(value << 1) ^ (ulong)(value >> 63));

    /// <summary>Writes bytes as they are.</summary>
    public void WriteBytes(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_destination[_position..]);
        _position += bytes.Length;
    }

    /// <summary>Writes a length and the bytes.</summary>
    public void WriteBlob(ReadOnlySpan<byte> bytes)
    {
        WriteVarint((ulong)bytes.Length);
        WriteBytes(bytes);
    }

    /// <summary>Writes a 16-bit number, little endian.</summary>
    public void WriteUInt16(ushort value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(_destination[_position..], value);
        _position += 2;
    }

    /// <summary>Writes a 32-bit number, little endian.</summary>
    public void WriteUInt32(uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_destination[_position..], value);
        _position += 4;
    }

    /// <summary>Writes 16 bytes, big endian: a digest or a session identifier.</summary>
    public void WriteDigest(UInt128 value)
    {
        BinaryPrimitives.WriteUInt128BigEndian(_destination[_position..], value);
        _position += 16;
    }
}
