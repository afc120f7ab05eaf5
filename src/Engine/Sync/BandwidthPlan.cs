using System.Globalization;

namespace NativeSync.Engine;

/// <summary>
/// A bandwidth limit: one rate, or a timetable as rclone's, <c>08:00,512 19:00,off</c> with local times and, before a time, a
/// day (<c>Sat-10:00,1m</c>).
/// </summary>
public sealed class BandwidthPlan : IEquatable<BandwidthPlan>
{
    private const int MinutesOfDay = 24 * 60;
    private static readonly string[] Days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

    /// <summary>Minute of the week at which each rate begins, ascending.</summary>
    private readonly List<(int Minute, long Rate)> _entries = [];

    private BandwidthPlan()
    {
    }

    /// <summary>The same rate always.</summary>
    public bool IsFixed => _entries.Count == 1;

    /// <summary>The same rate always.</summary>
    public static BandwidthPlan Of(long bytesPerSecond)
    {
        BandwidthPlan plan = new();
        plan._entries.Add((0, bytesPerSecond));
        return plan;
    }

    /// <summary>Whether a text is meant as a timetable rather than as one rate.</summary>
    public static bool IsTimetable(string text) => text?.Contains(',', StringComparison.Ordinal) == true;

    /// <summary>Reads a timetable.</summary>
    /// <param name="text">Words with white space between them.</param>
    /// <param name="rateOf">Bytes per second for what stands behind a comma, unless it is <c>off</c>; null when it cannot be read.</param>
    /// <param name="wrong">The word that makes no sense.</param>
    /// <returns>Null when one makes no sense.</returns>
    public static BandwidthPlan? Parse(string text, Func<string, long?> rateOf, out string wrong)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(rateOf);
        BandwidthPlan plan = new();
        wrong = text;
        foreach (string word in text.Split((char[])[' ', '\t', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries))
        {
            wrong = word;
            int comma = word.IndexOf(',', StringComparison.Ordinal);
            if (comma < 0 || comma == word.Length - 1 || RateOf(word[(comma + 1)..], rateOf) is not { } rate || !plan.TryAdd(word[..comma], rate))
            {
                return null;
            }
        }

        plan._entries.Sort(static (a, b) => a.Minute.CompareTo(b.Minute));
        return plan._entries.Count > 0 ? plan : null;
    }

    /// <summary>Bytes per second at a local time; 0 for no limit. Before the first time of the week the last one holds.</summary>
    public long At(DateTime local)
    {
        int minute = ((int)local.DayOfWeek * MinutesOfDay) + (local.Hour * 60) + local.Minute;
        long rate = _entries[^1].Rate;
        foreach ((int from, long then) in _entries)
        {
            if (from > minute)
            {
                break;
            }

            rate = then;
        }

        return rate;
    }

    /// <inheritdoc/>
    public bool Equals(BandwidthPlan? other) => other is not null && _entries.SequenceEqual(other._entries);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as BandwidthPlan);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_entries.Count, _entries[^1]);

    private static long? RateOf(string text, Func<string, long?> rateOf) => text.Equals("off", StringComparison.OrdinalIgnoreCase) ? 0 : rateOf(text);

    private bool TryAdd(string when, long rate)
    {
        int dash = when.IndexOf('-', StringComparison.Ordinal);
        string time = when[(dash + 1)..];
        if (time.Length != 5 || time[2] != ':' || !int.TryParse(time[..2], NumberStyles.None, CultureInfo.InvariantCulture, out int hour)
            || !int.TryParse(time[3..], NumberStyles.None, CultureInfo.InvariantCulture, out int minute) || hour > 23 || minute > 59)
        {
            return false;
        }

        int only = dash < 0 ? -1 : Array.IndexOf(Days, dash >= 3 ? when[..3].ToLowerInvariant() : "");
        if (dash >= 0 && only < 0)
        {
            return false;
        }

        for (int day = 0; day < Days.Length; day++)
        {
            if (only < 0 || day == only)
            {
                // Of two rates for one minute, the one that is said last holds: 08:00,512 Sat-08:00,off.
                int from = (day * MinutesOfDay) + (hour * 60) + minute;
                _entries.RemoveAll(entry => entry.Minute == from);
                _entries.Add((from, rate));
            }
        }

        return true;
    }
}
