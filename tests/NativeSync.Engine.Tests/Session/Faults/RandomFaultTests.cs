using System.Globalization;
using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;
using NativeSync.TestKit.FileSystem;
using NativeSync.TestKit.Trees;
using Xunit;
using Xunit.Abstractions;

namespace NativeSync.Engine.Tests.Session.Faults;

/// <summary>
/// Whatever the options and whichever call fails: nothing that was there is lost, nothing outside is touched, it is said, no handle
/// is left open, and a clean run afterwards makes both trees equal and leaves nothing incomplete behind.
/// </summary>
public sealed class RandomFaultTests(ITestOutputHelper output)
{
    private const int FaultsEach = 4;

    [Trait("Category", "Slow")]
    [Fact]
    public async Task AnyFaultUnderAnyOptionsLosesNothingAndTheNextRunCompletes()
    {
        int? only = Environment.GetEnvironmentVariable("NATIVESYNC_SEED") is { Length: > 0 } given ? int.Parse(given, CultureInfo.InvariantCulture) : null;
        // Which call is the Nth depends on how threads take turns, so that every run is another one: more of them find more.
        var sets = only is not null ? 1 : Environment.GetEnvironmentVariable("NATIVESYNC_FAULT_SETS") is { Length: > 0 } many ? int.Parse(many, CultureInfo.InvariantCulture) : TestRun.IsQuick ? 8 : 24;
        var failures = new List<string>();
        for (var i = 0; i < sets; i++)
        {
            try
            {
                await TryAsync(only ?? (1 + i));
            }
            catch (Xunit.Sdk.XunitException e)
            {
                failures.Add(e.Message);
            }
        }

        Assert.True(failures.Count == 0, string.Join("\n\n", failures));
    }

    private async Task TryAsync(int seed)
    {
        var random = new Random(seed);
        using var ground = new FaultGround("/dev/shm/ns-fault-" + Path.GetRandomFileName());
        var plan = OptionPlan.Draw(random, ground);
        output.WriteLine($"NATIVESYNC_SEED={seed}: {plan.Name}");
        ground.Reset(partials: plan.Resumes);
        CuttingLane? whole = null;
        var (sender, receiver) = (new FaultySystemCalls(LinuxSystemCalls.Instance), new FaultySystemCalls(LinuxSystemCalls.Instance));
        var clean = await ground.RunAsync(plan.Options, sender, receiver, line: lane => whole = new CuttingLane(lane, long.MaxValue));
        Assert.True(clean.ExitCode == 0, $"NATIVESYNC_SEED={seed} {plan.Name}: without a fault {clean}");
        for (var i = 0; i < FaultsEach; i++)
        {
            var atReceiver = random.Next(3) > 0;
            var fault = FaultPlan.Draw(random, atReceiver, (atReceiver ? receiver : sender).Calls, whole!.BytesRead);
            await TryAsync(ground, plan, fault, $"NATIVESYNC_SEED={seed} {plan.Name}; {fault.Name}");
        }
    }

    private static async Task TryAsync(FaultGround ground, OptionPlan plan, FaultPlan fault, string story)
    {
        ground.Reset(source: true, partials: plan.Resumes);
        var alternates = ground.Look("alt");
        var faulty = new FaultySystemCalls(LinuxSystemCalls.Instance);
        fault.Apply(faulty);
        var result = await ground.RunAsync(plan.Options, fault.AtReceiver ? null : faulty, fault.AtReceiver ? faulty : null, line: lane => new CuttingLane(lane, fault.Cut));
        story += "\n" + result;
        Assert.False(result.Failure is TimeoutException, story + "\nit hangs");
        Assert.True(result.ExitCode > 0 || result.ExitCode == 0, story + "\nnot a failure that was foreseen");
        Assert.True(faulty.OpenHandles == 0 && faulty.BadCloses == 0, $"{story}\n{faulty.OpenHandles} handles are open, {faulty.BadCloses} were closed twice");
        var judge = plan.Judge(ground);
        Assert.True(result.ExitCode != 0 || plan.MovesSource || faulty.Failures == 0 || ContentsAgree(ground, plan), story + "\nnobody said so:\n" + ground.Difference(judge));
        AssertNothingIsLost(ground, plan, story);
        AssertWhatIsNotThereIsNamed(ground, plan, result, story);
        Assert.True(Same(alternates, ground.Look("alt")), story + "\nanother hierarchy changed");
        Assert.True(Same(new() { ["kept"] = "f" }, ground.Look("outside")), story + "\nsomething outside changed");
        if (fault.Once)
        {
            Assert.True(!ground.Temporaries().Any(), $"{story}\nleft: {string.Join(' ', ground.Temporaries())}");
        }

        if (plan.MovesSource)
        {
            FaultGround.Shell($"rsync -aH --checksum {ground["model"]}/ {ground["src"]}/");
        }

        var again = await ground.RunAsync(plan.Options with { Flags = plan.Options.Flags | JobFlags.Delete });
        story += "\nand then " + again;
        Assert.True(again.ExitCode == 0, story);
        if (plan.MovesSource)
        {
            FaultGround.Shell($"rsync -aH {ground["model"]}/ {ground["src"]}/");
        }

        Assert.True(ground.Difference(judge).Length == 0, $"{story}\ndiffers:\n{ground.Difference(judge)}");
        Assert.True(!fault.Once || plan.Options.AlternateUse != AlternateUse.None || !ground.Look("dst").Keys.Any(p => Path.GetFileName(p) is ".part" or ".~tmp~"), story + "\na place for incomplete files is left");
        if (fault.Once)
        {
            Assert.True(!ground.Temporaries().Any(), $"{story}\nleft: {string.Join(' ', ground.Temporaries())}");
        }

        Assert.True(!plan.Resumes || !Directory.Exists(Path.Combine(ground["dst"], FaultGround.Place)), story + "\nwhat was left of files is still there");
    }

    /// <summary>A fault in something that does not matter (a hint, a look-up that is repeated) need not be told.</summary>
    private static bool ContentsAgree(FaultGround ground, OptionPlan plan) =>
        ground.Difference(plan.Judge(ground), (plan.Options.Flags & JobFlags.Delete) != 0).Length == 0
        || ground.Difference(plan.Judge(ground).Replace("-a", "-rl", StringComparison.Ordinal), (plan.Options.Flags & JobFlags.Delete) != 0).Length == 0;

    /// <summary>
    /// Each file that was there and that the source has, too, is still there, old or new; what is complete under a name has the content of
    /// one of the trees; and what a moved source no longer has has arrived.
    /// </summary>
    private static void AssertNothingIsLost(FaultGround ground, OptionPlan plan, string story)
    {
        var (old, model, alt, source, here) = (ground.Look("old"), ground.Look("model"), ground.Look("alt"), ground.Look("src"), ground.Look("dst"));
        var kept = ground.Look("bak").Concat(ground.Look(ground.Other)).ToLookup(p => p.Key, p => p.Value);
        foreach (var (path, was) in old)
        {
            if (!model.TryGetValue(path, out var wanted) || was[0] == 'd' || wanted[0] == 'd' || (plan.IsFake && was[0] == 'l'))
            {
                continue;
            }

            var isThere = here.TryGetValue(path, out var now);
            var isLeftOut = plan.Options.AlternateUse == AlternateUse.Compare && alt.GetValueOrDefault(path) == wanted;
            Assert.True(isThere || isLeftOut, $"{story}\n{path} is gone");
            Assert.True(!isThere || plan.InPlace || now == was || now == wanted || (plan.ShowsPartials && ground.IsBeginning(path)), $"{story}\n{path} is neither old nor new");
            // In place, what is written through one name of a file shows under the others.
            if (isThere && now != was && plan.KeepsBackups && was[0] == 'f' && !(plan.InPlace && path is "d1/hard" or "d0/f2") && !(plan.Options.AlternateUse != AlternateUse.None && alt.ContainsKey(path)))
            {
                Assert.True(here.GetValueOrDefault(path + "~") == was || kept[path].Contains(was), $"{story}\nthere is no backup of {path}");
            }
        }

        foreach (var (path, wanted) in model)
        {
            Assert.True((plan.IsFake && wanted[0] == 'l') || source.GetValueOrDefault(path) == wanted || here.GetValueOrDefault(path) == wanted, $"{story}\n{path} is at neither end");
        }
    }

    /// <summary>A run that came to its end names every entry that it did not bring about, or a directory above it.</summary>
    private static void AssertWhatIsNotThereIsNamed(FaultGround ground, OptionPlan plan, FaultResult result, string story)
    {
        if (result.Report is null || plan.IsFake || plan.MovesSource)
        {
            return;
        }

        var (alt, here) = (ground.Look("alt"), ground.Look("dst"));
        // A source that cannot be opened is named as it was given.
        var named = result.Report.Problems.Select(p => ByteText.Escape(p.Path)).Select(n => n == ground["src/"] ? "." : n).ToHashSet();
        foreach (var (path, wanted) in ground.Look("model"))
        {
            var isLeftOut = plan.Options.AlternateUse == AlternateUse.Compare && alt.GetValueOrDefault(path) == wanted;
            Assert.True(isLeftOut || here.GetValueOrDefault(path) == wanted || named.Any(n => n.Length == 0 || n == "." || path == n || path.StartsWith(n + "/", StringComparison.Ordinal)),
                $"{story}\n{path} is not there, and nobody says so");
        }
    }

    private static bool Same(Dictionary<string, string> one, Dictionary<string, string> other) =>
        one.Count == other.Count && one.All(p => other.TryGetValue(p.Key, out var value) && value.StartsWith(p.Value, StringComparison.Ordinal));
}
