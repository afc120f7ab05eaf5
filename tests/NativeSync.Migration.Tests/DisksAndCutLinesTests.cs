using System.Diagnostics;
using System.Text;
using NativeSync.Engine;
using NativeSync.Migration.Configuration;
using NativeSync.Migration.Source;
using NativeSync.Migration.Stages;

namespace NativeSync.Migration.Tests;
/// <summary>A line that is cut while disks are prepared, and scripts that go on, come again or come too late.</summary>
public sealed class DisksAndCutLinesTests : DoublesOfDisks
{
    /// <summary>The line is cut before the answer of any one of the scripts came, which had done all it was to do.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task WhatWasMadeBeforeTheLineWasCutIsNotMadeAgain(int lost)
    {
        Partition(SystemDisk, "-part1", "etc", "usr");
        File.WriteAllText(Path.Combine(Root, "by-id", "virtio-" + DataDisk), "");
        List<int> formatted = [];
        ShellRescue system = new(Root) { LosesAnswer = lost };
        ReconnectOptions line = new() { Limit = TimeSpan.FromMinutes(1), FirstWait = TimeSpan.FromMilliseconds(1), LongestWait = TimeSpan.FromMilliseconds(1), WasReached = true };
        IReadOnlyList<byte[]> places = await LastingCall.RunAsync(system, line, ct => PrepareAsync(system, formatted, "this", ct, 0, 1), CancellationToken.None);
        Assert.Equal(2, places.Count);
        Assert.Equal(1, system.Reconnects);
        Assert.Equal([0, 1], formatted);
        Assert.Equal([$"{Root}/by-id/virtio-{SystemDisk}-part1", $"{Root}/by-id/virtio-{DataDisk}"], Made);
        Assert.Contains($"{SystemDisk}-part1 {Root}/mnt/system ", File.ReadAllText(Mounts), StringComparison.Ordinal);
        Assert.Contains($"{DataDisk} {Root}/mnt/disk1 ", File.ReadAllText(Mounts), StringComparison.Ordinal);
    }

    /// <summary>sshd does not end what a lost connection had begun: mkfs goes on, and the same script comes again.</summary>
    [Fact]
    public async Task WhatALostConnectionHadBegunIsWaitedFor()
    {
        Partition(SystemDisk, "-part1", "etc", "usr");
        Assert.Equal(0, await ShellAsync($"mkfifo '{Root}/slow'"));
        Task first = PrepareAsync(new ShellRescue(Root), [], "this", CancellationToken.None, 0);
        while (Turns.Length == 0)
        {
            await Task.Yield();
        }

        List<int> formatted = [];
        Task second = PrepareAsync(new ShellRescue(Root), formatted, "this", CancellationToken.None, 0);
        while (!File.Exists(Path.Combine(Root, "waits")))
        {
            await Task.Yield();
        }

        await File.WriteAllTextAsync(Path.Combine(Root, "slow"), "go\n");
        await first;
        await second;
        Assert.Single(Made);
        Assert.Equal([0], formatted);
        Assert.Single(Turns);
    }

    /// <summary>What was sent over a line that seemed dead may arrive when the data is there and the disks have been let go.</summary>
    [Fact]
    public async Task AScriptThatComesTooLateFormatsNothing()
    {
        Partition(SystemDisk, "-part1", "etc", "usr");
        ShellRescue system = new(Root);
        await PrepareAsync(system, [], "this", CancellationToken.None, 0);
        await new MountedDiskLayout().ReleaseAsync(system, CancellationToken.None);
        await PrepareAsync(system, [], "this", CancellationToken.None, 0);
        Assert.Single(Made);

        // Another migration has the user's word for it.
        await new MountedDiskLayout().ReleaseAsync(system, CancellationToken.None);
        await PrepareAsync(system, [], "another", CancellationToken.None, 0);
        Assert.Equal(2, Made.Length);
    }

    [Fact]
    public async Task AScriptThatWasKilledHoldsUpNoOther()
    {
        Partition(SystemDisk, "-part1", "etc", "usr");
        using Process gone = Process.Start("/bin/true")!;
        await gone.WaitForExitAsync();
        await File.WriteAllTextAsync(Path.Combine(Root, "mnt/.turn.7"), $"{gone.Id} 1\n");
        await PrepareAsync(0);
        Assert.Equal([Path.Combine(Root, "mnt/.turn.8")], Turns);
    }

    /// <summary>It saw that it was nobody's turn, and is slow to take it: another has had it meanwhile, and one has the next.</summary>
    [Fact]
    public async Task OfTwoThatFindTheDisksFreeTheSlowerOneWaits()
    {
        Partition(SystemDisk, "-part1", "etc", "usr");
        Stub("ln", $"if mkdir '{Root}/paused' 2>/dev/null; then read -r go < '{Root}/gate'; fi\nexec /bin/ln \"$@\"\n");
        Assert.Equal(0, await ShellAsync($"mkfifo '{Root}/gate'"));
        DiskAssignment chosen = new() { Index = 0, DiskId = SystemDisk, SourceType = "ext4", Partition = 1 };
        Task slow = new MountedDiskLayout(new ClientSettings { Format = FormatConsent.All }, [], null, "slow").PrepareAsync(new ShellRescue(Root), Plan(0), [chosen], CancellationToken.None);
        await UntilAsync(() => Directory.Exists(Path.Combine(Root, "paused")));
        await PrepareAsync(new ShellRescue(Root), [], "fast", CancellationToken.None, 0);
        await new MountedDiskLayout().ReleaseAsync(new ShellRescue(Root), CancellationToken.None);
        Assert.Equal(0, await ShellAsync($"mkfifo '{Root}/slow'"));
        Task next = PrepareAsync(new ShellRescue(Root), [], "next", CancellationToken.None, 0);
        await UntilAsync(() => Begun.Length == 2);
        Assert.Single(Turns);
        File.Delete(Path.Combine(Root, "waits"));
        await File.WriteAllTextAsync(Path.Combine(Root, "gate"), "go\n");
        await UntilAsync(() => Begun.Length > 2 || File.Exists(Path.Combine(Root, "waits")));
        Assert.Equal(2, Begun.Length);
        await File.WriteAllTextAsync(Path.Combine(Root, "slow"), "go\n");
        await next;
        await slow;
        Assert.Equal(2, Begun.Length);
    }
}
