using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace NativeSync.Engine.Delta;

/// <summary>
/// The weak checksum of a window x[0..n): the sum of x[i] * M^(n-1-i) modulo 2^32 (Rabin and Karp's polynomial).
/// It rolls in one multiplication, its high bits are spread evenly even where the data is regular (rsync's pair of sums
/// is not: a sum of n bytes fills 15 bits of its 16 at best), and it is computed four positions at a time (<see cref="RollingSearch"/>).
/// </summary>
internal static class RollingChecksum
{
    /// <summary>M: odd and 5 modulo 8, so that its powers do not repeat within 2^30.</summary>
    public const uint Multiplier = 0x93D765DD;

    private const int Lanes = 8;
    private const int Stride = 4 * Lanes;

    /// <summary>M to the power <paramref name="exponent"/>.</summary>
    public static uint Power(int exponent)
    {
        uint result = 1;
        for (uint factor = Multiplier; exponent > 0; exponent >>= 1, factor *= factor)
        {
            if ((exponent & 1) != 0)
            {
                result *= factor;
            }
        }

        return result;
    }

    /// <summary>The checksum of the window one byte further; <paramref name="windowPower"/> is <see cref="Power"/> of its length.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Roll(uint sum, byte leaving, byte entering, uint windowPower)
        => (sum * Multiplier) + entering - (leaving * windowPower);

    /// <summary>The checksum of a window.</summary>
    public static uint Compute(ReadOnlySpan<byte> window)
    {
        uint sum = 0;
        if (Vector128.IsHardwareAccelerated && window.Length >= 2 * Stride)
        {
            int whole = window.Length & ~(Stride - 1);
            sum = ComputeStrides(window[..whole]);
            window = window[whole..];
        }

        foreach (byte value in window)
        {
            sum = (sum * Multiplier) + value;
        }

        return sum;
    }

    /// <summary>Horner's rule with M^32 in 32 lanes side by side, then each lane takes the power of its place.</summary>
    private static uint ComputeStrides(ReadOnlySpan<byte> window)
    {
        Vector128<uint> factor = Vector128.Create(Power(Stride));
        Vector128<uint> a0 = default, a1 = default, a2 = default, a3 = default;
        Vector128<uint> a4 = default, a5 = default, a6 = default, a7 = default;
        ref byte start = ref MemoryMarshal.GetReference(window);
        for (nuint i = 0; i < (nuint)window.Length; i += Stride)
        {
            Vector128<byte> first = Vector128.LoadUnsafe(ref start, i);
            Vector128<byte> second = Vector128.LoadUnsafe(ref start, i + 16);
            (Vector128<ushort> low, Vector128<ushort> high) = Vector128.Widen(first);
            (Vector128<uint> x0, Vector128<uint> x1) = Vector128.Widen(low);
            (Vector128<uint> x2, Vector128<uint> x3) = Vector128.Widen(high);
            (low, high) = Vector128.Widen(second);
            (Vector128<uint> x4, Vector128<uint> x5) = Vector128.Widen(low);
            (Vector128<uint> x6, Vector128<uint> x7) = Vector128.Widen(high);
            a0 = (a0 * factor) + x0;
            a1 = (a1 * factor) + x1;
            a2 = (a2 * factor) + x2;
            a3 = (a3 * factor) + x3;
            a4 = (a4 * factor) + x4;
            a5 = (a5 * factor) + x5;
            a6 = (a6 * factor) + x6;
            a7 = (a7 * factor) + x7;
        }

        // Horner over the eight vectors with M^4, then over the four lanes with M.
        Vector128<uint> four = Vector128.Create(Power(4));
        Vector128<uint> total = (((((((((((((a0 * four) + a1) * four) + a2) * four) + a3) * four) + a4) * four) + a5) * four) + a6) * four) + a7;
        uint sum = total.GetElement(0);
        sum = (sum * Multiplier) + total.GetElement(1);
        sum = (sum * Multiplier) + total.GetElement(2);
        return (sum * Multiplier) + total.GetElement(3);
    }
}
