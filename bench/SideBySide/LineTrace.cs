using System.Globalization;
using System.Text.RegularExpressions;
using NativeSync.TestKit.Line;
using NativeSync.TestKit.Trees;

namespace NativeSync.SideBySide;

/// <summary>
/// Says every half second what a line carries: both directions, packets dropped, and what the kernels of both ends know of each TCP connection
/// (megabits a second since the last look, round trip, congestion window, what waits unsent).
/// </summary>
internal sealed partial class LineTrace : IAsyncDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(500);

    private readonly LongLine _line;
    private readonly Action<string> _say;
    private readonly CancellationTokenSource _stop = new();
    private readonly Dictionary<string, long> _moved = [];
    private readonly Task _running;

    public LineTrace(LongLine line, Action<string> say)
    {
        _line = line;
        _say = say;
        _running = RunAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        (long There, long Back) bytes = _line.Bytes, dropped = _line.Dropped;
        long last = TimeProvider.System.GetTimestamp(), start = last;
        while (!_stop.IsCancellationRequested)
        {
            await Task.Delay(Period, _stop.Token).ContinueWith(static _ => { }, TaskScheduler.Default);
            double seconds = TimeProvider.System.GetElapsedTime(last).TotalSeconds;
            last = TimeProvider.System.GetTimestamp();
            (long There, long Back) now = _line.Bytes, lost = _line.Dropped;
            string connections = await ConnectionsAsync(_line.Near, seconds) + " |" + await ConnectionsAsync(_line.Far, seconds);
            _say(string.Create(CultureInfo.InvariantCulture,
                $"    {TimeProvider.System.GetElapsedTime(start, last).TotalSeconds,5:0.0} s  there {Rate(now.There - bytes.There),4:0} back {Rate(now.Back - bytes.Back),4:0} Mbit/s  lost {lost.There - dropped.There}+{lost.Back - dropped.Back} {connections}"));
            (bytes, dropped) = (now, lost);
            double Rate(long moved) => moved * 8 / seconds / 1e6;
        }
    }

    /// <summary>Only connections that moved something since the last look.</summary>
    private async Task<string> ConnectionsAsync(IReadOnlyList<string> end, double seconds)
    {
        CommandResult listed = await Command.RunAsync([.. end, "ss", "-tinOH"]);
        List<string> said = [];
        foreach (string line in listed.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            string key = end[1] + words[3] + words[4];
            long acked = Number(line, "bytes_acked");
            long delta = acked - _moved.GetValueOrDefault(key);
            _moved[key] = acked;
            if (delta > 20_000)
            {
                Match rtt = RoundTrip().Match(line);
                said.Add(string.Create(CultureInfo.InvariantCulture, $" [{words[3].Split(':')[^1]}: {delta * 8 / seconds / 1e6:0} Mbit/s rtt {rtt.Groups[1].Value} cwnd {Number(line, "cwnd")} unsent {Number(line, "notsent") >> 10}K sendq {long.Parse(words[2], CultureInfo.InvariantCulture) >> 10}K]"));
            }
        }

        return string.Concat(said);
    }

    private static long Number(string line, string name)
    {
        Match match = Regex.Match(line, $@"\b{name}:(\d+)");
        return match.Success ? long.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) : 0;
    }

    [GeneratedRegex(@"\brtt:([\d.]+)")]
    private static partial Regex RoundTrip();
}
