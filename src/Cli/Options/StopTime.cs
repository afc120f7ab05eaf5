using System.Globalization;

namespace NativeSync.Cli.Options;

/// <summary>rsync's --stop-after and --stop-at.</summary>
internal static class StopTime
{
    /// <summary>So many minutes from now.</summary>
    /// <exception cref="UsageException">Not a positive number.</exception>
    public static DateTimeOffset After(string text, DateTimeOffset now)
    {
        int digits = text.AsSpan().IndexOfAnyExceptInRange('0', '9');
        return int.TryParse(digits < 0 ? text : text[..digits], NumberStyles.None, CultureInfo.InvariantCulture, out int minutes) && minutes > 0
            ? now.AddMinutes(minutes)
            : throw new UsageException($"invalid --stop-after value: {UsageException.Quote(text)}");
    }

    /// <summary>
    /// <c>[[YEAR-]MONTH-]DAY[THOUR:MINUTE]</c> or <c>[HOUR]:MINUTE</c>, slashes in place of dashes allowed: the next time that this
    /// describes, in local time.
    /// </summary>
    /// <exception cref="UsageException">Not such a time, or a past one.</exception>
    public static DateTimeOffset At(string text, DateTimeOffset now)
    {
        UsageException invalid = new($"invalid --stop-at format: {UsageException.Quote(text)}");
        int split = text.IndexOf('T', StringComparison.OrdinalIgnoreCase);
        string date = split >= 0 ? text[..split] : text.Contains(':', StringComparison.Ordinal) ? "" : text;
        string time = split >= 0 ? text[(split + 1)..] : date.Length > 0 ? "" : text;
        (int? hour, int minute) = time.Length > 0 ? ReadTime(time) ?? throw invalid : date.Length > 0 ? (0, 0) : throw invalid;
        if (date.Length == 0)
        {
            DateTime first = hour is { } h ? now.Date.AddHours(h).AddMinutes(minute) : now.Date.AddHours(now.Hour).AddMinutes(minute);
            return Local(first > now.DateTime ? first : hour is null ? first.AddHours(1) : first.AddDays(1));
        }

        int[] parts = ReadDate(date) ?? throw invalid;
        DateTime next = Next(parts, now.DateTime, hour ?? now.Hour, minute);
        return next > now.DateTime ? Local(next) : throw new UsageException($"--stop-at time is not in the future: {UsageException.Quote(text)}");
    }

    private static DateTime Next(int[] parts, DateTime now, int hour, int minute)
    {
        if (parts.Length == 3)
        {
            return Make(parts[0] < 100 ? 2000 + parts[0] : parts[0], parts[1], parts[2], hour, minute);
        }

        if (parts.Length == 2)
        {
            DateTime thisYear = Make(now.Year, parts[0], parts[1], hour, minute);
            return thisYear > now ? thisYear : Make(now.Year + 1, parts[0], parts[1], hour, minute);
        }

        for (int ahead = 0; ; ahead++)
        {
            DateTime month = new DateTime(now.Year, now.Month, 1).AddMonths(ahead);
            DateTime day = Make(month.Year, month.Month, parts[0], hour, minute);
            if (day > now && day.Month == month.Month)
            {
                return day;
            }
        }
    }

    /// <summary>A day that the month does not have is one of the next month, as in C's mktime.</summary>
    private static DateTime Make(int year, int month, int day, int hour, int minute) =>
        new DateTime(year, month, 1, hour, minute, 0).AddDays(day - 1);

    private static DateTimeOffset Local(DateTime time) => new(time, TimeZoneInfo.Local.GetUtcOffset(time));

    private static int[]? ReadDate(string text)
    {
        string[] words = text.Split('-', '/');
        int[] parts = new int[words.Length];
        for (int i = 0; i < words.Length; i++)
        {
            if (Number(words[i], i == 0 && words.Length == 3 ? 9998 : i == words.Length - 1 ? 31 : 12) is not { } part || (part == 0 && (i > 0 || words.Length < 3)))
            {
                return null;
            }

            parts[i] = part;
        }

        return words.Length <= 3 ? parts : null;
    }

    private static (int? Hour, int Minute)? ReadTime(string text)
    {
        string[] words = text.Split(':');
        if (words.Length != 2 || Number(words[1], 59) is not { } minute)
        {
            return null;
        }

        return words[0].Length == 0 ? (null, minute) : Number(words[0], 23) is { } hour ? (hour, minute) : null;
    }

    private static int? Number(string text, int most) =>
        text.Length is > 0 and < 5 && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value <= most ? value : null;
}
