using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace NativeSync.Protocol;

/// <summary>
/// Reads the primitives of docs/protocol.md, "Primitives", from one complete payload. Every read is checked against what is left
/// before anything is sliced; a failed read throws <see cref="ProtocolException"/>. Spans that it returns borrow from the payload.
/// </summary>
public ref struct WireReader(ReadOnlySpan<byte> data)
{
    private readonly ReadOnlySpan<byte> _data = data;
    private int _position;

    /// <summary>Whether everything has been read.</summary>
    public readonly bool End => _position == _data.Length;
    /// <summary>Bytes not yet read.</summary>
    public readonly int Remaining => _data.Length - _position;
    /// <summary>Bytes read.</summary>
    public readonly int Position => _position;

    /// <summary>Reads one byte.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte ReadByte()
    {
        if ((uint)_position >= (uint)_data.Length)
        {
            Throw.Truncated(_position, 1, 0);
        }

        return _data[_position++];
    }

    /// <summary>Reads an unsigned LEB128 number of at most 64 bits in its shortest form.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong ReadVarint()
    {
        int position = _position;
        if ((uint)position < (uint)_data.Length)
        {
            byte first = _data[position];
            if (first < 0x80)
            {
                _position = position + 1;
                return first;
            }
        }

        return ReadLongVarint();
    }

    private ulong ReadLongVarint()
    {
        ReadOnlySpan<byte> rest = _data[_position..];
        ulong value = 0;
        for (int i = 0; i < rest.Length; i++)
        {
            byte b = rest[i];
            // The tenth byte holds bit 63 alone.
            if (i == 9 && b > 1)
            {
                Throw.Protocol(ProtocolError.VarintTooLong, $"the number at offset {_position} has more than 64 bits");
            }

            value |= (ulong)(b & 0x7f) << (7 * i);
            if (b < 0x80)
            {
                if (b == 0 && i > 0)
                {
                    Throw.Protocol(ProtocolError.VarintNotMinimal, $"the number at offset {_position} is longer than it needs to be");
                }

                _position += i + 1;
                return value;
            }
        }

        Throw.Truncated(_position, rest.Length + 1, rest.Length);
        return 0;
    }

    /// <summary>Reads a number of at most 32 bits.</summary>
    public uint ReadVarint32()
    {
        ulong value = ReadVarint();
        if (value > uint.MaxValue)
        {
            Throw.Value("a 32-bit number", value);
        }

        return (uint)value;
    }

    /// <summary>Reads a size or an offset: 0 to 2^63 - 1.</summary>
    public long ReadSize()
    {
        ulong value = ReadVarint();
        if (value > long.MaxValue)
        {
            Throw.Value("a size or offset", value);
        }

        return (long)value;
    }

    /// <summary>Reads a directory identifier or an index: 0 to 2^31 - 1.</summary>
    public int ReadId()
    {
        ulong value = ReadVarint();
        if (value > int.MaxValue)
        {
            Throw.Value("an identifier or index", value);
        }

        return (int)value;
    }

    /// <summary>Reads a number that may be at most <paramref name="max"/>.</summary>
    public int ReadLimited(int max)
    {
        ulong value = ReadVarint();
        if (value > (ulong)max)
        {
            Throw.Length("a number", value, max);
        }

        return (int)value;
    }

    /// <summary>Reads the count of things of which each takes at least one byte: at most <paramref name="max"/>, and at most what is left.</summary>
    public int ReadCount(int max)
    {
        ulong value = ReadVarint();
        if (value > (ulong)max)
        {
            Throw.Length("a count", value, max);
        }

        if (value > (ulong)Remaining)
        {
            Throw.Truncated(_position, (int)value, Remaining);
        }

        return (int)value;
    }

    /// <summary>Reads a signed number in zigzag form (0, -1, 1, -2, …).</summary>
    public long ReadSigned()
    {
        ulong value = ReadVarint();
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    /// <summary>Reads exactly <paramref name="count"/> bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ReadOnlySpan<byte> ReadBytes(int count)
    {
        if ((uint)count > (uint)Remaining)
        {
            Throw.Truncated(_position, count, Remaining);
        }

        ReadOnlySpan<byte> bytes = _data.Slice(_position, count);
        _position += count;
        return bytes;
    }

    /// <summary>Reads a length and that many bytes, at most <paramref name="max"/>.</summary>
    public ReadOnlySpan<byte> ReadBlob(int max)
    {
        ulong length = ReadVarint();
        if (length > (ulong)max)
        {
            Throw.Length("a length", length, max);
        }

        return ReadBytes((int)length);
    }

    /// <summary>Reads a 16-bit number, little endian.</summary>
    public ushort ReadUInt16() => BinaryPrimitives.ReadUInt16LittleEndian(ReadBytes(2));

    /// <summary>Reads a 32-bit number, little endian.</summary>
    public uint ReadUInt32() => BinaryPrimitives.ReadUInt32LittleEndian(ReadBytes(4));

    /// <summary>Reads 16 bytes, big endian: a digest or a session identifier.</summary>
    public UInt128 ReadDigest() => BinaryPrimitives.ReadUInt128BigEndian(ReadBytes(16));

    /// <summary>Checks that nothing is left.</summary>
    public readonly void ExpectEnd()
    {
        if (!End)
        {
            Throw.Protocol(ProtocolError.TrailingData, $"{Remaining} bytes are left over behind the last field, at offset {_position}");
        }
    }
}
