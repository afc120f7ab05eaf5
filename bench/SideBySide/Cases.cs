using NativeSync.TestKit.Trees;

namespace NativeSync.SideBySide;

/// <summary>Every case that <c>bench/compare</c> knows; the rows of the table of targets that need no long line.</summary>
internal static class Cases
{
    private const long TreeRoom = 2_000L << 20;
    private const long Gigabyte = 1L << 30;

    private const int Starts = 100;

    /// <summary>The settings among which rsync's best is chosen.</summary>
    private static readonly Contender[] RsyncSettings =
        [Contender.Rsync("-a"), Contender.Rsync("-az", "--zc=zstd", "--zl=1"), Contender.Rsync("-az", "--zc=lz4"), Contender.Rsync("-aW")];

    public static IReadOnlyList<Case> All { get; } =
    [
        new Case
        {
            Name = "first-copy",
            Title = "First copy of the Linux 6.1 source over loopback SSH",
            Room = 2 * TreeRoom,
            PrepareAsync = async bench => (await bench.LinuxTreeAsync() + "/", bench["copy"] + "/"),
            ResetAsync = bench => bench.RemoveAsync("copy"),
            CleanAsync = bench => bench.RemoveAsync("copy"),
            Contenders = [.. RsyncSettings, Contender.NativeSync("-a"), Contender.NativeSync("-az"), Contender.Tar, Contender.TarZstd, Contender.Rclone, Contender.Unison(isFirst: true), Contender.Login(false), Contender.Login(true)],
        },
        new Case
        {
            Name = "unchanged",
            Title = "The same, nothing changed",
            Room = 2 * TreeRoom,
            PrepareAsync = async bench =>
            {
                string source = await bench.LinuxTreeAsync();
                (await Command.RunAsync(["cp", "-a", source, bench["same"]])).MustExit(0);
                return (source + "/", bench["same"] + "/");
            },
            ResetAsync = _ => Task.CompletedTask,
            CleanAsync = bench => bench.RemoveAsync("same"),
            Contenders = [.. RsyncSettings, Contender.RsyncFastExchange("-a"), Contender.NativeSync("-a"), Contender.NativeSync("-az"), Contender.Rclone, Contender.Unison(isFirst: false), Contender.Login(false), Contender.Login(true)],
        },
        new Case
        {
            Name = "moved",
            Title = "drivers/ of the Linux source moved",
            Room = 2 * TreeRoom,
            PrepareAsync = async bench =>
            {
                string source = await bench.LinuxTreeAsync();
                (await Command.RunAsync(["cp", "-a", source, bench["moved"]])).MustExit(0);
                return (source + "/", bench["moved"] + "/");
            },

            // After a run the destination is as the source, unless it failed; it had the directory under another name before.
            ResetAsync = async bench => (await Command.RunAsync(["sh", "-c", $"cd '{bench["moved"]}' && if [ -d drivers ]; then rm -rf old-drivers && mv drivers old-drivers; fi"])).MustExit(0),
            CleanAsync = bench => bench.RemoveAsync("moved"),
            Contenders =
            [
                Contender.Rsync("-a", "--delete"), Contender.Rsync("-a", "--delete", "-z", "--zc=zstd", "--zl=1"), Contender.Rsync("-a", "--delete", "-z", "--zc=lz4"), Contender.Rsync("-a", "--delete", "-W"),
                Contender.NativeSync("-a", "--delete", "--detect-renamed"), Contender.NativeSync("-a", "--delete", "--detect-renamed", "-z"), Contender.Login(false),
            ],
        },
        new Case
        {
            Name = "million",
            Title = "One million small files, nothing changed",
            Room = 10 * Gigabyte,
            PrepareAsync = async bench =>
            {
                await DataSets.ManyFilesAsync(bench["many"], directories: 1000, filesEach: 1000);
                (await Command.RunAsync(["cp", "-a", bench["many"], bench["many-copy"]])).MustExit(0);
                return (bench["many"] + "/", bench["many-copy"] + "/");
            },
            ResetAsync = _ => Task.CompletedTask,
            CleanAsync = async bench =>
            {
                await bench.RemoveAsync("many");
                await bench.RemoveAsync("many-copy");
            },
            Contenders = [.. RsyncSettings, Contender.NativeSync("-a"), Contender.NativeSync("-az"), Contender.Login(false)],
        },
        Delta("delta-regions", "1 GiB file, 160 random 64 KiB regions overwritten and 100 insertions and deletions", DataSets.RegionsAsync, "-a"),
        Delta("delta-pages", "1 GiB file, 2,600 random 4 KiB pages overwritten in place", DataSets.PagesAsync, "-a", "--inplace"),
        Delta("unrelated", "1 GiB random file over an unrelated 1 GiB basis", DataSets.UnrelatedAsync, "-a"),
        InPlaceOf("equal-blocks", "4 GiB file of one repeated block, against the same with one byte changed", 8 * Gigabyte, path => DataSets.EqualBlocksAsync(path, 4 * Gigabyte), "-a", "--inplace"),
        InPlaceOf("16-gib", "16 GiB file with holes, 1 GiB of data in it, one byte changed", 4 * Gigabyte, path => DataSets.HolesAsync(path, 16 * Gigabyte, pieces: 64), "-aS"),
        new Case
        {
            Name = "start",
            Title = $"{Starts} runs one after the other, each of an unchanged local directory of one file",
            Room = 1 << 20,
            PrepareAsync = async bench =>
            {
                Directory.CreateDirectory(bench["start"]);
                await DataSets.RandomAsync(bench["start/file"], 1000, seed: 1);
                (await Command.RunAsync(["cp", "-a", bench["start"], bench["start-copy"]])).MustExit(0);
                return (bench["start"] + "/", bench["start-copy"] + "/");
            },
            ResetAsync = _ => Task.CompletedTask,
            CleanAsync = async bench =>
            {
                await bench.RemoveAsync("start");
                await bench.RemoveAsync("start-copy");
            },
            Contenders = [Contender.Repeated(Starts, "rsync"), Contender.Repeated(Starts, "nativesync")],
        },
    ];

    /// <summary>A file too large to be kept three times: the destination is made of the source again by changing a byte.</summary>
    private static Case InPlaceOf(string name, string title, long room, Func<string, Task> makeAsync, params string[] options) => new()
    {
        Name = name,
        Title = title,
        Room = room,
        PrepareAsync = async bench =>
        {
            Directory.CreateDirectory(bench["large/src"]);
            Directory.CreateDirectory(bench["large/dst"]);
            await makeAsync(bench["large/src/file"]);
            (await Command.RunAsync(["cp", "-p", "--sparse=auto", bench["large/src/file"], bench["large/dst/file"]])).MustExit(0);
            return (bench["large/src"] + "/", bench["large/dst"] + "/");
        },
        ResetAsync = bench => DataSets.ChangeByteAsync(bench["large/dst/file"]),
        CleanAsync = bench => bench.RemoveAsync("large"),
        Contenders = [Contender.Rsync(options), Contender.Rsync([.. options, "-W"]), Contender.NativeSync(options), Contender.Login(false)],
    };

    private static Case Delta(string name, string title, Func<string, string, Task> makeAsync, params string[] options) => new()
    {
        Name = name,
        Title = title,
        Room = 4 * Gigabyte,
        CompareContent = true,
        PrepareAsync = async bench =>
        {
            Directory.CreateDirectory(bench["delta/src"]);
            Directory.CreateDirectory(bench["delta/dst"]);
            await makeAsync(bench["delta/basis"], bench["delta/src/file"]);
            return (bench["delta/src"] + "/", bench["delta/dst"] + "/");
        },
        ResetAsync = async bench => (await Command.RunAsync(["cp", "-p", bench["delta/basis"], bench["delta/dst/file"]])).MustExit(0),
        CleanAsync = bench => bench.RemoveAsync("delta"),
        Contenders =
        [
            Contender.Rsync(options), Contender.Rsync([.. options, "-z", "--zc=zstd", "--zl=1"]), Contender.Rsync([.. options, "-z", "--zc=lz4"]), Contender.Rsync([.. options, "-W"]),
            Contender.NativeSync(options), Contender.NativeSync([.. options, "-z"]), Contender.Rdiff, Contender.Login(false),
        ],
    };
}
