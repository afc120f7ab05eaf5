using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.CompilerServices;

namespace NativeSync.Engine.Delta;

/// <summary>The leading bytes (canonical, that is, big-endian order) of a block's XXH3-128, as two words that compare fast.</summary>
/// <param name="High">The first eight bytes, or as many as travel, right-aligned.</param>
/// <param name="Low">What follows them, right-aligned; 0 when at most eight bytes travel.</param>
internal readonly record struct StrongHash(ulong High, ulong Low)
{
    /// <summary>Hashes a block and keeps <paramref name="length"/> bytes (1 to 16).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static StrongHash Compute(ReadOnlySpan<byte> block, int length)
    {
        UInt128 hash = XxHash128.HashToUInt128(block);
        ulong high = (ulong)(hash >> 64);
        return length <= 8
            ? new StrongHash(high >> (64 - (8 * length)), 0)
            : new StrongHash(high, (ulong)hash >> (128 - (8 * length)));
    }

    /// <summary>Writes <paramref name="length"/> bytes.</summary>
    public void Write(Span<byte> destination, int length)
    {
        Span<byte> whole = stackalloc byte[16];
        if (length <= 8)
        {
            BinaryPrimitives.WriteUInt64BigEndian(whole, High << (64 - (8 * length)));
        }
        else
        {
            BinaryPrimitives.WriteUInt64BigEndian(whole, High);
            BinaryPrimitives.WriteUInt64BigEndian(whole[8..], Low << (128 - (8 * length)));
        }

        whole[..length].CopyTo(destination);
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    public static StrongHash Read(ReadOnlySpan<byte> source, int length)
    {
        Span<byte> whole = stackalloc byte[16];
        whole.Clear();
        source[..length].CopyTo(whole);
        ulong high = BinaryPrimitives.ReadUInt64BigEndian(whole);
        ulong low = BinaryPrimitives.ReadUInt64BigEndian(whole[8..]);
        return length <= 8
            ? new StrongHash(high >> (64 - (8 * length)), 0)
            : new StrongHash(high, low >> (128 - (8 * length)));
    }
}
