using System.Globalization;
using NativeSync.TestKit.Trees;

namespace NativeSync.SideBySide;

/// <summary>One timed run. Seconds; those until the server began what it was asked for; processor seconds of each end with its SSH; bytes on the wire; the share of the line that contents took once connected.</summary>
internal sealed record Measurement(double Seconds, double Connecting, double ClientCpu, double RemoteCpu, long WireBytes, double Share);

/// <summary>Everything about one contender in one case. Peaks are of the largest process of each end, bytes; 0 for contenders without a name to look for.</summary>
internal sealed record Series(Contender Contender, IReadOnlyList<Measurement> Runs, long ClientPeak, long RemotePeak, string? Failure)
{
    public double Seconds => Median(run => run.Seconds);

    public double Connecting => Median(run => run.Connecting);

    public double ClientCpu => Median(run => run.ClientCpu);

    public double RemoteCpu => Median(run => run.RemoteCpu);

    public double WireBytes => Median(run => run.WireBytes);

    public double Share => Median(run => run.Share);

    private double Median(Func<Measurement, double> value)
    {
        double[] sorted = [.. Runs.Select(value).Order()];
        return sorted.Length == 0 ? double.NaN : sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }
}

/// <summary>Runs the contenders of a case in turn, so that a slow minute of the machine hits them all.</summary>
internal sealed class Runner(Bench bench, int runs, Action<string> say)
{
    /// <summary>What takes longer and has no say in the ratio (it is there for orientation, or far from the best of rsync) is timed in the warming round and not again.</summary>
    private static readonly TimeSpan LongRun = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan SettleTime = TimeSpan.FromMilliseconds(20);
    private const int SettleAttempts = 500;

    /// <summary>Whether it is said what a line carries.</summary>
    public bool Traces { get; init; }

    /// <summary>Whether there is a round that is not timed.</summary>
    public bool WarmsUp { get; init; } = true;

    /// <inheritdoc cref="Options.Cubic"/>
    public bool Cubic { get; init; }

    /// <summary>A contender that fails is dropped with its first complaint; the others go on.</summary>
    public async Task<IReadOnlyList<Series>> RunAsync(Case @case, string only)
    {
        await bench.UseAsync(@case.Line, Cubic);
        (string source, string destination) = await @case.PrepareAsync(bench);
        Contender[] contenders = [.. @case.Contenders.Where(c => c.Name.Contains(only, StringComparison.Ordinal))];
        Dictionary<Contender, List<Measurement>> measured = contenders.ToDictionary(c => c, _ => new List<Measurement>());
        Dictionary<Contender, (long Client, long Remote)> peaks = [];
        Dictionary<Contender, string> failures = [];
        Dictionary<Contender, Measurement> warm = [];
        bool OneRunDoes(Contender contender) => warm.TryGetValue(contender, out Measurement? first) && first.Seconds > LongRun.TotalSeconds
            && (contender.Role == Role.Floor || (contender.Role == Role.Rival && warm.Any(other => other.Key.Role == Role.Rival && 2 * other.Value.Seconds < first.Seconds)));
        if (!WarmsUp)
        {
            await bench.UploadAgentAsync();
        }

        // Run 0 warms up (the agent is uploaded, programs are read) and looks at memory; it is not timed.
        for (int run = WarmsUp ? 0 : 1; run <= runs; run++)
        {
            foreach (Contender contender in contenders.Where(c => !failures.ContainsKey(c) && (run == 0 || !OneRunDoes(c))))
            {
                await @case.ResetAsync(bench);
                IReadOnlyList<string> words = contender.Words(bench, source, destination);
                try
                {
                    if (run == 0)
                    {
                        (warm[contender], peaks[contender]) = await WatchAsync(contender, words, @case.Payload);
                    }
                    else
                    {
                        Measurement measurement = await MeasureAsync(words, @case.Payload);
                        measured[contender].Add(measurement);
                        say(string.Create(CultureInfo.InvariantCulture, $"  {run}/{runs}  {measurement.Seconds,7:0.00} s  connected after {measurement.Connecting:0.00}  {(measurement.Share > 0 ? measurement.Share.ToString("P0", CultureInfo.InvariantCulture) : ""),6}  {contender.Name}"));
                    }

                    if (run == (WarmsUp ? 0 : 1) && contender.Role != Role.Floor)
                    {
                        await VerifyAsync(@case, source, destination);
                    }
                }
                catch (Exception e) when (e is InvalidOperationException or TimeoutException)
                {
                    failures[contender] = e.Message;
                    say($"  {contender.Name} FAILED: {e.Message}");
                }
            }
        }

        await @case.CleanAsync(bench);
        return [.. contenders.Select(c => new Series(c, OneRunDoes(c) ? [warm[c]] : measured[c], peaks.GetValueOrDefault(c).Client, peaks.GetValueOrDefault(c).Remote, failures.GetValueOrDefault(c)))];
    }

    private async Task<Measurement> MeasureAsync(IReadOnlyList<string> words, long payload)
    {
        await SettleAsync();
        string times = bench["times"];
        double remote = Meter.ChildSeconds(bench.Server.ProcessId);
        long wire = bench.WireBytes;
        await using LineTrace? trace = Traces && bench.Line is { } line ? new LineTrace(line, say) : null;
        bench.Server.ForgetSessions();
        long begun = TimeProvider.System.GetTimestamp();
        CommandResult result = (await Command.RunAsync(["/usr/bin/time", "-o", times, "-f", "%U %S", .. words])).MustExit(0);
        double connecting = bench.Server.FirstSessionAt is > 0 and var at ? TimeProvider.System.GetElapsedTime(begun, at).TotalSeconds : 0;
        double share = bench.Line is { } busy && payload > 0 && connecting > 0 ? payload / ((result.Elapsed.TotalSeconds - connecting) * busy.Shape.BytesPerSecond) : 0;
        await SettleAsync();
        double[] client = [.. (await File.ReadAllTextAsync(times)).Split(' ').Select(word => double.Parse(word, CultureInfo.InvariantCulture))];
        return new Measurement(result.Elapsed.TotalSeconds, connecting, client.Sum(), Meter.ChildSeconds(bench.Server.ProcessId) - remote, bench.WireBytes - wire, share);
    }

    private async Task<(Measurement Measurement, (long Client, long Remote) Peaks)> WatchAsync(Contender contender, IReadOnlyList<string> words, long payload)
    {
        await using var here = new ProcessWatch(Environment.ProcessId);
        await using var there = new ProcessWatch(bench.Server.ProcessId);
        Measurement measurement = await MeasureAsync(words, payload);
        await here.StopAsync();
        await there.StopAsync();
        if (contender.Process.Length == 0)
        {
            return (measurement, default);
        }

        HashSet<int> remote = [.. there.Peaks.Select(p => p.ProcessId)];
        // The ssh that rsync starts names rsync in its command line too: only the program itself counts.
        long Largest(IEnumerable<ProcessWatch.Peak> peaks) => peaks
            .Where(p => Path.GetFileName(p.CommandLine.Split(' ')[0]).StartsWith(contender.Process, StringComparison.Ordinal) || p.CommandLine.StartsWith(bench.Executable, StringComparison.Ordinal) || p.CommandLine.Contains(" serve", StringComparison.Ordinal))
            .Select(p => p.Bytes).DefaultIfEmpty().Max();
        return (measurement, (Largest(here.Peaks.Where(p => !remote.Contains(p.ProcessId))), Largest(there.Peaks)));
    }

    /// <summary>Waits until the sessions of the server have ended and were counted.</summary>
    private async Task SettleAsync()
    {
        for (int i = 0; i < SettleAttempts && ProcessWatch.Descendants(bench.Server.ProcessId).Count > 0; i++)
        {
            await Task.Delay(SettleTime);
        }
    }

    private static async Task VerifyAsync(Case @case, string source, string destination)
    {
        CommandResult check = await Command.RunAsync(["rsync", "-nai", "--delete", .. @case.CompareContent ? ["--checksum"] : Array.Empty<string>(), source, destination]);
        if (check.MustExit(0).Output.Length != 0)
        {
            throw new InvalidOperationException($"what arrived is not what was sent: {check}");
        }
    }
}
