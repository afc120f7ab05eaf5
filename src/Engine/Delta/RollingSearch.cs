using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace NativeSync.Engine.Delta;

/// <summary>
/// The inner loop of the search: rolls the weak checksum over consecutive positions, eight at a time, and stops at the first one that the
/// filter of the index lets through.
/// </summary>
/// <remarks>
/// With d[k] = entering[k] - leaving[k] * M^n the checksums of the next positions are H[k+1] = H * M^(k+1) + v[k], where
/// v[k] = v[k-1] * M + d[k] does not depend on H: the carried state costs one multiplication for eight positions.
/// </remarks>
internal readonly struct RollingSearch
{
    private readonly ulong[] _filter;
    private readonly int _filterShift;
    private readonly int _window;
    private readonly uint _windowPower;

    public RollingSearch(BlockIndex index, int window)
    {
        _filter = index.Filter;
        _filterShift = index.FilterShift;
        _window = window;
        _windowPower = RollingChecksum.Power(window);
    }

    /// <summary>The checksum one byte further.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Roll(uint sum, byte leaving, byte entering) => RollingChecksum.Roll(sum, leaving, entering, _windowPower);

    /// <summary>
    /// Tests positions 0 to <paramref name="count"/> - 1 (at least one). <paramref name="start"/> is the first byte of the window at position 0, and
    /// count - 1 + window bytes are readable from there. <paramref name="sum"/> is the checksum at position 0, and on return that of the
    /// position returned; without a hit the result is <paramref name="count"/> and sum has no meaning.
    /// </summary>
    public int Find(ref byte start, int count, ref uint sum)
    {
        ref ulong filter = ref System.Runtime.InteropServices.MemoryMarshal.GetArrayDataReference(_filter);
        int filterShift = _filterShift;
        uint h = sum;
        if ((Probe(ref filter, h, filterShift) & 1) != 0)
        {
            return 0;
        }

        int i = 0;
        if (Vector128.IsHardwareAccelerated)
        {
            i = FindVector(ref start, count, ref h, ref filter, filterShift);
            if (i < 0)
            {
                sum = h;
                return ~i;
            }
        }

        // h is the checksum at i, which has been tested.
        while (++i < count)
        {
            h = Roll(h, Unsafe.Add(ref start, i - 1), Unsafe.Add(ref start, i - 1 + _window));
            if ((Probe(ref filter, h, filterShift) & 1) != 0)
            {
                sum = h;
                return i;
            }
        }

        return count;
    }

    /// <summary>From a tested position 0 on; the complement of a hit, or the last tested position with <paramref name="h"/> its checksum.</summary>
    private int FindVector(ref byte start, int count, ref uint h, ref ulong filter, int filterShift)
    {
        const uint M1 = RollingChecksum.Multiplier;
        const uint M2 = unchecked(M1 * M1);
        const uint M3 = unchecked(M2 * M1);
        const uint M4 = unchecked(M2 * M2);
        Vector128<uint> powers = Vector128.Create(M1, M2, M3, M4);
        Vector128<uint> powers4 = powers * Vector128.Create(M4);
        Vector128<uint> m1 = Vector128.Create(M1);
        Vector128<uint> m2 = Vector128.Create(M2);
        Vector128<uint> outFactor = Vector128.Create(_windowPower);
        ref byte entering = ref Unsafe.Add(ref start, _window);
        Vector128<uint> carried = Vector128.Create(h);
        int i = 0;
        for (; i + 8 < count; i += 8)
        {
            (Vector128<uint> in0, Vector128<uint> in1) = Load8(ref entering, i);
            (Vector128<uint> out0, Vector128<uint> out1) = Load8(ref start, i);
            Vector128<uint> v0 = in0 - (out0 * outFactor);
            Vector128<uint> v1 = in1 - (out1 * outFactor);
            v0 += ShiftLanes1(v0) * m1;
            v1 += ShiftLanes1(v1) * m1;
            v0 += ShiftLanes2(v0) * m2;
            v1 += ShiftLanes2(v1) * m2;
            v1 += Vector128.Shuffle(v0, Vector128.Create(3u, 3, 3, 3)) * powers;
            Vector128<uint> h0 = (carried * powers) + v0;
            Vector128<uint> h1 = (carried * powers4) + v1;
            carried = Vector128.Shuffle(h1, Vector128.Create(3u, 3, 3, 3));
            ulong a = h0.AsUInt64().GetElement(0);
            ulong b = h0.AsUInt64().GetElement(1);
            ulong c = h1.AsUInt64().GetElement(0);
            ulong d = h1.AsUInt64().GetElement(1);
            ulong found = Probe(ref filter, (uint)a, filterShift) | Probe(ref filter, (uint)(a >> 32), filterShift)
                | Probe(ref filter, (uint)b, filterShift) | Probe(ref filter, (uint)(b >> 32), filterShift)
                | Probe(ref filter, (uint)c, filterShift) | Probe(ref filter, (uint)(c >> 32), filterShift)
                | Probe(ref filter, (uint)d, filterShift) | Probe(ref filter, (uint)(d >> 32), filterShift);
            if ((found & 1) != 0)
            {
                return ~Locate(h0, h1, i + 1, ref h, ref filter, filterShift);
            }
        }

        h = carried.ToScalar();
        return i;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Locate(Vector128<uint> h0, Vector128<uint> h1, int first, ref uint h, ref ulong filter, int filterShift)
    {
        for (int k = 0; ; k++)
        {
            h = k < 4 ? h0.GetElement(k) : h1.GetElement(k - 4);
            if ((Probe(ref filter, h, filterShift) & 1) != 0)
            {
                return first + k;
            }
        }
    }

    /// <summary>Bit 0 is set when the filter lets the checksum through; the other bits have no meaning.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Probe(ref ulong filter, uint h, int filterShift)
    {
        ulong word = Unsafe.Add(ref filter, (nint)(h >> filterShift));
        return word >> (int)h & word >> (int)(h >> 6); // C# takes the counts modulo 64
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector128<uint> Lower, Vector128<uint> Upper) Load8(ref byte start, int offset)
    {
        Vector128<byte> bytes = Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref start, offset))).AsByte();
        return Vector128.Widen(Vector128.WidenLower(bytes));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> ShiftLanes1(Vector128<uint> v)
        => System.Runtime.Intrinsics.X86.Sse2.IsSupported
            ? System.Runtime.Intrinsics.X86.Sse2.ShiftLeftLogical128BitLane(v, 4)
            : Vector128.Shuffle(v, Vector128.Create(4u, 0, 1, 2));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> ShiftLanes2(Vector128<uint> v)
        => System.Runtime.Intrinsics.X86.Sse2.IsSupported
            ? System.Runtime.Intrinsics.X86.Sse2.ShiftLeftLogical128BitLane(v, 8)
            : Vector128.Shuffle(v, Vector128.Create(4u, 4, 0, 1));
}
