namespace NativeSync.Fuzz;

/// <summary>
/// Which way an input went, as one number that is the same in every process, so that a seed repeats a run. Only the first steps count:
/// otherwise every longer sequence of the same steps would look new.
/// </summary>
internal struct Fingerprint
{
    private const int MaxSteps = 4;

    private uint _hash;
    private int _steps;

    internal readonly int Value => (int)_hash;

    /// <summary>A record or frame of this type and size.</summary>
    internal void Step(byte type, int size)
    {
        if (_steps++ < MaxSteps)
        {
            Add(type);
            Add(System.Numerics.BitOperations.Log2((uint)size | 1) / 2);
        }
    }

    internal void Add(int value) => _hash = System.Numerics.BitOperations.RotateLeft((_hash ^ (uint)value) * 0x9E3779B1, 13);

    /// <summary>A message without its numbers.</summary>
    internal void Add(string message)
    {
        foreach (char c in message)
        {
            if (!char.IsAsciiDigit(c))
            {
                Add(c);
            }
        }
    }
}
