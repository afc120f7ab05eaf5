using NativeSync.Engine;
using NativeSync.Migration.Api;
using NativeSync.Migration.Simulator;
using NativeSync.Migration.Stages;

namespace NativeSync.Migration.Tests;

/// <summary>The user's commands around the passes, run by a real shell; each writes its name to a file.</summary>
public sealed class HookTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("ns-hooks-");

    private string Journal => Path.Combine(_directory.FullName, "journal");

    private string All => Keys(("BeforePass", "before"), ("AfterPass", "after"), ("BeforeLastPass", "stop"), ("Undo", "undo"));

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task CommandsRunAroundEachPassAndOneBeforeAPassOfItsOwnWhenLittleIsLeft()
    {
        long[] sizes = [5000, 900, 50, 3];
        await using Harness h = NewHarness(All);
        h.Mover.Result = n => new TransferResult { LiteralBytes = sizes[n - 1] };
        Assert.Equal(RunOutcome.Migrated, await h.RunAsync());
        Assert.Equal("before1 after1 before2 after2 before3 after3 stop4 before4 after4", Said());
        Assert.Equal(4, h.Mover.Pushes.Count);
    }

    [Theory]
    [InlineData(3, "stop3")]
    [InlineData(1, "stop1")]
    public async Task TheLastPassThatIsAllowedIsTheOneAfterTheCommand(int passes, string expected)
    {
        await using Harness h = NewHarness(Keys(("BeforeLastPass", "stop"), ("Undo", "undo")) + $",\"Transfer.MaxPasses\":{passes}");
        h.Mover.Result = _ => new TransferResult { LiteralBytes = 5000 };
        await h.RunAsync();
        Assert.Equal((expected, passes), (Said(), h.Mover.Pushes.Count));
    }

    [Fact]
    public async Task AFailureAfterTheCommandUndoesItAndTheNextRunBeginsWithItAnew()
    {
        bool fail = true;
        await using Harness h = NewHarness(Keys(("BeforeLastPass", "stop"), ("Undo", "undo")));
        h.Mover.Result = n => n == 2 && fail ? new TransferResult { ExitCode = 12 } : new TransferResult { LiteralBytes = 3 };
        await Assert.ThrowsAsync<MigrationException>(() => h.RunAsync());
        Assert.Equal("stop2 undo2", Said());
        Assert.Null(MigrationRun.ReadState(h.Tool)!.Quiet);
        fail = false;
        Assert.Equal(RunOutcome.Migrated, await h.RunAsync());
        Assert.Equal("stop2 undo2 stop2", Said());
    }

    /// <summary>Also where the passes were through: a comparison compares, and carries nothing that services write which run again.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AComparisonThatIsLostOrBootedOverIsOneMorePassBehindTheCommand(bool booted)
    {
        bool fail = true;
        await using Harness h = NewHarness(Keys(("BeforeLastPass", "stop"), ("Undo", "undo")));
        h.Mover.Compares = () => fail ? throw (booted ? new KilledException() : new TransportException(12, "the line was cut by the test")) : true;
        await Assert.ThrowsAnyAsync<Exception>(() => h.RunAsync());
        h.Source.BootId = booted ? "another" : h.Source.BootId;
        fail = false;
        Assert.Equal(RunOutcome.Migrated, await h.RunAsync());
        Assert.Equal(booted ? "stop3 stop4" : "stop3 undo3 stop4", Said());
        Assert.Equal(4, h.Mover.Pushes.Count);
    }

    /// <summary>What was carried of a pass before the command does not count as carried behind it.</summary>
    [Fact]
    public async Task OfAPassThatIsCutOffTheNextRunCarriesEveryFileSystemBehindTheCommand()
    {
        bool fail = true;
        await using Harness h = new(client: Keys(("BeforeLastPass", "stop"), ("Undo", "undo")), user: ""","DataDisks":[{"Index":1,"Size":10,"MountPoint":"/mnt/disk1"}]""");
        h.Mover.Result = n => n == 4 && fail ? new TransferResult { ExitCode = 12 } : new TransferResult { LiteralBytes = 3 };
        await Assert.ThrowsAsync<MigrationException>(() => h.RunAsync());
        Assert.Equal("stop2 undo2", Said());
        fail = false;
        Assert.Equal(RunOutcome.Migrated, await h.RunAsync());
        Assert.Equal("stop2 undo2 stop2", Said());
        Assert.Equal(["system disk", "data disk 1 (/mnt/disk1)"], h.Mover.Pushes[4..].Select(p => p.Label));
    }

    [Fact]
    public async Task AnUndoThatFailsLeavesNothingThatCountsAsStopped()
    {
        bool fail = true;
        await using Harness h = NewHarness($",\"Transfer.Hooks\":{{\"BeforeLastPass\":\"{Write("stop")}\",\"Undo\":\"{Write("undo")}; exit 1\"}}");
        h.Mover.Result = n => n == 2 && fail ? new TransferResult { ExitCode = 12 } : new TransferResult { LiteralBytes = 3 };
        await Assert.ThrowsAsync<MigrationException>(() => h.RunAsync());
        fail = false;
        Assert.Equal(RunOutcome.Migrated, await h.RunAsync());
        Assert.Equal("stop2 undo2 stop2", Said());
    }

    [Fact]
    public async Task ABootOfTheSourceOnceTheDestinationHoldsItsLastStateIsWarnedOf()
    {
        await using Harness h = NewHarness(Keys(("BeforeLastPass", "stop"), ("Undo", "undo")));
        await Assert.ThrowsAsync<KilledException>(() => h.RunAsync(killWhen: s => s.IsDone("verify")));
        h.Source.BootId = "another";
        Assert.Equal(RunOutcome.Migrated, await h.RunAsync());
        Assert.Contains(h.Observer.Warnings, w => w.StartsWith("this server was booted after its last pass", StringComparison.Ordinal));
        Assert.Equal("stop3", Said());
    }

    [Fact]
    public async Task AFailureBeforeTheCommandUndoesNothing()
    {
        await using Harness h = NewHarness(All);
        h.Mover.Result = _ => new TransferResult { ExitCode = 12 };
        await Assert.ThrowsAsync<MigrationException>(() => h.RunAsync());
        Assert.Equal("before1 after1", Said());
    }

    [Fact]
    public async Task ACommandThatFailsEndsTheRunWithItsWordsAndIsUndone()
    {
        await using Harness h = NewHarness($",\"Transfer.Hooks\":{{\"BeforeLastPass\":\"echo no such unit >&2; exit 5\",\"Undo\":\"{Write("undo")}\"}}");
        MigrationException e = await Assert.ThrowsAsync<MigrationException>(() => h.RunAsync());
        Assert.Equal("Client.Transfer.Hooks.BeforeLastPass ended with 5: no such unit: try the command by hand, then run the tool again", e.Message);
        Assert.Equal("undo3", Said());
        Assert.Equal(InstanceStates.RescueMode, h.Instance.State);
        Assert.Contains("no such unit", h.LogText.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ACommandThatDoesNotEndIsKilledWithWhatItStarted()
    {
        await using Harness h = NewHarness($",\"Transfer.Hooks\":{{\"BeforePass\":\"echo $$ >{Journal}; sleep 1000 | sleep 1000\",\"TimeoutSeconds\":3}}");
        MigrationException e = await Assert.ThrowsAsync<MigrationException>(() => h.RunAsync());
        Assert.Equal("Client.Transfer.Hooks.BeforePass did not end within 3 s and was killed: try the command by hand, or raise Client.Transfer.Hooks.TimeoutSeconds, then run the tool again", e.Message);
        Assert.NotEqual("", Said());
        Assert.False(Directory.Exists("/proc/" + Said()));
        Assert.Equal(["lock", "state.json"], Directory.EnumerateFiles(h.Tool.StateDirectory).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task AServiceThatACommandStartsIsNotWaitedFor()
    {
        await using Harness h = NewHarness($",\"Transfer.Hooks\":{{\"AfterPass\":\"sleep 1000 & echo $! >>{Journal}\",\"TimeoutSeconds\":60}}");
        Assert.Equal(RunOutcome.Migrated, await h.RunAsync());
        foreach (string id in Said().Split(' '))
        {
            System.Diagnostics.Process.GetProcessById(int.Parse(id, System.Globalization.CultureInfo.InvariantCulture)).Kill();
        }
    }

    [Fact]
    public async Task WhatWasStoppedStaysStoppedOnceTheDestinationHoldsItAndIsUndoneWhenTheMigrationIsGivenUp()
    {
        bool down = true;
        await using Harness h = NewHarness(Keys(("BeforeLastPass", "stop"), ("Undo", "undo")), c => down && c.Action == "ExitRescueMode" ? SimulatedFault.Error("UnauthorizedOperation") : null);
        await Assert.ThrowsAsync<CloudException>(() => h.RunAsync());
        Assert.Equal("stop3", Said());
        Assert.Contains(h.Observer.Warnings, w => w.StartsWith("what Client.Transfer.Hooks.BeforeLastPass stopped on the source stays stopped", StringComparison.Ordinal));
        down = false;
        await h.CleanAsync();
        Assert.Equal("stop3 undo3", Said());
    }

    [Trait("Category", "Slow")]
    [Fact]
    public async Task KilledAfterEachStateRecordTheLastPassAlwaysFollowsTheCommand()
    {
        for (int record = 1; ; record++)
        {
            File.Delete(Journal);
            await using Harness h = NewHarness(All);
            bool killed = false;
            try
            {
                await h.RunAsync(record);
            }
            catch (KilledException)
            {
                killed = true;
                Assert.Equal(RunOutcome.Migrated, await h.RunAsync());
            }

            string[] said = Said().Split(' ');
            int stopped = Array.FindLastIndex(said, s => s.StartsWith("stop", StringComparison.Ordinal));
            string pass = said[stopped]["stop".Length..];
            Assert.Equal("before" + pass, said[stopped + 1]);
            Assert.All(said[(stopped + 1)..], s => Assert.EndsWith(pass, s, StringComparison.Ordinal));
            Assert.DoesNotContain(said, s => s.StartsWith("undo", StringComparison.Ordinal));
            if (!killed)
            {
                return;
            }
        }
    }

    [Fact]
    public async Task AfterABootOfTheSourceTheCommandIsRunAgainBeforeAnotherPass()
    {
        await using Harness h = NewHarness(Keys(("BeforeLastPass", "stop"), ("Undo", "undo")));
        await Assert.ThrowsAsync<KilledException>(() => h.RunAsync(killWhen: s => s.Quiet is { Done: true } && s.Passes.Count == 3));
        h.Source.BootId = "another";
        Assert.Equal(RunOutcome.Migrated, await h.RunAsync());
        Assert.Equal("stop3 stop4", Said());
        Assert.Equal(4, h.Mover.Pushes.Count);
    }

    private string Keys(params (string Key, string Word)[] keys)
        => $",\"Transfer.Hooks\":{{{string.Join(',', keys.Select(k => $"\"{k.Key}\":\"{Write(k.Word)}\""))}}}";

    private string Write(string word) => $"echo {word}$NATIVESYNC_PASS >>{Journal}";

    private string Said() => File.Exists(Journal) ? File.ReadAllText(Journal).Trim().Replace('\n', ' ') : "";

    private Harness NewHarness(string client, Func<SimulatedCall, SimulatedFault?>? fault = null) => new(client: client, fault: fault);
}
