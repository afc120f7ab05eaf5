using System.Text.RegularExpressions;
using NativeSync.EndToEnd.Tests.Support;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests;

/// <summary>
/// A destination without room, pushed to and fetched to: the message says which file system and how much is missing, everything that
/// was there is still there, and when there is room the run goes on.
/// </summary>
public sealed class FullDiskTests(SharedServer server) : IClassFixture<SharedServer>
{
    [Trait("Category", "Slow")]
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ALargeFileOnADiskOfItsOwn(bool push)
    {
        await using LoopFileSystem disk = await LoopFileSystem.MountAsync("ext4");
        using Scratch scratch = new();
        await Command.ShellAsync($"""
            cd '{scratch.Root}'; mkdir src; echo small >src/a; head -c 100M /dev/urandom >src/b; echo last >src/c
            mkdir '{disk.Path}/dst'; echo old >'{disk.Path}/dst/a'; head -c 215M /dev/zero >'{disk.Path}/filler' || :
            """);
        CommandResult full = await FillAndGoOnAsync(push, scratch["src"], disk.Path, disk.Path + "/filler");
        Assert.Matches("no space left at the destination on .*\\(/dev/loop[0-9]+, ext4\\) while writing \"b\", and for this file alone [0-9]+ bytes more are needed", full.Error);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ManySmallFiles(bool push)
    {
        using Scratch scratch = new();
        string disk = await scratch.MountAsync("disk", "size=24m");
        await Command.ShellAsync($"""
            cd '{scratch.Root}'; mkdir -p src/many disk/dst/many; head -c 20M /dev/urandom | split -a 3 -b 32K - src/many/new-; cp src/many/new-aab disk/dst/many/new-aaa; echo old >disk/dst/many/new-aab
            head -c 14M /dev/zero >disk/filler
            """);
        CommandResult full = await FillAndGoOnAsync(push, scratch["src"], disk, disk + "/filler");
        Assert.Matches($"no space left at the destination on {Regex.Escape(disk)} \\(nativesync-test, tmpfs\\) while writing \"many/new-[a-z]+\", and for this file alone [0-9]+ bytes more are needed, for all that is known to be missing up to [0-9]+ \\(", full.Error);
    }

    [Fact]
    public async Task MoreFilesThanInodes()
    {
        using Scratch scratch = new();
        string disk = await scratch.MountAsync("disk", "size=24m,nr_inodes=200");
        await Command.ShellAsync($"cd '{scratch.Root}'; mkdir -p src/many disk/dst/many; head -c 1M /dev/urandom | split -a 3 -b 4K - src/many/new-; echo old >disk/dst/many/new-aab; i=0; while [ $i -lt 20 ]; do : >disk/filler-$i; i=$((i + 1)); done; mount -o remount,nr_inodes=250 disk");
        CommandResult full = (await Tool.SyncAsync(["-a", scratch["src"] + "/", disk + "/dst"])).MustExit(11);
        Assert.Contains($"no inodes left at the destination on {disk} (nativesync-test, tmpfs) while writing \"many/new-", full.Error, StringComparison.Ordinal);
        await Command.ShellAsync($"cd '{scratch.Root}'; mount -o remount,nr_inodes=400 disk");
        (await Tool.SyncAsync(["-a", scratch["src"] + "/", disk + "/dst"])).MustExit(0);
        await TreeJudge.MustBeEqualAsync(scratch["src"], disk + "/dst");
    }

    /// <returns>The run that found no room.</returns>
    private async Task<CommandResult> FillAndGoOnAsync(bool push, string source, string disk, string filler)
    {
        using CountedLine line = new(server.Ssh.Port);
        RemoteRun run = new(server.Ssh, line);
        Task<CommandResult> MoveAsync(params string[] words) => push
            ? run.PushAsync(source + "/", disk + "/dst", words)
            : run.PullAsync(source + "/", disk + "/dst", _ => Task.CompletedTask, words);

        Manifest old = await Manifest.ReadAsync(disk + "/dst");
        Manifest wanted = await Manifest.ReadAsync(source);
        CommandResult full = (await MoveAsync("-a")).MustExit(11);
        Manifest found = await Manifest.ReadAsync(disk + "/dst");
        foreach (string path in found.Paths.Where(p => found[p, "type"] == "f" && !p.Contains(".nativesync-partial/", StringComparison.Ordinal)))
        {
            Assert.True(found[path, "sha256"] is { } content && (content == old[path, "sha256"] || content == wanted[path, "sha256"]), $"{path} is neither old nor new\n{full}");
        }

        Assert.All(old.Paths, p => Assert.NotNull(found[p, "type"]));
        File.Delete(filler);
        CommandResult again = (await MoveAsync("-a", "--json")).MustExit(0);
        Assert.True(RemoteRun.Reported(again, "filesTransferred") < wanted.Paths.Count(p => wanted[p, "type"] == "f"), $"what was complete was sent again\n{again}");
        await TreeJudge.MustBeEqualAsync(source, disk + "/dst");
        return full;
    }
}
