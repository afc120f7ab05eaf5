using NativeSync.EndToEnd.Tests.Support;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests;

/// <summary>-x keeps a mount point as an empty directory with the attributes of what is mounted there, as rsync does.</summary>
public sealed class OneFileSystemTests
{
    [Theory]
    [InlineData("-ax")]
    [InlineData("-a")]
    [InlineData("-ax --delete")]
    [InlineData("-axx")]
    [InlineData("-axx --delete")]
    [InlineData("-axm")]
    public async Task AMountPointIsKeptAndNotEntered(string options)
    {
        using var scratch = new Scratch();
        Directory.CreateDirectory(scratch["src"]);
        string mounted = await scratch.MountAsync("src/mounted", "size=1m,mode=0750");
        await Command.ShellAsync($"echo in > '{mounted}'/in; echo out > '{scratch["src"]}'/out; mkdir -p '{scratch["a"]}'/mounted; echo old > '{scratch["a"]}'/mounted/old; touch -d '2020-02-02' '{mounted}' '{scratch["src"]}' '{scratch["src"]}'/out; cp -a '{scratch["a"]}' '{scratch["b"]}'");
        CommandResult rsync = await Tool.RsyncAsync([.. options.Split(' '), scratch["src"] + "/", scratch["a"]]);
        CommandResult sync = await Tool.SyncAsync([.. options.Split(' '), scratch["src"] + "/", scratch["b"]]);
        Assert.True(rsync.ExitCode == sync.ExitCode, $"{rsync}\n{sync}");
        await TreeJudge.MustHaveSameManifestAsync(scratch["a"], scratch["b"], because: $"{rsync}\n{sync}");
    }
}
