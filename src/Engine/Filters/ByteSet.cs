namespace NativeSync.Engine.Filters;

/// <summary>A set of byte values, one bit each.</summary>
internal struct ByteSet
{
    private ulong _a, _b, _c, _d;

    /// <summary>Whether <paramref name="value"/> is in the set.</summary>
    public readonly bool Contains(byte value)
    {
        ulong word = (value >> 6) switch { 0 => _a, 1 => _b, 2 => _c, _ => _d };
        return (word >> (value & 63) & 1) != 0;
    }

    /// <summary>Adds every byte from <paramref name="first"/> to <paramref name="last"/>; nothing when the range is backwards.</summary>
    public void AddRange(int first, int last)
    {
        for (int value = first; value <= last; value++)
        {
            Add((byte)value);
        }
    }

    /// <summary>Adds one byte.</summary>
    public void Add(byte value)
    {
        ulong bit = 1UL << (value & 63);
        switch (value >> 6)
        {
            case 0: _a |= bit; break;
            case 1: _b |= bit; break;
            case 2: _c |= bit; break;
            default: _d |= bit; break;
        }
    }

    /// <summary>Takes one byte out.</summary>
    public void Remove(byte value)
    {
        ulong mask = ~(1UL << (value & 63));
        switch (value >> 6)
        {
            case 0: _a &= mask; break;
            case 1: _b &= mask; break;
            case 2: _c &= mask; break;
            default: _d &= mask; break;
        }
    }

    /// <summary>The set of all bytes that are not in this one.</summary>
    public readonly ByteSet Complement() => new() { _a = ~_a, _b = ~_b, _c = ~_c, _d = ~_d };
}
