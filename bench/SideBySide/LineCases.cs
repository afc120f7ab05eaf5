using NativeSync.TestKit.Line;
using NativeSync.TestKit.Trees;

namespace NativeSync.SideBySide;

/// <summary>The cases on a long thin line: every line of the table of targets, with each kind of data. None runs unasked.</summary>
internal static class LineCases
{
    private const double EnoughSeconds = 15;

    /// <summary>Of the contents of the Linux 6.1 source, within a percent.</summary>
    private const long TreeBytes = 1_300_000_000;

    /// <summary>The lines, and a level of zstd with which rsync, which sends what 2 MiB a round trip let it, keeps up there by a wide margin; the cases <c>-tree-levels</c> try others.</summary>
    private static readonly (string Name, LineShape Shape, int Level)[] Lines =
    [
        ("500-60", new LineShape(500_000_000, TimeSpan.FromMilliseconds(60)), 1),
        ("200-200", new LineShape(200_000_000, TimeSpan.FromMilliseconds(200)), 3),
        ("100-100-loss", new LineShape(100_000_000, TimeSpan.FromMilliseconds(100), Loss: 0.005), 5),
        ("20-30", new LineShape(20_000_000, TimeSpan.FromMilliseconds(30)), 9),
    ];

    private static readonly Contender[] Plain = [Contender.Rsync("-a"), Contender.NativeSync("-a")];

    private static readonly Contender[] Pulling = [Contender.RsyncPull("-a"), Contender.NativeSyncPull("-a")];

    public static IReadOnlyList<Case> All { get; } = [.. Lines.SelectMany(line => new[]
    {
        // Bytes for 15 s of the full line, and a short one for a quick look.
        Bulk(line.Name, line.Shape, "", (long)(line.Shape.BytesPerSecond * EnoughSeconds)) with { Row = new(Words(line.Shape), "incompressible") },
        Bulk(line.Name, line.Shape, "-short", (long)(line.Shape.BytesPerSecond * EnoughSeconds / 3)),
        Bulk(line.Name, line.Shape, "-pull", (long)(line.Shape.BytesPerSecond * EnoughSeconds)) with { Contenders = Pulling },
        Tree(line.Name, line.Shape, Packed(line.Level)) with { Row = new(Words(line.Shape), "Linux tree") },
        Tree(line.Name, line.Shape, Enumerable.Range(0, 5).SelectMany(step => Packed(1 + 3 * step)[..1])) with { Name = $"line-{line.Name}-tree-levels" },
        Small(line.Name, line.Shape) with { Row = new(Words(line.Shape), "1,000 small files") },
        Unchanged(line.Name, line.Shape) with { Row = new(Words(line.Shape), "nothing changed") },
        Percent(line.Name, line.Shape) with { Row = new(Words(line.Shape), "1 GiB, 1 % changed") },
    })];

    /// <summary>The cases of the table of all lines, in its order.</summary>
    public static IReadOnlyList<Case> Table { get; } = [.. All.Where(one => one.Row is not null)];

    private static Contender[] Packed(int level) => [Contender.Rsync("-az", "--zc=zstd", $"--zl={level}"), Contender.NativeSync("-az")];

    private static string Words(LineShape line) =>
        $"{line.BitsPerSecond / 1_000_000} Mbit/s at {line.RoundTrip.TotalMilliseconds:0} ms{(line.Loss > 0 ? $" with {line.Loss:0.0 %} loss" : "")}";

    private static Case Bulk(string name, LineShape line, string suffix, long bytes) => new()
    {
        Name = $"line-{name}{suffix}",
        Title = $"{bytes / 1_000_000} MB incompressible{(suffix == "-pull" ? " from there" : "")}, {Words(line)}",
        ByDefault = false,
        Room = 3 * bytes,
        Line = line,
        Payload = bytes,
        PrepareAsync = async bench =>
        {
            Directory.CreateDirectory(bench["bulk"]);
            await DataSets.RandomAsync(bench["bulk/large"], bytes * 3 / 4, seed: 21);
            for (int i = 0; i < 8; i++)
            {
                await DataSets.RandomAsync(bench[$"bulk/{i}"], bytes / 32, seed: 22 + i);
            }

            return (bench["bulk"] + "/", bench["bulk-copy"] + "/");
        },
        ResetAsync = bench => bench.RemoveAsync("bulk-copy"),
        CleanAsync = async bench =>
        {
            await bench.RemoveAsync("bulk");
            await bench.RemoveAsync("bulk-copy");
        },
        Contenders = Plain,
    };

    private static Case Tree(string name, LineShape line, IEnumerable<Contender> contenders) => new()
    {
        Name = $"line-{name}-tree",
        Title = $"First copy of the Linux 6.1 source, {Words(line)}",
        ByDefault = false,
        Room = 4_000L << 20,
        Line = line,
        Payload = TreeBytes,
        PrepareAsync = async bench => (await bench.LinuxTreeAsync() + "/", bench["copy"] + "/"),
        ResetAsync = bench => bench.RemoveAsync("copy"),
        CleanAsync = bench => bench.RemoveAsync("copy"),
        Contenders = [.. contenders],
    };

    private static Case Small(string name, LineShape line) => new()
    {
        Name = $"line-{name}-small",
        Title = $"1,000 small files, {Words(line)}",
        ByDefault = false,
        Room = 64 << 20,
        Line = line,
        PrepareAsync = async bench =>
        {
            await DataSets.ManyFilesAsync(bench["small"], directories: 10, filesEach: 100);
            return (bench["small"] + "/", bench["small-copy"] + "/");
        },
        ResetAsync = bench => bench.RemoveAsync("small-copy"),
        CleanAsync = async bench =>
        {
            await bench.RemoveAsync("small");
            await bench.RemoveAsync("small-copy");
        },
        Contenders = Plain,
    };

    private static Case Unchanged(string name, LineShape line) => new()
    {
        Name = $"line-{name}-unchanged",
        Title = $"1,000 small files, nothing changed, {Words(line)}",
        ByDefault = false,
        Room = 64 << 20,
        Line = line,
        PrepareAsync = async bench =>
        {
            await DataSets.ManyFilesAsync(bench["small"], directories: 10, filesEach: 100);
            (await Command.RunAsync(["cp", "-a", bench["small"], bench["small-copy"]])).MustExit(0);
            return (bench["small"] + "/", bench["small-copy"] + "/");
        },
        ResetAsync = _ => Task.CompletedTask,
        CleanAsync = async bench =>
        {
            await bench.RemoveAsync("small");
            await bench.RemoveAsync("small-copy");
        },
        Contenders = Plain,
    };

    private static Case Percent(string name, LineShape line) => new()
    {
        Name = $"line-{name}-percent",
        Title = $"1 GiB file of which 1 % changed, {Words(line)}",
        ByDefault = false,
        Room = 4L << 30,
        Line = line,
        Payload = DataSets.PageBytes,
        CompareContent = true,
        PrepareAsync = async bench =>
        {
            Directory.CreateDirectory(bench["delta/src"]);
            Directory.CreateDirectory(bench["delta/dst"]);
            await DataSets.PagesAsync(bench["delta/basis"], bench["delta/src/file"]);
            return (bench["delta/src"] + "/", bench["delta/dst"] + "/");
        },
        ResetAsync = async bench => (await Command.RunAsync(["cp", "-p", bench["delta/basis"], bench["delta/dst/file"]])).MustExit(0),
        CleanAsync = bench => bench.RemoveAsync("delta"),
        Contenders = Plain,
    };
}
