using System.Globalization;

namespace NativeSync.TestKit.Trees;

/// <summary>
/// Looks at the descendants of a process while something runs, and keeps the peak resident memory of each
/// (VmHWM, which the kernel itself keeps as a maximum, so that a rare look is enough).
/// </summary>
/// <remarks>Guarded by its own task: <see cref="Peaks"/> is read after <see cref="StopAsync"/>.</remarks>
public sealed class ProcessWatch : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(15);

    private readonly Dictionary<int, Peak> _peaks = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly int[] _roots;
    private readonly Task _loop;

    /// <summary>Starts watching the descendants of these processes (not themselves).</summary>
    public ProcessWatch(params int[] roots)
    {
        _roots = roots;
        _loop = Task.Run(LoopAsync);
    }

    /// <summary>A process that was seen: what it ran and the most memory it held.</summary>
    public sealed record Peak(int ProcessId, string CommandLine, long Bytes);

    /// <summary>Every descendant seen.</summary>
    public IReadOnlyCollection<Peak> Peaks => _peaks.Values;

    /// <summary>The largest peak of a process whose command line contains the text; 0 when none was seen.</summary>
    public long PeakOf(string text) => _peaks.Values.Where(p => p.CommandLine.Contains(text, StringComparison.Ordinal)).Select(p => p.Bytes).DefaultIfEmpty().Max();

    /// <summary>Stops watching; what was seen stays readable.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _loop;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }

    private async Task LoopAsync()
    {
        using var timer = new PeriodicTimer(Interval);
        try
        {
            do
            {
                foreach (int process in Descendants(_roots))
                {
                    Look(process);
                }
            }
            while (await timer.WaitForNextTickAsync(_stop.Token));
        }
        catch (OperationCanceledException)
        {
            // Stopped.
        }
    }

    /// <summary>Every process below these, not themselves, as of now.</summary>
    public static IReadOnlyList<int> Descendants(params int[] roots)
    {
        List<int> found = [.. roots];
        for (int i = 0; i < found.Count; i++)
        {
            try
            {
                foreach (string task in Directory.EnumerateDirectories($"/proc/{found[i]}/task"))
                {
                    string children = File.ReadAllText(Path.Combine(task, "children"));
                    found.AddRange(children.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(c => int.Parse(c, CultureInfo.InvariantCulture)));
                }
            }
            catch (IOException)
            {
                // Gone meanwhile.
            }
        }

        found.RemoveRange(0, roots.Length);
        return found;
    }

    /// <summary>Command line with spaces between the words; null when the process is gone.</summary>
    public static string? CommandLineOf(int process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/cmdline").Replace('\0', ' ').Trim();
        }
        catch (IOException)
        {
            return null;
        }
    }

    private void Look(int process)
    {
        try
        {
            string before = CommandLineOf(process) ?? "";
            string? line = File.ReadLines($"/proc/{process}/status").FirstOrDefault(l => l.StartsWith("VmHWM:", StringComparison.Ordinal));
            if (line is null)
            {
                return;
            }

            long bytes = 1024 * long.Parse(line.AsSpan(6, line.Length - 6 - 2).Trim(), CultureInfo.InvariantCulture);
            string command = CommandLineOf(process) ?? "";
            if (command != before)
            {
                return; // the memory may be that of the image which an exec has just replaced
            }

            // A process that is about to exec has the memory of its parent's image: the last command line counts alone.
            long highest = _peaks.TryGetValue(process, out Peak? peak) && peak.CommandLine == command ? peak.Bytes : 0;
            _peaks[process] = new Peak(process, command, Math.Max(highest, bytes));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Gone meanwhile.
        }
    }
}
