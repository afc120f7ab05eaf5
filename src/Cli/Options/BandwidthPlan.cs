using System.Globalization;

namespace NativeSync.Cli.Options;

/// <summary>
/// <c>--bwlimit</c>: a rate as rsync reads it, or a timetable as rclone's, <c>08:00,512 19:00,off</c> with local times and, before a time, a
/// day (<c>Sat-10:00,1m</c>); and <c>--bwlimit-file</c>, a file with either, which is looked at again while the transfer runs.
/// </summary>
internal sealed class BandwidthPlan
{
    private const int MinutesOfDay = 24 * 60;
    private static readonly string[] Days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

    /// <summary>Minute of the week at which each rate begins, ascending.</summary>
    private readonly List<(int Minute, long Rate)> _entries = [];

    /// <summary>The same rate always.</summary>
    public bool IsFixed => _entries.Count == 1;

    /// <summary>Reads what stands behind an option.</summary>
    /// <exception cref="UsageException">It cannot be read.</exception>
    public static BandwidthPlan Parse(string text, string option = "--bwlimit")
    {
        BandwidthPlan plan = new();
        if (!text.Contains(','))
        {
            plan._entries.Add((0, RateOf(text.Trim(), option)));
            return plan;
        }

        foreach (string word in text.Split((char[])[' ', '\t', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries))
        {
            int comma = word.IndexOf(',');
            if (comma < 0 || comma == word.Length - 1 || !plan.TryAdd(word[..comma], RateOf(word[(comma + 1)..], option)))
            {
                throw new UsageException($"{option}: {UsageException.Quote(word)} is no [DAY-]HH:MM,RATE (for instance 08:00,512 or Sat-19:00,off)");
            }
        }

        plan._entries.Sort(static (a, b) => a.Minute.CompareTo(b.Minute));
        return plan;
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

    private static long RateOf(string text, string option) => text.Equals("off", StringComparison.OrdinalIgnoreCase) ? 0 : SizeValue.ParseBandwidth(text, option);

    private bool TryAdd(string when, long rate)
    {
        int dash = when.IndexOf('-');
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
