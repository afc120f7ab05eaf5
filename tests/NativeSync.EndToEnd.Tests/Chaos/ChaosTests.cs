using System.Globalization;
using NativeSync.EndToEnd.Tests.Support;
using NativeSync.TestKit.Trees;
using Xunit.Abstractions;

namespace NativeSync.EndToEnd.Tests.Chaos;

/// <summary>
/// Whatever dies, and whenever: the run that completes leaves the tree of the source and nothing else, and what goes over the line
/// again is little. NATIVESYNC_CHAOS says how many moments; NATIVESYNC_SEED the seed of the first, each further one has the next.
/// </summary>
public sealed class ChaosTests(SharedServer server, ITestOutputHelper output) : IClassFixture<SharedServer>
{
    /// <summary>What of a kill may go over the line again, at the median.</summary>
    private const long Bound = 16L << 20;

    private readonly Dictionary<(bool Push, bool Fresh, bool Renames), long> _ideals = [];

    [Trait("Category", "Slow")]
    [Fact]
    public Task AFewMomentsCostLittle() => RunAsync(3);

    [Fact]
    [Trait("Category", "Slow")]
    public Task ManyMomentsCostLittle() =>
        RunAsync(Environment.GetEnvironmentVariable("NATIVESYNC_CHAOS") is { Length: > 0 } many ? int.Parse(many, CultureInfo.InvariantCulture) : 12);

    private async Task RunAsync(int moments)
    {
        int seed = Environment.GetEnvironmentVariable("NATIVESYNC_SEED") is { Length: > 0 } given && int.TryParse(given, CultureInfo.InvariantCulture, out int number) ? number : 1;
        using ChaosTrees trees = new();
        await trees.FillAsync();
        using CountedLine line = new(server.Ssh.Port);
        RemoteRun run = new(server.Ssh, line);
        List<long> again = [];
        int hits = 0, kills = 0;
        for (int i = 0; i < moments; i++)
        {
            ChaosMoment moment = ChaosMoment.Draw(seed + i);
            long ideal = await IdealAsync(moment, trees, run, line);
            await trees.ResetAsync(moment.Fresh);
            long begun = line.Moved;
            string story = moment.ToString();
            long rest = ideal;
            int struck = 0;
            foreach (Blow blow in moment.Blows)
            {
                // By what has gone over the line, not by time: a slow machine is hit as a fast one is.
                long at = line.Moved + (long)(blow.At * rest);
                CommandResult killed = await MoveAsync(moment, trees, run, async client =>
                {
                    await RemoteRun.UntilAsync(() => line.Moved >= at, client);
                    struck += Strike(blow.Victim, moment.Seed, run, line, client) ? 1 : 0;
                });
                hits += killed.ExitCode == 0 ? 0 : 1;
                story += $"\n{line.Moved - begun} of {ideal} bytes had gone\n{killed}";
                rest = Math.Max(0, ideal - (line.Moved - begun));
            }

            CommandResult completing = await MoveAsync(moment, trees, run, _ => Task.CompletedTask);
            Assert.True(completing.ExitCode == 0, $"{story}\n{completing}");
            long each = (line.Moved - begun - ideal) / Math.Max(1, struck);
            await MustBeEqualAsync(trees, story);
            kills += struck;
            again.Add(each);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{moment}; {each} of {ideal} bytes again a kill"));
        }

        again.Sort();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"chaos: {moments} of {moments} equal; {kills} kills, {hits} ended a run; bytes sent again a kill: median {again[again.Count / 2]}, 90th percentile {again[again.Count * 9 / 10]}, worst {again[^1]}"));
        Assert.True(kills > moments / 2, $"only {kills} kills of {moments} moments came in time");
        Assert.True(again[again.Count / 2] <= Bound, $"at the median {again[again.Count / 2]} bytes were sent again");
    }

    /// <summary>Bytes on the line, both ways, when nothing happens.</summary>
    private async Task<long> IdealAsync(ChaosMoment moment, ChaosTrees trees, RemoteRun run, CountedLine line)
    {
        if (!_ideals.TryGetValue(moment.Kind, out long ideal))
        {
            await trees.ResetAsync(moment.Fresh);
            long begun = line.Moved;
            (await MoveAsync(moment with { Lanes = 1 }, trees, run, _ => Task.CompletedTask)).MustExit(0);
            _ideals.Add(moment.Kind, ideal = line.Moved - begun);
        }

        return ideal;
    }

    private static Task<CommandResult> MoveAsync(ChaosMoment moment, ChaosTrees trees, RemoteRun run, Func<int, Task> meanwhile) => moment.Push
        ? run.PushAsync(trees.Source + "/", trees.Destination, meanwhile, moment.Words)
        : run.PullAsync(trees.Source + "/", trees.Destination, meanwhile, moment.Words);

    private static async Task MustBeEqualAsync(ChaosTrees trees, string story)
    {
        try
        {
            await TreeJudge.MustBeEqualAsync(trees.Source, trees.Destination, holes: false);
        }
        catch (InvalidOperationException e)
        {
            Assert.Fail($"{e.Message}\n{story}");
        }
    }

    /// <returns>False: there was nothing left to hit.</returns>
    private static bool Strike(string victim, int seed, RemoteRun run, CountedLine line, int client)
    {
        if (ProcessWatch.CommandLineOf(client) is not { Length: > 0 })
        {
            return false;
        }

        switch (victim)
        {
            case "line":
                line.Cut();
                return true;
            case "client":
                RemoteRun.Kill(client);
                return true;
            default:
                IReadOnlyList<int> found = run.FindAll(victim switch { "sshd" => RemoteRun.IsSshd, "lane" => RemoteRun.IsLane, _ => RemoteRun.IsAgent });
                RemoteRun.Kill(found.Count == 0 ? null : found[seed % found.Count]);
                return found.Count > 0;
        }
    }
}
