using System.Globalization;
using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;
using NativeSync.TestKit.FileSystem;
using NativeSync.TestKit.Trees;
using Xunit;
using Xunit.Abstractions;

namespace NativeSync.Engine.Tests.Session.Faults;

/// <summary>
/// --append and --append-verify over files that have grown, whichever call fails: each is a beginning of its source, never shorter than
/// it was, what did not arrive is named, and a clean run completes them.
/// </summary>
public sealed class AppendFaultTests(ITestOutputHelper output) : IDisposable
{
    private readonly FaultGround _ground = new();

    public void Dispose() => _ground.Dispose();

    [Trait("Category", "Slow")]
    [Theory]
    [InlineData(JobFlags.Append)]
    [InlineData(JobFlags.AppendVerify)]
    public async Task AFileThatGrowsIsABeginningOfItsSourceWhateverFails(JobFlags how)
    {
        Shorten();
        var given = Environment.GetEnvironmentVariable("NATIVESYNC_SEED");
        var seed = given is { Length: > 0 } ? int.Parse(given, CultureInfo.InvariantCulture) : 1;
        output.WriteLine($"NATIVESYNC_SEED={seed}");
        var random = new Random(seed);
        var faults = Environment.GetEnvironmentVariable("NATIVESYNC_FAULT_SETS") is { Length: > 0 } many ? int.Parse(many, CultureInfo.InvariantCulture) * 4 : TestRun.IsQuick ? 12 : 40;
        var options = FaultGround.Base with { Flags = FaultGround.Base.Flags | how };
        _ground.Reset(source: true);
        CuttingLane? whole = null;
        var (sender, receiver) = (new FaultySystemCalls(LinuxSystemCalls.Instance), new FaultySystemCalls(LinuxSystemCalls.Instance));
        var clean = await _ground.RunAsync(options, sender, receiver, line: lane => whole = new CuttingLane(lane, long.MaxValue));
        Assert.True(clean.ExitCode == 0 && _ground.Difference(delete: false).Length == 0, $"without a fault {clean}\n{_ground.Difference(delete: false)}");
        for (var i = 0; i < faults; i++)
        {
            var atReceiver = random.Next(3) > 0;
            var fault = FaultPlan.Draw(random, atReceiver, (atReceiver ? receiver : sender).Calls, whole!.BytesRead);
            await TryAsync(options with { Flags = options.Flags | (random.Next(3) == 0 ? JobFlags.Fsync : 0) | (random.Next(3) == 0 ? JobFlags.Sparse : 0) }, fault);
        }
    }

    private async Task TryAsync(SyncOptions options, FaultPlan fault)
    {
        _ground.Reset();
        var faulty = new FaultySystemCalls(LinuxSystemCalls.Instance);
        fault.Apply(faulty);
        var result = await _ground.RunAsync(
            options, fault.AtReceiver ? null : faulty, fault.AtReceiver ? faulty : null, line: lane => new CuttingLane(lane, fault.Cut));
        var story = $"{options.Flags}; {fault.Name}\n{result}";
        Assert.True(result.ExitCode >= 0, story);
        Assert.True(faulty.OpenHandles == 0 && faulty.BadCloses == 0, $"{story}\n{faulty.OpenHandles} handles are open, {faulty.BadCloses} were closed twice");
        AssertBeginnings(result, story);
        Assert.True(!fault.Once || !_ground.Temporaries().Any(), $"{story}\nleft: {string.Join(' ', _ground.Temporaries())}");
        var again = await _ground.RunAsync(options);
        Assert.True(again.ExitCode == 0, $"{story}\nand then {again}");

        // As with rsync, a file that is as long as its source is left alone in everything: attributes that failed stay as they were.
        Assert.True(_ground.Difference("-rlH", delete: false).Length == 0, $"{story}\nand then {again}\n{_ground.Difference("-rlH", delete: false)}");
    }

    private void AssertBeginnings(FaultResult result, string story)
    {
        var model = _ground.Look("model");
        foreach (var (path, wanted) in model)
        {
            if (wanted[0] != 'f')
            {
                continue;
            }

            var (old, here) = (Path.Combine(_ground["old"], path), Path.Combine(_ground["dst"], path));
            Assert.True(!File.Exists(old) || File.Exists(here), $"{story}\n{path} is gone");
            var content = File.Exists(here) ? File.ReadAllBytes(here) : [];
            var full = File.ReadAllBytes(Path.Combine(_ground["model"], path));
            Assert.True(content.Length <= full.Length && content.AsSpan().SequenceEqual(full.AsSpan(0, content.Length)), $"{story}\n{path} is damaged");
            Assert.True(!File.Exists(old) || content.Length >= new FileInfo(old).Length, $"{story}\n{path} has become shorter");
            Assert.True(content.Length == full.Length || result.Report is null || result.Report.Problems.Any(p => Covers(ByteText.Escape(p.Path), path)), $"{story}\n{path} is not complete, and nobody says so");
        }
    }

    private static bool Covers(string named, string path) => named.Length == 0 || named == "." || path == named || path.StartsWith(named + "/", StringComparison.Ordinal);

    /// <summary>An older destination whose files are beginnings of those of the source, some of them empty, some missing.</summary>
    private void Shorten() => FaultGround.Shell($$"""
        cd {{_ground.Root}}; rm -rf old; cp -a model old; cd old; rm new/n d2/fresh
        for f in d0/f1 d0/f2 d1/f1 d1/f2 d1/big d2/f1 d2/single new/big d0/after; do
            head -c $(($(stat -c %s $f) * 3 / 5)) $f >../beginning; cat ../beginning >$f; touch -d 2010-01-01 $f
        done
        : >d2/f2; touch -d 2010-01-01 d2/f2
        """);
}
