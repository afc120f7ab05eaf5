using System.Buffers;
using System.Numerics;

namespace NativeSync.Engine.Compression;

/// <summary>
/// Looks at a few KiB of a pack to spare zstd the media, archives and encrypted data that it cannot shrink (some 50 µs a MiB instead of several ms).
/// Two looks, since each alone is blind: letters counted in many small places find a little text among much noise (old data around new pages in
/// a delta), and zstd itself on a few larger places finds repetition of any kind.
/// </summary>
internal static class Compressibility
{
    /// <summary>Below this a pack is compressed rather than looked at.</summary>
    private const int Threshold = 32 << 10;

    /// <summary>One place is counted in each of these.</summary>
    private const int CountStride = 4 << 10;

    /// <summary>Random bytes have 56.7 ± 2.3 different values among 64; text some 25, machine code 30, base64 40.</summary>
    private const int CountLength = 64;
    private const int CountLimit = 47;

    /// <summary>One place in 25 that compresses well is the 3 % at which a compressed pack begins to be worth it.</summary>
    private const int CountedOneIn = 25;

    /// <summary>Decides as level 1 does, at twice the speed.</summary>
    private const int SampleLevel = -3;
    private const int SampleCount = 8;
    private const int SampleLength = 2 << 10;
    private const double SampleRatio = 0.9;

    /// <summary>Whether compressing a pack is likely to win anything.</summary>
    public static bool Promises(CompressionContext context, ReadOnlySpan<byte> raw)
        => raw.Length < Threshold || CountsAsText(raw) || SampleShrinks(context, raw);

    private static bool CountsAsText(ReadOnlySpan<byte> raw)
    {
        int places = 0;
        int low = 0;
        for (int at = 0; at + CountLength <= raw.Length; at += CountStride)
        {
            places++;
            if (DifferentValues(raw.Slice(at, CountLength)) <= CountLimit)
            {
                low++;
            }
        }

        return low * CountedOneIn >= places;
    }

    private static int DifferentValues(ReadOnlySpan<byte> bytes)
    {
        Span<ulong> seen = stackalloc ulong[4];
        seen.Clear();
        foreach (byte value in bytes)
        {
            seen[value >> 6] |= 1UL << (value & 63);
        }

        return BitOperations.PopCount(seen[0]) + BitOperations.PopCount(seen[1]) + BitOperations.PopCount(seen[2]) + BitOperations.PopCount(seen[3]);
    }

    private static bool SampleShrinks(CompressionContext context, ReadOnlySpan<byte> raw)
    {
        const int SampleSize = SampleCount * SampleLength;
        byte[] scratch = ArrayPool<byte>.Shared.Rent(2 * SampleSize);
        try
        {
            Span<byte> sample = scratch.AsSpan(0, SampleSize);
            int stride = (raw.Length - SampleLength) / (SampleCount - 1);
            for (int i = 0; i < SampleCount; i++)
            {
                raw.Slice(i * stride, SampleLength).CopyTo(sample[(i * SampleLength)..]);
            }

            return context.TryCompress(sample, scratch.AsSpan(SampleSize, (int)(SampleSize * SampleRatio)), SampleLevel, out _);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(scratch);
        }
    }
}
