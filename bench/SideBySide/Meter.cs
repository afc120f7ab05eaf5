using System.Globalization;

namespace NativeSync.SideBySide;

/// <summary>The kernel's own counters.</summary>
internal static class Meter
{
    private const double TicksPerSecond = 100; // USER_HZ, the same on every Linux that .NET runs on

    /// <summary>Bytes that went over the loopback since it came up, both directions, with TCP and IP headers.</summary>
    public static long LoopbackBytes()
    {
        string line = File.ReadLines("/proc/net/dev").First(l => l.TrimStart().StartsWith("lo:", StringComparison.Ordinal));
        return long.Parse(line[(line.IndexOf(':') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0], CultureInfo.InvariantCulture);
    }

    /// <summary>Processor seconds of all descendants of a process that have ended and were waited for.</summary>
    public static double ChildSeconds(int process)
    {
        string stat = File.ReadAllText($"/proc/{process}/stat");
        string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return (long.Parse(fields[13], CultureInfo.InvariantCulture) + long.Parse(fields[14], CultureInfo.InvariantCulture)) / TicksPerSecond;
    }

    /// <summary>Memory that programs can still have, bytes.</summary>
    public static long AvailableMemory() => 1024 * ReadNumber("/proc/meminfo", "MemAvailable:");

    /// <summary>First processor's name, number of processors, memory, kernel.</summary>
    public static string Machine()
    {
        string model = File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim() ?? "unknown processor";
        string kernel = File.ReadAllText("/proc/sys/kernel/osrelease").Trim();
        return string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessorCount} × {model}, {ReadNumber("/proc/meminfo", "MemTotal:") / 1048576.0:0} GiB, Linux {kernel}");
    }

    /// <summary>Runnable processes of the last minute; more than the processors means that the figures are of little worth.</summary>
    public static double Load() => double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture);

    private static long ReadNumber(string file, string key)
    {
        string line = File.ReadLines(file).First(l => l.StartsWith(key, StringComparison.Ordinal));
        return long.Parse(line[key.Length..].Trim().Split(' ')[0], CultureInfo.InvariantCulture);
    }
}
