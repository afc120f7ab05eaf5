using NativeSync.EndToEnd.Tests.Support;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests;

/// <summary>-x keeps a mount point as an empty directory with the attributes of what is mounted there, as rsync does.</summary>
public sealed class OneFileSystemTests
{
    [Theory]
    [InlineData("-ax --delete")]
    [InlineData("-axx --delete")]
    [InlineData("-a --delete")]
    public async Task OtherFileSystemsAtTheDestinationAreNotEmptied(string options)
    {
        using var scratch = new Scratch();
        foreach (string destination in (string[])["a", "b"])
        {
            await scratch.MountAsync(destination + "/mounted", "size=1m");
            await scratch.MountAsync(destination + "/gone/mounted", "size=1m");
        }

        await Command.ShellAsync($"cd '{scratch.Root}'; mkdir src; touch src/new; for d in a b; do touch $d/mounted/kept $d/gone/mounted/kept $d/gone/old; done");
        CommandResult rsync = await Tool.RsyncAsync([.. options.Split(' '), scratch["src"] + "/", scratch["a"]]);
        CommandResult sync = await Tool.SyncAsync([.. options.Split(' '), scratch["src"] + "/", scratch["b"]]);
        Assert.True(rsync.ExitCode == sync.ExitCode, $"{rsync}\n{sync}");
        string[] Tree(string of) => [.. Directory.EnumerateFileSystemEntries(scratch[of], "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(scratch[of], path)).Order(StringComparer.Ordinal)];
        Assert.Equal(Tree("a"), Tree("b"));
    }

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
