namespace NativeSync.Protocol;

/// <summary>A moment as the file system keeps it: seconds since 1970-01-01 UTC (negative before) and nanoseconds of that second.</summary>
/// <param name="Seconds">Whole seconds, rounded towards the past.</param>
/// <param name="Nanoseconds">0 to 999,999,999.</param>
public readonly record struct Timestamp(long Seconds, uint Nanoseconds) : IComparable<Timestamp>
{
    /// <summary>Nanoseconds of a second: the first value that <see cref="Nanoseconds"/> cannot have.</summary>
    public const uint NanosecondsPerSecond = 1_000_000_000;

    /// <inheritdoc/>
    public int CompareTo(Timestamp other)
    {
        int seconds = Seconds.CompareTo(other.Seconds);
        return seconds != 0 ? seconds : Nanoseconds.CompareTo(other.Nanoseconds);
    }

    /// <summary>Whether <paramref name="left"/> is earlier.</summary>
    public static bool operator <(Timestamp left, Timestamp right) => left.CompareTo(right) < 0;
    /// <summary>Whether <paramref name="left"/> is later.</summary>
    public static bool operator >(Timestamp left, Timestamp right) => left.CompareTo(right) > 0;
    /// <summary>Whether <paramref name="left"/> is not later.</summary>
    public static bool operator <=(Timestamp left, Timestamp right) => left.CompareTo(right) <= 0;
    /// <summary>Whether <paramref name="left"/> is not earlier.</summary>
    public static bool operator >=(Timestamp left, Timestamp right) => left.CompareTo(right) >= 0;
}
