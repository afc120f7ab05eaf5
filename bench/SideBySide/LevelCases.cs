using NativeSync.TestKit.Line;
using NativeSync.TestKit.Trees;

namespace NativeSync.SideBySide;

/// <summary>The level of compression that adapts, against each fixed one, where the line decides: source text over a line that is slower than any of them, and over one that few keep up with. None runs unasked.</summary>
internal static class LevelCases
{
    private static readonly int[] Levels = [-5, 1, 3, 5, 9, 12, 15, 19];

    /// <summary>On a line with which the strong levels do not keep up by far.</summary>
    private static readonly int[] QuickLevels = [-5, 1, 3, 5, 9];

    public static IReadOnlyList<Case> All { get; } =
    [
        Levelled("levels-20-30", new LineShape(20_000_000, TimeSpan.FromMilliseconds(30)), Levels, "kernel", "fs", "net"),
        Levelled("levels-100-100", new LineShape(100_000_000, TimeSpan.FromMilliseconds(100)), Levels, "kernel", "fs", "net", "arch"),
        Levelled("levels-200-30", new LineShape(200_000_000, TimeSpan.FromMilliseconds(30)), QuickLevels, "drivers/net", "fs", "net", "arch"),
        Levelled("levels-500-60", new LineShape(500_000_000, TimeSpan.FromMilliseconds(60)), QuickLevels, "drivers/net", "fs", "net", "arch"),
    ];

    private static Case Levelled(string name, LineShape line, int[] levels, params string[] parts) => new()
    {
        Name = name,
        Title = $"{string.Join(", ", parts)} of the Linux 6.1 source, {line.BitsPerSecond / 1_000_000} Mbit/s at {line.RoundTrip.TotalMilliseconds:0} ms, level by level",
        ByDefault = false,
        Room = 3_000L << 20,
        Line = line,
        PrepareAsync = async bench =>
        {
            string tree = await bench.LinuxTreeAsync();
            Directory.CreateDirectory(bench["levels"]);
            foreach (string part in parts)
            {
                (await Command.RunAsync(["cp", "-a", Path.Combine(tree, part), bench["levels/" + part.Replace('/', '-')]])).MustExit(0);
            }

            return (bench["levels"] + "/", bench["levels-copy"] + "/");
        },
        ResetAsync = bench => bench.RemoveAsync("levels-copy"),
        CleanAsync = async bench =>
        {
            await bench.RemoveAsync("levels");
            await bench.RemoveAsync("levels-copy");
        },
        Contenders = [Contender.NativeSync("-a"), Contender.NativeSync("-az"), .. levels.Select(level => Contender.NativeSync("-az", $"--compress-level={level}"))],
    };
}
