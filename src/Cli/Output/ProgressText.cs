using System.Globalization;

namespace NativeSync.Cli.Output;

/// <summary>Progress as one line of text.</summary>
internal static class ProgressText
{
    /// <summary>For a person at a terminal: entries, bytes, rate and what remains, cut to <paramref name="width"/> columns.</summary>
    public static string ForTerminal(in ProgressView view, int width)
    {
        string percent = view.Percent is { } p ? $"{p,3}%  " : "";
        string entries = view.Percent is null
            ? $"{NumberText.Of(view.Progress.TotalEntries, 1)} found"
            : $"{NumberText.Of(view.Progress.Entries, 1)}/{NumberText.Of(view.Progress.TotalEntries, 1)} files";
        string remaining = view.Remaining is { } time ? "  ETA " + Clock(time) : "";
        string text = $"{percent}{entries}  {NumberText.Of(view.Progress.Bytes, 3)}B of {NumberText.Of(view.Progress.TotalBytes, 3)}B  {NumberText.OfRate(view.BytesPerSecond, 3)}B/s{remaining}";
        return text.Length < width ? text : text[..Math.Max(0, width - 1)];
    }

    /// <summary>rsync's line for the whole transfer (<c>--info=progress2</c>), without the carriage return in front.</summary>
    public static string LikeRsync(in ProgressView view, TimeSpan elapsed, long filesTransferred, bool last, int human)
    {
        bool average = last && elapsed > TimeSpan.Zero;
        (double rate, string unit) = Scale((average ? view.Progress.Bytes / elapsed.TotalSeconds : view.BytesPerSecond) / 1024);
        int percent = last ? 100 : view.Percent ?? 0;
        string time = last ? Clock(elapsed) : view.Remaining is { } remaining ? Clock(remaining) : "  ??:??:??";
        return string.Create(CultureInfo.InvariantCulture, $"{NumberText.Of(view.Progress.Bytes, human),15} {percent,3}% {rate,7:0.00}{unit} {time}")
            + (last || filesTransferred > 0 ? $" (xfr#{filesTransferred}, {Check(view)})" : "");
    }

    /// <summary>rsync's line for a file that has been transferred (<c>--progress</c>), with its carriage return and end of line.</summary>
    public static string OfFile(long size, in ProgressView view, long number, int human)
    {
        (double rate, string unit) = Scale(view.BytesPerSecond / 1024);
        return string.Create(CultureInfo.InvariantCulture, $"\r{NumberText.Of(size, human),15} 100% {rate,7:0.00}{unit} {Clock(TimeSpan.Zero)} (xfr#{number}, {Check(view)})\n");
    }

    private static string Check(in ProgressView view) => string.Create(CultureInfo.InvariantCulture,
        $"{(view.Progress.TotalsFinal ? "to" : "ir")}-chk={Math.Max(0, view.Progress.TotalEntries - view.Progress.Entries)}/{view.Progress.TotalEntries}");

    /// <summary><c>h:mm:ss</c>, in rsync's width.</summary>
    private static string Clock(TimeSpan time)
    {
        long seconds = (long)Math.Ceiling(Math.Max(0, time.TotalSeconds));
        return string.Create(CultureInfo.InvariantCulture, $"{seconds / 3600,4}:{seconds / 60 % 60:00}:{seconds % 60:00}");
    }

    private static (double Rate, string Unit) Scale(double kibibytes) => kibibytes switch
    {
        < 1024 => (kibibytes, "kB/s"),
        < 1024 * 1024 => (kibibytes / 1024, "MB/s"),
        _ => (kibibytes / 1024 / 1024, "GB/s"),
    };
}
