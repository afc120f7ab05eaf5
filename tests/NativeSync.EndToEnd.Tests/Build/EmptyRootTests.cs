using NativeSync.TestKit;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests.Build;

/// <summary>It needs nothing of the machine: a directory with the executable alone is enough to live in.</summary>
public sealed class EmptyRootTests
{
    [Fact]
    public async Task ItTellsItsVersion()
    {
        using var scratch = new Scratch();
        Assert.StartsWith("nativesync ", (await Command.RunAsync(In(scratch, "--version"))).MustExit(0).Output);
    }

    [Fact]
    public async Task ItSynchronisesATreeToAnother()
    {
        using var scratch = new Scratch();
        await SmallTree.MakeAsync(scratch["source"]);
        (await Command.RunAsync(In(scratch, "sync", "-aH", "/source/", "/destination/"))).MustExit(0);
        await SmallTree.MustBeEqualAsync(scratch["source"], scratch["destination"]);
    }

    [Fact]
    public async Task ItIsARemoteEndForAPush()
    {
        using var scratch = new Scratch();
        using var there = new Scratch();
        await SmallTree.MakeAsync(scratch["source"]);
        string[] remote = RemoteShell.Into(scratch["rsh"], string.Join(' ', In(there)[..^1]), "/nativesync");
        (await Command.RunAsync([PublishedExecutable.FullName, "sync", "-aH", .. remote, scratch["source"] + "/", "elsewhere:/destination/"])).MustExit(0);
        await SmallTree.MustBeEqualAsync(scratch["source"], there["destination"]);
    }

    [Fact]
    public async Task ItIsARemoteEndForAPull()
    {
        using var scratch = new Scratch();
        using var there = new Scratch();
        await SmallTree.MakeAsync(there["source"]);
        string[] remote = RemoteShell.Into(scratch["rsh"], string.Join(' ', In(there)[..^1]), "/nativesync");
        (await Command.RunAsync([PublishedExecutable.FullName, "sync", "-aH", .. remote, "elsewhere:/source/", scratch["destination"] + "/"])).MustExit(0);
        await SmallTree.MustBeEqualAsync(there["source"], scratch["destination"]);
    }

    /// <summary>The words that run the executable with the directory as its root.</summary>
    private static string[] In(Scratch root, params string[] arguments)
    {
        if (!File.Exists(root["nativesync"]))
        {
            File.Copy(PublishedExecutable.FullName, root["nativesync"]);
        }

        return ["chroot", root.Root, "/nativesync", .. arguments];
    }
}
