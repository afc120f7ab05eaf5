using System.Globalization;

namespace NativeSync.Cli.Output;

/// <summary>Numbers as rsync prints them: plain, with separators, or with units (<c>-h</c>, <c>-hh</c>).</summary>
internal static class NumberText
{
    private const string Units = "KMGTP";

    /// <summary>A count or a size; <paramref name="level"/> is that of <see cref="Options.OutputArguments.HumanReadable"/>.</summary>
    public static string Of(long number, int level)
    {
        if (level == 0)
        {
            return number.ToString(CultureInfo.InvariantCulture);
        }

        double step = level == 2 ? 1000 : 1024;
        return level == 1 || Math.Abs((double)number) < step ? number.ToString("#,0", CultureInfo.InvariantCulture) : WithUnit(number, step);
    }

    /// <summary>A rate, with two decimals.</summary>
    public static string OfRate(double number, int level)
    {
        double step = level == 2 ? 1000 : 1024;
        return level switch
        {
            0 => number.ToString("0.00", CultureInfo.InvariantCulture),
            1 => number.ToString("#,0.00", CultureInfo.InvariantCulture),
            _ when Math.Abs(number) < step => number.ToString("0.00", CultureInfo.InvariantCulture),
            _ => WithUnit(number, step),
        };
    }

    /// <summary>A count without unit, with separators unless <c>--no-h</c>.</summary>
    public static string OfCount(long number, int level) => Of(number, Math.Min(level, 1));

    private static string WithUnit(double number, double step)
    {
        int unit = -1;
        do
        {
            number /= step;
            unit++;
        }
        while (Math.Abs(number) >= step && unit < Units.Length - 1);

        return number.ToString("0.00", CultureInfo.InvariantCulture) + Units[unit];
    }
}
