using NativeSync.Engine;
using NativeSync.Migration.Api;
using NativeSync.Migration.Simulator;
using NativeSync.Migration.Stages;

namespace NativeSync.Migration.Tests;

/// <summary>The three stages against the simulator.</summary>
public sealed class StageTests
{
    private static readonly string[] Stages =
    [
        "Stage 1: initialize the remote instance.",
        "Stage 2: transfer data.",
        "Stage 3: release the remote instance.",
    ];

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public async Task AMigrationEndsWithARunningInstanceAndTheSentenceOfTheGuide(int mode)
    {
        await using Harness h = new(mode);
        Assert.Equal(RunOutcome.Migrated, await h.RunAsync());
        Assert.Equal([.. Stages, "Migrate successfully."], h.Observer.Lines);
        Assert.Equal(InstanceStates.Running, h.Instance.State);
        Assert.Equal(new Dictionary<string, int> { ["EnterRescueMode"] = 1, ["ExitRescueMode"] = 1, ["StartInstances"] = 1 }, h.Instance.Accepted);
        Assert.Equal(2, h.Mover.Pushes.Count);
    }

    [Fact]
    public async Task AFinishedMigrationRunAgainDoesNothing()
    {
        await using Harness h = new();
        await h.RunAsync();
        int calls = h.Simulator.Calls.Values.Sum();
        Assert.Equal(RunOutcome.Migrated, await h.RunAsync());
        Assert.Equal(calls, h.Simulator.Calls.Values.Sum());
        Assert.Equal("Migrate successfully.", h.Observer.Lines[^1]);
    }

    [Fact]
    public async Task AStoppedInstanceCanBeMigratedToAsWell()
    {
        await using Harness h = new(instance: Harness.NewInstance(InstanceStates.Stopped));
        await h.RunAsync();
        Assert.Equal(InstanceStates.Running, h.Instance.State);
    }

    [Fact]
    public async Task Scenario1RunsEachStageWhereTheGuideSaysAndEndsInItsPrompts()
    {
        await using Harness h = new(mode: 1);
        Assert.Equal(RunOutcome.StageFinished, await h.RunAsync());
        Assert.Equal([Stages[0], "Stage 1 is finished and please run next stage at source machine."], h.Observer.Lines);
        Assert.Empty(h.Connector.Logins);

        // Run once more on the gateway: it must not take the gateway for the source.
        Assert.Equal(RunOutcome.StageFinished, await h.RunAsync());
        Assert.Empty(h.Connector.Logins);
        int calls = h.Simulator.Calls.Values.Sum();

        ToolDirectoryOn(h, "source-machine");
        h.Observer.Lines.Clear();
        Assert.Equal(RunOutcome.StageFinished, await h.RunAsync());
        Assert.Equal([Stages[1], "Stage 2 is finished and please run next stage at gateway machine."], h.Observer.Lines);
        Assert.Equal(calls, h.Simulator.Calls.Values.Sum()); // The source cannot reach the API.
        Assert.Single(h.Connector.Logins);
        Assert.Equal(RunOutcome.StageFinished, await h.RunAsync());
        Assert.Equal(calls, h.Simulator.Calls.Values.Sum());

        ToolDirectoryOn(h, "gateway-again");
        h.Observer.Lines.Clear();
        Assert.Equal(RunOutcome.Migrated, await h.RunAsync());
        Assert.Equal([Stages[2], "Migrate successfully."], h.Observer.Lines);
        Assert.Single(h.Connector.Logins); // The gateway cannot reach the data port.
        Assert.Equal(InstanceStates.Running, h.Instance.State);

        static void ToolDirectoryOn(Harness h, string name) => h.Tool = h.CopyTool(name);
    }

    [Fact]
    public async Task Scenario3CallsTheApiThroughTheProxy()
    {
        await using LoopbackProxy proxy = new("user", Harness.ProxyPassword, TimeProvider.System);
        string keys = $$$""","Net.Proxy":{"Ip":"127.0.0.1","Port":"{{{proxy.Port}}}","User":"user","Password":"{{{Harness.ProxyPassword}}}"}""";
        await using Harness h = new(mode: 3, client: keys);
        Assert.Equal(RunOutcome.Migrated, await h.RunAsync());
        Assert.Equal(h.Simulator.Calls.Values.Sum(), proxy.Forwarded);
    }

    [Fact]
    public async Task AProxyThatRefusesIsNamed()
    {
        await using LoopbackProxy proxy = new("user", "another", TimeProvider.System);
        await using Harness h = new(mode: 3, client: $$$""","Net.Proxy":{"Ip":"127.0.0.1","Port":{{{proxy.Port}}},"User":"user","Password":"wrong"}""");
        CloudException e = await Assert.ThrowsAsync<CloudException>(() => h.RunAsync());
        Assert.Equal("DescribeInstances: the proxy refuses the user or password (ProxyError): check Client.Net.Proxy.User and Client.Net.Proxy.Password in client.json", e.Message);
    }

    [Fact]
    public async Task DataDisksGoToTheDiskOfTheirIndex()
    {
        await using Harness h = new(user: ""","DataDisks":[{"Index":1,"Size":10,"MountPoint":"/mnt/disk1"}]""");
        await h.RunAsync();
        Assert.Equal(["system disk", "data disk 1 (/mnt/disk1)", "system disk", "data disk 1 (/mnt/disk1)"], h.Mover.Pushes.Select(p => p.Label));
        MigrationState state = MigrationRun.ReadState(h.Tool)!;
        Assert.Equal(["disk-sim00000", "disk-sim00001"], state.Disks.Select(d => d.DiskId));
        Assert.Contains(h.Mover.Pushes[0].Rules, r => r.AsSpan().SequenceEqual("- /mnt/disk1/*"u8));
    }

    [Theory]
    [InlineData(""","DataDisks":[{"Index":2,"MountPoint":"/mnt/disk1"}]""", "data disk 2: the destination has 1 data disk: attach another, or change DataDisks in user.json")]
    [InlineData(""","DataDisks":[{"Index":1,"Size":30,"MountPoint":"/mnt/disk1"}]""", "data disk 1: disk-sim00001 has 20 GB, the source's disk 30 GB: enlarge it")]
    [InlineData(""","DataDisks":[{"Index":1,"MountPoint":"/nowhere"}]""", "/nowhere: there is no such directory: check MountPoint in user.json")]
    public async Task ADataDiskThatCannotBeCarriedEndsTheRunBeforeAnythingIsChanged(string disks, string expected)
    {
        await using Harness h = new(user: disks);
        MigrationException e = await Assert.ThrowsAsync<MigrationException>(() => h.RunAsync());
        Assert.Equal(expected, e.Message);
        Assert.Empty(h.Instance.Accepted);
    }

    [Fact]
    public async Task APassIsRepeatedUntilItIsSmall()
    {
        long[] sizes = [5000, 900, 101, 100, 7];
        await using Harness h = new();
        h.Mover.Result = n => new TransferResult { LiteralBytes = sizes[n - 1] };
        await h.RunAsync();
        Assert.Equal(4, h.Mover.Pushes.Count);
    }

    [Fact]
    public async Task PassesEndAtTheirLimit()
    {
        await using Harness h = new(client: ""","Transfer.MaxPasses":3""");
        h.Mover.Result = _ => new TransferResult { LiteralBytes = 5000 };
        await h.RunAsync();
        Assert.Equal(3, h.Mover.Pushes.Count);
    }

    /// <summary>What each push sends: of the system disk, of the data disk, and again; the bound is 100 bytes. Killed after so many of them or not at all.</summary>
    [Theory]
    [InlineData(null)]
    [InlineData(3)]
    public async Task WhatAPassSendsIsWhatItSendsOfAllFileSystemsTogether(int? killed)
    {
        int[] sends = [1000, 2000, 60, 60, 99, 1];
        int pushes = 0;
        await using Harness h = new(user: ""","DataDisks":[{"Index":1,"Size":10,"MountPoint":"/mnt/disk1"}]""");
        h.Mover.Result = _ => new TransferResult { LiteralBytes = sends[pushes++] };
        if (killed is { } after)
        {
            await Assert.ThrowsAsync<KilledException>(() => h.RunAsync(killWhen: s => s.Passes.Count == after));
        }

        await h.RunAsync();
        Assert.Equal(sends.Length, pushes);
        Assert.Equal("3 passes, 3220 bytes of content sent, 100 of them in the last pass", MigrationRun.ReadState(h.Tool)!.Steps.Single(s => s.Name == "transfer").Outcome);
    }

    [Theory]
    [InlineData("", 1)]
    [InlineData(""","Transfer.FollowChanges":false""", 0)]
    public async Task EachFileSystemIsFollowedOverAllPassesUnlessThatIsRefused(string setting, int followers)
    {
        await using Harness h = new(client: ""","Transfer.MaxPasses":3""" + setting);
        h.Mover.Result = _ => new TransferResult { LiteralBytes = 5000 };
        await h.RunAsync();
        Assert.Equal(3, h.Mover.Pushes.Count);
        Assert.Equal(followers, h.Mover.Pushes.Select(p => p.Changes).Distinct().Count(follower => follower is not null));
        Assert.Equal(followers == 0, h.Mover.Pushes.TrueForAll(p => p.Changes is null));
        Assert.Equal(Enumerable.Repeat("changes were not followed (no pass of this run has looked at everything yet): the pass looked at everything", followers), h.Mover.Pushes.Select(p => p.Changes?.Account).OfType<string>().Distinct());
    }

    [Fact]
    public async Task WhatChangedDuringTheLastPassGetsOneMore()
    {
        await using Harness h = new();
        h.Mover.DifferencesLeft = 1;
        await h.RunAsync();
        Assert.Equal(3, h.Mover.Pushes.Count);
        Assert.Equal(2, h.Mover.Verifications);
        Assert.DoesNotContain(h.Observer.Warnings, w => w.Contains("differ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task WhatStillDiffersIsNamed()
    {
        await using Harness h = new();
        h.Mover.DifferencesLeft = 2;
        await h.RunAsync();
        Assert.Contains(h.Observer.Warnings, w => w.Contains("1 entry differs", StringComparison.Ordinal) && w.Contains("var/log/x: content", StringComparison.Ordinal));
    }

    /// <summary>What was begun in the rescue system is asked for once more over another connection.</summary>
    [Fact]
    public async Task ALineThatIsCutWhileTheDisksArePreparedIsConnectedAgain()
    {
        await using Harness h = new();
        h.Connector.LostAnswers.Enqueue(new TransportException(255, "the line was cut by the test"));
        await h.RunAsync();
        Assert.Equal(1, h.Connector.Reconnects);
        Assert.Contains("Prepare the destination's disks: the line was cut by the test; connecting again in 1 s", h.Observer.Warnings);
        Assert.Equal(h.Connector.Commands[0], h.Connector.Commands[1]);
        Assert.Contains("mkdir -p ", h.Connector.Commands[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task AFullDestinationLeavesTheInstanceInMigrationModeAndTheRunCanGoOn()
    {
        await using Harness h = new();
        h.Mover.Result = n => n == 1 ? new TransferResult { ExitCode = 23, DestinationTrouble = "No space left on device", ProblemCount = 1, Problems = ["a: No space left on device"] } : new TransferResult();
        MigrationException e = await Assert.ThrowsAsync<MigrationException>(() => h.RunAsync());
        Assert.Contains("No space left on device", e.Message, StringComparison.Ordinal);
        Assert.Equal(InstanceStates.RescueMode, h.Instance.State);
        Assert.Equal(RunOutcome.Migrated, await h.RunAsync());
        Assert.Equal(1, h.Instance.Accepted["EnterRescueMode"]);
    }

    [Fact]
    public async Task TheHostKeyIsTakenOnceAndDemandedFromThenOn()
    {
        await using Harness h = new();
        h.Mover.Result = n => n == 1 ? new TransferResult { ExitCode = 12 } : new TransferResult();
        await Assert.ThrowsAsync<MigrationException>(() => h.RunAsync());
        Assert.Null(h.Connector.Logins[0].PinnedHostKey);

        h.Connector.HostKey = "SHA256:another";
        MigrationException e = await Assert.ThrowsAsync<MigrationException>(() => h.RunAsync());
        Assert.Contains("host key has changed", e.Message, StringComparison.Ordinal);

        h.Connector.HostKey = "SHA256:first";
        await h.RunAsync();
        Assert.Equal("SHA256:first", h.Connector.Logins[1].PinnedHostKey);
    }

    [Fact]
    public async Task ARescueSystemThatIsStillBootingIsWaitedFor()
    {
        await using Harness h = new();
        h.Connector.Failures.Enqueue(new TransportException(255, "connection refused"));
        h.Connector.Failures.Enqueue(new TransportException(35, "no answer"));
        Assert.Equal(RunOutcome.Migrated, await h.RunAsync());
    }

    [Theory]
    [InlineData(2048, "system", null)]
    [InlineData(2049, "never", null)]
    [InlineData(2049, "system", "system disk: disk-sim00000 has 2049 GB, and the table that a BIOS boots from reaches 2048: keep the table that it has (Client.Disks.Partition), or choose an instance with a smaller system disk")]
    public async Task ASystemDiskThatNoTableReachesIsRefusedBeforeAnythingIsChanged(int size, string partition, string? expected)
    {
        await using Harness h = new(
            client: $$""","Disks":{"Format":"all","Partition":"{{partition}}"}""",
            instance: new() { InstanceId = Harness.InstanceId, Region = Harness.Region, SystemDisk = new InstanceDisk { DiskId = "disk-sim00000", DiskSize = size } });
        h.Write("client.json", File.ReadAllText(h.Tool.File("client.json")).Replace("\"DestinationRoot\"", "\"Nothing\"", StringComparison.Ordinal));
        Assert.Equal(expected is not null, (await h.CheckAsync()).Any(l => l is { Verdict: CheckVerdict.Fail, Subject: "system disk" }));
        if (expected is not null)
        {
            Assert.Equal(expected, (await Assert.ThrowsAsync<MigrationException>(() => h.RunAsync())).Message);
            Assert.Empty(h.Instance.Accepted);
        }
    }

    [Theory]
    [InlineData(TransportFault.HostKey, false, 1)]
    [InlineData(TransportFault.Login, false, 3)] // Its password may come later than its sshd.
    [InlineData(TransportFault.Login, true, 1)]
    [InlineData(TransportFault.Other, true, 12)]
    public async Task WhatWaitingDoesNotHealIsNotTriedAgain(TransportFault fault, bool known, int attempts)
    {
        await using Harness h = new();
        if (known)
        {
            h.Mover.Result = n => n == 1 ? new TransferResult { ExitCode = 12 } : new TransferResult();
            await Assert.ThrowsAsync<MigrationException>(() => h.RunAsync());
        }

        for (int i = 0; i < 20; i++)
        {
            h.Connector.Failures.Enqueue(new TransportException(255, "no") { Fault = fault });
        }

        MigrationException e = await Assert.ThrowsAsync<MigrationException>(() => h.RunAsync());
        Assert.StartsWith("no: ", e.Message, StringComparison.Ordinal);
        Assert.Equal(20 - attempts, h.Connector.Failures.Count);
    }

    [Fact]
    public async Task SecretsAreNeverInTheLogAndLeaveTheStateInTheEnd()
    {
        await using Harness h = new();
        h.Mover.Result = n => n == 1 ? new TransferResult { ExitCode = 12 } : new TransferResult();
        await Assert.ThrowsAsync<MigrationException>(() => h.RunAsync());
        string password = MigrationRun.ReadState(h.Tool)!.Rescue!.Password;
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(h.StateFile));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(h.Tool.StateDirectory));

        h.Connector.Failures.Enqueue(new TransportException(255, $"login with {password} refused"));
        await h.RunAsync();
        string state = File.ReadAllText(h.StateFile);
        string log = h.LogText.ToString();
        Assert.Contains("login with *** refused", log, StringComparison.Ordinal);
        foreach (string secret in (string[])[password, Harness.SecretKey])
        {
            Assert.DoesNotContain(secret, log, StringComparison.Ordinal);
            Assert.DoesNotContain(secret, state, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task AStateOfAnotherInstanceIsRefused()
    {
        await using Harness h = new();
        await h.RunAsync();
        h.Write("user.json", $$"""{"SecretId":"AKIDexample","SecretKey":"{{Harness.SecretKey}}","Region":"ap-guangzhou","InstanceId":"ins-99999999"}""");
        MigrationException e = await Assert.ThrowsAsync<MigrationException>(() => h.RunAsync());
        Assert.Contains("belongs to ins-1a2b3c4d in ap-guangzhou, and user.json names ins-99999999", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AStateOfAnotherVersionIsRefused()
    {
        await using Harness h = new();
        await h.RunAsync();
        File.WriteAllText(h.StateFile, File.ReadAllText(h.StateFile).Replace("\"Version\": 1", "\"Version\": 2", StringComparison.Ordinal));
        Assert.Contains("another version of the tool", (await Assert.ThrowsAsync<MigrationException>(() => h.RunAsync())).Message, StringComparison.Ordinal);
    }
}
