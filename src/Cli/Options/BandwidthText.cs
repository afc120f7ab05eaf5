using NativeSync.Engine;

namespace NativeSync.Cli.Options;

/// <summary>What <c>--bwlimit</c> and <c>--bwlimit-file</c> take: a rate as rsync reads it, or a timetable of such rates.</summary>
internal static class BandwidthText
{
    /// <summary>Reads what stands behind an option.</summary>
    /// <exception cref="UsageException">It cannot be read.</exception>
    public static BandwidthPlan Parse(string text, string option = "--bwlimit")
    {
        text = text.Trim();
        if (!BandwidthPlan.IsTimetable(text))
        {
            return BandwidthPlan.Of(text.Equals("off", StringComparison.OrdinalIgnoreCase) ? 0 : SizeValue.ParseBandwidth(text, option));
        }

        return BandwidthPlan.Parse(text, word => SizeValue.ParseBandwidth(word, option), out string wrong)
            ?? throw new UsageException($"{option}: {UsageException.Quote(wrong)} is no [DAY-]HH:MM,RATE (for instance 08:00,512 or Sat-19:00,off)");
    }
}
