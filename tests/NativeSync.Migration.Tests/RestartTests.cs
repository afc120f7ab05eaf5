using NativeSync.Migration.Api;
using NativeSync.Migration.Simulator;
using NativeSync.Migration.Stages;

namespace NativeSync.Migration.Tests;

/// <summary>Killed anywhere, a migration goes on and repeats nothing that must not be repeated.</summary>
public sealed class RestartTests
{
    [Trait("Category", "Slow")]
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task KilledAfterEachStateRecordTheNextRunCompletesAndRepeatsNothing(int mode)
    {
        int kills = 0;
        for (int record = 1; ; record++)
        {
            await using LoopbackProxy? proxy = mode == 3 ? new("user", Harness.ProxyPassword, TimeProvider.System) : null;
            await using Harness h = new(mode, client: proxy is null ? "" : $$$""","Net.Proxy":{"Ip":"127.0.0.1","Port":{{{proxy.Port}}},"User":"user","Password":"{{{Harness.ProxyPassword}}}"}""");
            bool killed = false;
            int places = 0;
            for (int run = 0; ; run++)
            {
                try
                {
                    RunOutcome outcome = await h.RunAsync(killed ? null : record - RecordsBefore(h));
                    if (outcome == RunOutcome.Migrated)
                    {
                        break;
                    }

                    h.Tool = h.CopyTool($"place{++places}");
                }
                catch (KilledException)
                {
                    killed = true;
                    kills++;
                }
            }

            Assert.Equal(InstanceStates.Running, h.Instance.State);
            Assert.Equal(new Dictionary<string, int> { ["EnterRescueMode"] = 1, ["ExitRescueMode"] = 1, ["StartInstances"] = 1 }, h.Instance.Accepted);
            Assert.Null(MigrationRun.ReadState(h.Tool)!.Rescue);
            Assert.Equal("Migrate successfully.", h.Observer.Lines[^1]);
            Assert.Equal(["lock", "state.json"], Directory.EnumerateFiles(h.Tool.StateDirectory).Select(Path.GetFileName).Order(StringComparer.Ordinal));
            if (!killed)
            {
                break;
            }

            // A finished pass is not done again: two passes, and at most the one that was under way once more.
            Assert.InRange(h.Mover.Pushes.Count, 2, 3);
        }

        Assert.True(kills >= 25, $"only {kills} records were tried");

        // Records are counted over all runs of one migration: what earlier stages wrote is behind us.
        static int RecordsBefore(Harness h)
        {
            MigrationState? state = File.Exists(h.StateFile) ? MigrationRun.ReadState(h.Tool) : null;
            return state is null ? 0 : state.Steps.Count + state.Steps.Count(s => s.DoneAt is not null);
        }
    }

    [Theory]
    [InlineData("EnterRescueMode", FaultKind.CutAfter, 0)]
    [InlineData("ExitRescueMode", FaultKind.CutAfter, 0)]
    [InlineData("StartInstances", FaultKind.CutAfter, 0)]
    [InlineData("EnterRescueMode", FaultKind.Truncated, 2)]
    [InlineData("ExitRescueMode", FaultKind.Truncated, 2)]
    [InlineData("StartInstances", FaultKind.Truncated, 2)]
    public async Task AnActionWhoseAnswerWasLostIsNotCalledAgain(string action, FaultKind kind, int stale)
    {
        await using Harness h = new(fault: c => c.Action == action && c.Count == 1 ? new SimulatedFault(kind) : null, options: o => o with { StaleLooks = stale });
        Assert.Equal(RunOutcome.Migrated, await h.RunAsync());
        Assert.Equal(1, h.Instance.Accepted[action]);
        Assert.Equal(1, h.Simulator.Calls[action]);
    }

    [Theory]
    [InlineData("EnterRescueMode", FaultKind.CutBefore)]
    [InlineData("ExitRescueMode", FaultKind.BadGateway)]
    [InlineData("StartInstances", FaultKind.BrokenJson)]
    [InlineData("EnterRescueMode", FaultKind.HtmlPage)]
    [InlineData("ExitRescueMode", FaultKind.EmptyAnswer)]
    public async Task AnActionThatDidNotArriveIsCalledAgainOnceTheStateShowsIt(string action, FaultKind kind)
    {
        await using Harness h = new(fault: c => c.Action == action && c.Count == 1 ? new SimulatedFault(kind) : null);
        Assert.Equal(RunOutcome.Migrated, await h.RunAsync());
        Assert.Equal(1, h.Instance.Accepted[action]);
        Assert.Equal(2, h.Simulator.Calls[action]);
    }

    [Theory]
    [InlineData(FaultKind.BadGateway)]
    [InlineData(FaultKind.CutBefore)]
    [InlineData(FaultKind.CutAfter)]
    [InlineData(FaultKind.BrokenJson)]
    [InlineData(FaultKind.Truncated)]
    [InlineData(FaultKind.HtmlPage)]
    [InlineData(FaultKind.EmptyAnswer)]
    public async Task ReadingCallsAreRepeatedWhateverWentWrong(FaultKind kind)
    {
        await using Harness h = new(fault: c => c.Action.StartsWith("Describe", StringComparison.Ordinal) && c.Count == 1 ? new SimulatedFault(kind) : null);
        Assert.Equal(RunOutcome.Migrated, await h.RunAsync());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task AnApiThatShowsChangesLateIsWaitedForAndNothingIsRepeated(int stale)
    {
        await using Harness h = new(options: o => o with { StaleLooks = stale });
        Assert.Equal(RunOutcome.Migrated, await h.RunAsync());
        Assert.Equal(new Dictionary<string, int> { ["EnterRescueMode"] = 1, ["ExitRescueMode"] = 1, ["StartInstances"] = 1 }, h.Simulator.Calls.Where(c => !c.Key.StartsWith("Describe", StringComparison.Ordinal)).ToDictionary());
    }

    [Fact]
    public async Task AnOldFailureThatStillShowsIsNotTakenForTheNewOperations()
    {
        bool fail = true;
        await using Harness h = new(
            fault: c => fail && c.Action == "DescribeInstances" && c.State == InstanceStates.EnterRescueMode ? new SimulatedFault(FaultKind.OperationFails, Message: "no image") : null,
            options: o => o with { StaleLooks = 2 });
        await Assert.ThrowsAsync<MigrationException>(() => h.RunAsync());
        fail = false;
        Assert.Equal(RunOutcome.Migrated, await h.RunAsync());
        Assert.Equal(2, h.Simulator.Calls["EnterRescueMode"]);
    }

    [Fact]
    public async Task AnApiThatAnswersNullWhereItMayIsUnderstood()
    {
        await using Harness h = new(options: o => o with { Nulls = true });
        Assert.Equal(RunOutcome.Migrated, await h.RunAsync());
    }

    [Fact]
    public async Task AnApiThatLimitsTheRateIsGivenTimeAndNothingIsRepeated()
    {
        await using Harness h = new(looks: 2, options: o => o with { CallsPerSecond = 6 });
        Assert.Equal(RunOutcome.Migrated, await h.RunAsync());
        Assert.Equal(new Dictionary<string, int> { ["EnterRescueMode"] = 1, ["ExitRescueMode"] = 1, ["StartInstances"] = 1 }, h.Instance.Accepted);
    }

    [Fact]
    public async Task AThrottledActionIsCalledAgain()
    {
        await using Harness h = new(fault: c => c.Action == "EnterRescueMode" && c.Count < 3 ? SimulatedFault.Error("RequestLimitExceeded") : null);
        Assert.Equal(RunOutcome.Migrated, await h.RunAsync());
        Assert.Equal(1, h.Instance.Accepted["EnterRescueMode"]);
    }

    [Fact]
    public async Task AnOperationThatFailsInTheEndIsExplainedAndCanBeRepeated()
    {
        bool fail = true;
        await using Harness h = new(fault: c => fail && c.Action == "DescribeInstances" && c.State == InstanceStates.EnterRescueMode ? new SimulatedFault(FaultKind.OperationFails, Message: "the image cannot be loaded") : null);
        MigrationException e = await Assert.ThrowsAsync<MigrationException>(() => h.RunAsync());
        Assert.Contains("EnterRescueMode failed: the image cannot be loaded", e.Message, StringComparison.Ordinal);
        Assert.Equal(InstanceStates.Running, h.Instance.State);
        fail = false;
        Assert.Equal(RunOutcome.Migrated, await h.RunAsync());
        Assert.Equal(2, h.Instance.Accepted["EnterRescueMode"]);
    }

    [Fact]
    public async Task CleanBringsTheInstanceOutOfMigrationModeFromEveryRecord()
    {
        for (int record = 1; ; record++)
        {
            await using Harness h = new();
            bool killed = false;
            try
            {
                await h.RunAsync(record);
            }
            catch (KilledException)
            {
                killed = true;
            }

            await h.CleanAsync();
            Assert.Equal(InstanceStates.Running, h.Instance.State);
            Assert.Equal(h.Instance.Accepted.GetValueOrDefault("EnterRescueMode"), h.Instance.Accepted.GetValueOrDefault("ExitRescueMode"));
            Assert.False(File.Exists(h.StateFile));
            if (!killed)
            {
                return;
            }
        }
    }

    [Fact]
    public async Task CleanWorksInScenario1WhereverTheDirectoryIs()
    {
        for (int places = 0; places <= 2; places++)
        {
            await using Harness h = new(mode: 1);
            for (int run = 0; run < places; run++)
            {
                Assert.Equal(RunOutcome.StageFinished, await h.RunAsync());
                h.Tool = h.CopyTool($"place{run}");
            }

            await h.CleanAsync();
            Assert.Equal(InstanceStates.Running, h.Instance.State);
            Assert.Equal(places == 0 ? 0 : 1, h.Instance.Accepted.GetValueOrDefault("ExitRescueMode"));
            Assert.False(File.Exists(h.StateFile));
        }
    }

    [Theory]
    [InlineData("EnterRescueMode")]
    [InlineData("ExitRescueMode")]
    [InlineData("StartInstances")]
    public async Task CleanFinishesWhatIsUnderWay(string action)
    {
        // The run ends right after the call: the instance is in the middle of the change when --clean comes.
        bool down = false;
        await using Harness h = new(fault: c => down && c.Action.StartsWith("Describe", StringComparison.Ordinal) ? new SimulatedFault(FaultKind.CutBefore) : (down = c.Action == action) ? new SimulatedFault(FaultKind.CutAfter) : null);
        await Assert.ThrowsAsync<CloudException>(() => h.RunAsync());
        down = false;
        Assert.True(h.Instance.Busy);
        await h.CleanAsync();
        Assert.Equal((InstanceStates.Running, 1), (h.Instance.State, h.Instance.Accepted["ExitRescueMode"]));
    }

    [Fact]
    public async Task CleanLeavesAnInstanceThatWasStoppedBeforeStopped()
    {
        await using Harness h = new(instance: Harness.NewInstance(InstanceStates.Stopped));
        h.Mover.Result = _ => new TransferResult { ExitCode = 12 };
        await Assert.ThrowsAsync<MigrationException>(() => h.RunAsync());
        await h.CleanAsync();
        Assert.Equal(InstanceStates.Stopped, h.Instance.State);
    }

    [Fact]
    public async Task CleanWorksWithADamagedState()
    {
        await using Harness h = new();
        h.Mover.Result = _ => new TransferResult { ExitCode = 12 };
        await Assert.ThrowsAsync<MigrationException>(() => h.RunAsync());
        File.WriteAllText(h.StateFile, "{ half");
        await h.CleanAsync();
        Assert.Equal(InstanceStates.Running, h.Instance.State);
    }

    [Fact]
    public async Task TwoRunsAtOnceAreRefused()
    {
        await using Harness h = new();
        using StateStore store = StateStore.Open(h.Tool);
        Assert.Contains("another run of the tool", (await Assert.ThrowsAsync<MigrationException>(() => h.RunAsync())).Message, StringComparison.Ordinal);
    }
}
