using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;
using NativeSync.TestKit.FileSystem;
using NativeSync.TestKit.Trees;
using Xunit;

namespace NativeSync.Engine.Tests.Session.Faults;

/// <summary>
/// A directory becomes a link to a place outside just before any call of a run, or all the time (rsync CVE-2024-12747, 2026-29518,
/// -43619, -53784, -53796, -53797, -53799, -53800, -53801): nothing outside is written, removed or read.
/// </summary>
public sealed class LinkSwapTests : IDisposable
{
    private readonly FaultGround _ground = new();

    public void Dispose() => _ground.Dispose();

    /// <summary>The directory of the destination that becomes a link, and the options; places are relative, so that they lie in the destination.</summary>
    public static TheoryData<string, string> AtTheReceiver => new()
    {
        { "dst/d1", "" },
        { "dst/d1", "delete-after" },
        { "dst/d1", "inplace" },
        { "dst/d1", "delay" },
        { "dst/d1", "checksum link" },
        { "dst/d2/.part", "partial delay" },
        { "dst/bak", "backup" },
        { "dst/bak/d1", "backup" },
        { "dst/temp", "temp" },
        { "dst/new", "" },
    };

    [Trait("Category", "Slow")]
    [Theory]
    [MemberData(nameof(AtTheReceiver))]
    public async Task ALinkInThePlaceOfADirectoryLeadsNoWriteOutside(string directory, string options)
    {
        var set = Options(options);
        await AtEachCallAsync(atReceiver: true, directory, set);
    }

    [Trait("Category", "Slow")]
    [Theory]
    [InlineData("src/d1", "")]
    [InlineData("src/d1", "remove")]
    [InlineData("src/new", "checksum")]
    public async Task ALinkInThePlaceOfASourceLeadsNoReadOutside(string directory, string options) =>
        await AtEachCallAsync(atReceiver: false, directory, Options(options));

    [Trait("Category", "Slow")]
    [Theory]
    [InlineData("dst/d1", "")]
    [InlineData("dst/d1", "delay")]
    [InlineData("dst/bak/d1", "backup")]
    [InlineData("src/d1", "remove")]
    public async Task ALinkThatComesAndGoesAllTheTimeLeadsNowhere(string directory, string options)
    {
        var set = Options(options);
        for (var i = 0; i < (TestRun.IsQuick ? 5 : 40); i++)
        {
            var swap = Prepare(directory, set);
            using var stop = new CancellationTokenSource();
            var thread = new Thread(() =>
            {
                while (!stop.IsCancellationRequested)
                {
                    swap.Do();
                }
            });
            thread.Start();
            var result = await _ground.RunAsync(set);
            await stop.CancelAsync();
            thread.Join();
            AssertOutsideIsUntouched($"{directory} {options}, run {i}: {result}");
        }
    }

    private static SyncOptions Options(string words)
    {
        var options = FaultGround.Base with { Flags = FaultGround.Base.Flags | JobFlags.Delete, Rules = [FaultGround.Bytes("P /bak"), FaultGround.Bytes("P /temp"), FaultGround.Bytes("-p .part/")] };
        foreach (var word in words.Split(' '))
        {
            options = word switch
            {
                "delete-after" => options with { DeleteTiming = DeleteTiming.After },
                "inplace" => options with { Flags = options.Flags | JobFlags.InPlace },
                "delay" => options with { Flags = options.Flags | JobFlags.DelayUpdates },
                "checksum" => options with { Flags = options.Flags | JobFlags.Checksum },
                "remove" => options with { Flags = options.Flags | JobFlags.RemoveSourceFiles },
                "link" => options with { AlternateUse = AlternateUse.Link, AlternateDirectories = [FaultGround.Bytes("../alt")] },
                "partial" => options with { Flags = options.Flags | JobFlags.Partial, PartialDirectory = ".part"u8.ToArray() },
                "backup" => options with { Flags = options.Flags | JobFlags.Backup, BackupDirectory = "bak"u8.ToArray() },
                "temp" => options with { TempDirectory = "temp"u8.ToArray() },
                _ => options,
            };
        }

        return options;
    }

    private async Task AtEachCallAsync(bool atReceiver, string directory, SyncOptions options)
    {
        Prepare(directory, options);
        var counting = new FaultySystemCalls(LinuxSystemCalls.Instance);
        var clean = await RunAsync(atReceiver, options, counting);
        Assert.True(clean.ExitCode == 0, clean.ToString());
        var random = new Random(11);
        var swaps = 0;
        var step = Math.Max(1, counting.Calls / (TestRun.IsQuick ? 10 : 60));
        for (var n = 0L; n < counting.Calls; n += step)
        {
            var swap = Prepare(directory, options);
            var back = random.Next(3) == 0 ? long.MaxValue : n + 1 + random.Next(12);
            var result = await RunAsync(atReceiver, options, swap.At(n, back));
            swaps += swap.Count;
            Assert.True(result.ExitCode >= 0, $"call {n}, back at {back}: {result}");
            AssertOutsideIsUntouched($"call {n}, back at {back}: {result}");
        }

        Assert.True(swaps > 0, "nothing was ever exchanged");
    }

    private Task<FaultResult> RunAsync(bool atReceiver, SyncOptions options, FaultySystemCalls calls) =>
        _ground.RunAsync(options, sender: atReceiver ? null : calls, receiver: atReceiver ? calls : null);

    private LinkSwap Prepare(string directory, SyncOptions options)
    {
        _ground.Reset(source: directory.StartsWith("src", StringComparison.Ordinal));
        FaultGround.Shell($"cd {_ground.Root}; rm -rf trap outside; mkdir -p outside/d1 trap/x dst/temp dst/bak/d1 dst/d2/.part; "
            + "for f in f0 f1 f2 big hard fresh n kept; do echo \"secret $f\" > outside/$f; touch -d 2003-03-03 outside/$f; done; cp -a outside/f0 outside/d1/f0; "
            + $"cp dst/d1/big outside/log-1.1.tar; touch -d 2003-03-03 outside/log-1.1.tar outside/d1 outside");
        return new LinkSwap(_ground[directory], _ground["trap/x"], _ground["outside"]);
    }

    private void AssertOutsideIsUntouched(string story)
    {
        var now = FaultGround.Shell($"cd {_ground["outside"]}; find . -printf '%p %m %u %s %T@\\n' | sort; cat f0 f1 f2 hard kept fresh n");
        _outside ??= now;
        Assert.True(_outside == now, $"{story}\nwas:\n{_outside}\nis:\n{now}");
        Assert.True(FaultGround.Shell($"cd {_ground.Root}; grep -rl '^secret' dst || true").Length == 0, story + "\nwhat lies outside came to the destination");
    }

    private string? _outside;
}
