using NativeSync.Migration.Api;
using NativeSync.Migration.Simulator;
using NativeSync.Migration.Stages;

namespace NativeSync.Migration.Tests;

/// <summary>Killed anywhere, a migration goes on and repeats nothing that must not be repeated.</summary>
public sealed class RestartTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task KilledAfterEachStateRecordTheNextRunCompletesAndRepeatsNothing(int mode)
    {
        int kills = 0;
        for (int record = 1; ; record++)
        {
            await using Harness h = new(mode);
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
    [InlineData("EnterRescueMode")]
    [InlineData("ExitRescueMode")]
    [InlineData("StartInstances")]
    public async Task AnActionWhoseAnswerWasLostIsNotCalledAgain(string action)
    {
        await using Harness h = new(fault: c => c.Action == action && c.Count == 1 ? new SimulatedFault(FaultKind.CutAfter) : null);
        Assert.Equal(RunOutcome.Migrated, await h.RunAsync());
        Assert.Equal(1, h.Instance.Accepted[action]);
        Assert.Equal(1, h.Simulator.Calls[action]);
    }

    [Theory]
    [InlineData("EnterRescueMode", FaultKind.CutBefore)]
    [InlineData("ExitRescueMode", FaultKind.BadGateway)]
    [InlineData("StartInstances", FaultKind.BrokenJson)]
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
    public async Task ReadingCallsAreRepeatedWhateverWentWrong(FaultKind kind)
    {
        await using Harness h = new(fault: c => c.Action.StartsWith("Describe", StringComparison.Ordinal) && c.Count == 1 ? new SimulatedFault(kind) : null);
        Assert.Equal(RunOutcome.Migrated, await h.RunAsync());
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
