using System.Text.Json;
using NativeSync.Engine;
using NativeSync.Migration.Fixups;
using NativeSync.Migration.Stages;

namespace NativeSync.Migration.Tests.Fixups;

/// <summary>The fix-ups as a part of a migration: what is asked of the rescue system, and what becomes of its answer.</summary>
public sealed class FixupStepTests
{
    private const string Changed = """{"Name":"fstab","Outcome":"changed","Changes":[{"File":"/etc/fstab","Reason":"other names","Lines":["- a","+ b"]}],"Commands":[{"Script":"true","Reason":"a command","ExitCode":0}],"Warnings":["look here"]}""";

    [Fact]
    public async Task WhatWasChangedIsReportedAsTextAndAsJson()
    {
        await using Harness h = new();
        h.Connector.Fixups = new(0, "a shell's banner\n" + Changed + "\n{\"Name\":\"initramfs\",\"Outcome\":\"unchanged\"}\n", "");
        await h.RunAsync();
        string text = File.ReadAllText(h.Tool.File(MigrationReport.TextFile));
        Assert.Contains("fstab: changed\n  /etc/fstab: other names\n    - a\n    + b\n  a command (in the root): true\n  warning: look here\n", text, StringComparison.Ordinal);
        using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(h.Tool.File(MigrationReport.JsonFile)));
        Assert.Equal(["fstab", "initramfs"], json.RootElement.GetProperty("Fixups").EnumerateArray().Select(f => f.GetProperty("Name").GetString()));
        Assert.Contains("fstab: look here", h.Observer.Warnings);
    }

    [Fact]
    public async Task WhatTheUserAsksForReachesTheRescueSystem()
    {
        await using Harness h = new(client: ""","Fixups":{"Skip":["agents"],"Hostname":"copy","NewHostKeys":true,"Before":"echo 'it''s'"}""", user: ""","DataDisks":[{"Index":1,"Size":10,"MountPoint":"/mnt/disk1"}]""");
        await h.RunAsync();
        string script = Assert.Single(h.Connector.Commands, c => c.Contains(" fixup ", StringComparison.Ordinal));
        int begin = script.IndexOf("'{", StringComparison.Ordinal) + 1, end = script.IndexOf("}'", begin, StringComparison.Ordinal) + 1;
        FixupFacts facts = FixupFacts.Parse("facts", System.Text.Encoding.UTF8.GetBytes(script[begin..end].Replace("'\\''", "'", StringComparison.Ordinal)));
        Assert.Equal(["/", "/mnt/disk1"], facts.FileSystems.Select(f => f.MountPoint));
        Assert.EndsWith("/destination/", facts.FileSystems[0].Path, StringComparison.Ordinal);
        Assert.Equal((true, "agents", "copy", true, false, "echo 'it''s'", null), (facts.OnlyOnDisk, facts.Skip.Single(), facts.Hostname, facts.NewHostKeys, facts.NewMachineId, facts.Before, facts.After));
        Assert.StartsWith("agent='/root/.cache/nativesync/nativesync-agent'; root='/", script, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AStepThatFailsIsNamedAndTheNextRunCarriesTheSourceAnew()
    {
        await using Harness h = new();
        h.Connector.Fixups = new(1, """{"Name":"initramfs","Outcome":"failed","Why":"no tool"}""", "");
        MigrationException e = await Assert.ThrowsAsync<MigrationException>(() => h.RunAsync());
        Assert.StartsWith("the copied system would not boot: initramfs: no tool", e.Message, StringComparison.Ordinal);
        int pushes = h.Mover.Pushes.Count;
        h.Connector.Fixups = new(0, Changed, "");
        await h.RunAsync();
        Assert.True(h.Mover.Pushes.Count > pushes);
        Assert.Equal(new Dictionary<string, int> { ["EnterRescueMode"] = 1, ["ExitRescueMode"] = 1, ["StartInstances"] = 1 }, h.Instance.Accepted);
    }

    [Theory]
    [InlineData(127, "sh: nativesync: not found", "sh: nativesync: not found")]
    [InlineData(0, "", "exit code 0")]
    public async Task SilenceIsNotTakenForSuccess(int code, string error, string expected)
    {
        await using Harness h = new();
        h.Connector.Fixups = new(code, "", error);
        MigrationException e = await Assert.ThrowsAsync<MigrationException>(() => h.RunAsync());
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
        Assert.Equal(1, h.Instance.Accepted["EnterRescueMode"]);
        Assert.False(h.Instance.Accepted.ContainsKey("ExitRescueMode"));
    }

    [Fact]
    public async Task ALineThatIsCutIsConnectedAgainAndTheSameIsAskedUntilTheEnd()
    {
        await using Harness h = new();
        TransportException lost = new(255, "the line was cut by the test");
        h.Connector.Looks = new([lost, new RescueCommandResult(75, "", ""), lost, new RescueCommandResult(0, Changed, "")]);
        await h.RunAsync();
        Assert.Equal(2, h.Connector.Reconnects);
        Assert.Equal(2, h.Observer.Warnings.Count(w => w == "Make the copied system boot: the line was cut by the test; connecting again in 1 s"));
        Assert.Single(h.Connector.Commands.Where(c => c.Contains(" fixup ", StringComparison.Ordinal)).Distinct());
        Assert.Contains("fstab: look here", h.Observer.Warnings);
    }

    [Fact]
    public async Task WithoutALimitALineThatIsCutEndsTheRunAndTheNextGoesOnThere()
    {
        await using Harness h = new(transfer: ""","ReconnectSeconds":0""");
        h.Connector.Looks = new([new TransportException(255, "the line was cut by the test")]);
        await Assert.ThrowsAsync<TransportException>(() => h.RunAsync());
        int pushes = h.Mover.Pushes.Count;
        await h.RunAsync();
        Assert.Equal((0, pushes), (h.Connector.Reconnects, h.Mover.Pushes.Count));
    }

    [Fact]
    public async Task SkippedAltogetherTheRescueSystemIsNotAsked()
    {
        await using Harness h = new(client: ""","Fixups":{"Skip":["all"]}""");
        await h.RunAsync();
        Assert.DoesNotContain(h.Connector.Commands, c => c.Contains(" fixup ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("\"Skip\":[\"nonsense\"]", "Client.Fixups.Skip: there is no step \"nonsense\"")]
    [InlineData("\"Only\":[1]", "Client.Fixups.Only: expected texts in quotes, found 1")]
    [InlineData("\"Skip\":\"fstab\"", "Client.Fixups.Skip: expected a list")]
    [InlineData("\"Hostname\":\"a b\"", "Client.Fixups.Hostname: expected a host name")]
    public async Task WhatCannotBeMeantIsRefused(string keys, string expected)
    {
        await using Harness h = new(client: ",\"Fixups\":{" + keys + "}");
        Configuration.ConfigException e = await Assert.ThrowsAsync<Configuration.ConfigException>(() => h.RunAsync());
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
    }
}
