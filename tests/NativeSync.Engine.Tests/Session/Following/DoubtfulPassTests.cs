using NativeSync.Protocol;
using Xunit;

namespace NativeSync.Engine.Tests.Session.Following;

/// <summary>Where what changed is not known for sure, a pass looks at everything, and says why.</summary>
public sealed class DoubtfulPassTests : FollowedTree
{
    [Theory]
    [InlineData("a/,b/", "rm -rf a/d", "a/d a/e")]
    [InlineData("a/,b/", "rm -rf b/d", "b/d b/e")]
    [InlineData("a/n,b/n", "mv a/n/d a/n.d", "a/n/d")]
    [InlineData("a/,x/d", "rm -rf a/d/sub", "a/d/sub")]
    public async Task WhatSeveralSourcesShareEndsAsALookAtEverything(string sources, string change, string also)
    {
        Make($"mkdir -p {also} a/d/sub b/d/sub a/n/d b/n/d x/d/sub; for d in a/d a/d/sub b/d b/d/sub a/n/d b/n/d x/d/sub; do echo $d >$d/text; touch $d/in-${{d%%/*}}; done; for d in b/d b/d/sub b/n/d x/d x/d/sub; do echo other >>$d/text; done");
        var request = Request(Tree, Follower) with { Sources = [.. sources.Split(',').Select(s => Bytes(Tree[s]))] };
        Follower.Passed((await Synchronizer.LocalAsync(request)).ExitCode);
        Make(change);
        Follower.Narrow();
        Follower.Passed((await Synchronizer.LocalAsync(request)).ExitCode);

        Assert.Contains("not followed", Follower.Account, StringComparison.Ordinal);
        await Synchronizer.LocalAsync(request with { Destination = Bytes(Tree["all"]), Options = request.Options with { Changes = null } });
        Make("diff -r dst all");
    }

    [Fact]
    public async Task DevicesWhoseContentIsCopiedAreNotFollowed()
    {
        Make("mkdir -p src/a");
        var request = Request(Tree, Follower);
        request = request with { Options = request.Options with { SourceOptions = SourceOptions.CopyDevices } };
        Follower.Passed((await Synchronizer.LocalAsync(request)).ExitCode);
        Follower.Narrow();
        Follower.Passed((await Synchronizer.LocalAsync(request)).ExitCode);

        Assert.Contains("what is written to a device is no event", Follower.Account, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AfterALostEventThePassLooksAtEverything()
    {
        Make("mkdir -p src/a/b src/c/d; echo x >src/a/b/file");
        await PassAsync();

        // struct fanotify_event_metadata: length, version, metadata length, FAN_Q_OVERFLOW, no handle, no process.
        Follower.Take([24, 0, 0, 0, 3, 0, 24, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0]);
        Make("echo y >src/c/d/file");
        await NarrowPassAsync();

        Assert.Contains(Possible ? "the kernel's queue overflowed" : "not followed", Follower.Account, StringComparison.Ordinal);
        Assert.Equal(5, Follower.Looked);
        await MustBeEqualAsync();
    }

    [Theory]
    [InlineData("rm -rf dst/*; mkdir src/a/new")]
    [InlineData("rm -rf dst; mkdir src/a/new src/a/other")]
    [InlineData("rm -rf dst/c; rm -r src/a/b; mkdir src/a/b")] // as many came, and were there
    public async Task ADestinationThatLostDirectoriesIsNotedAndGoneThroughAsAWhole(string change)
    {
        Make("mkdir -p src/a/b src/c/d; echo x >src/a/b/file; echo y >src/c/d/file");
        await PassAsync();
        Make(change);
        await NarrowPassAsync();
        Assert.True(!Possible || Follower.NeedsAnother, Follower.Account);
        await PassAsync();

        Assert.Contains(Possible ? "the destination lacked directories" : "not followed", Follower.Account, StringComparison.Ordinal);
        await MustBeEqualAsync();
    }

    [Theory]
    [InlineData("true", "mkdir src/late", "rm -rf dst/c; echo more >>src/a/b/file", true)] // as many came, and were not listed
    [InlineData("mkdir src/spool", "rmdir src/spool", "echo more >>src/a/b/file", false)] // listed, and gone before its turn
    [InlineData("true", "rmdir src/spool", "mkdir src/spool", false)]
    public async Task ADirectoryThatComesOrGoesDuringAPassNeitherHidesALossNorLooksLikeOne(string before, string afterTheRoot, string change, bool lost)
    {
        Make("mkdir -p src/a/b src/c/d; echo x >src/a/b/file; echo y >src/c/d/file");
        await PassAsync();
        Make(change);
        Follower.Narrow();
        await PassAsync(new ListingCalls(() => Make(before), () => Make(afterTheRoot)));
        Assert.True(!Possible || Follower.NeedsAnother == lost, Follower.Account);
        await PassAsync();

        await MustBeEqualAsync();
    }

    [Fact]
    public async Task AfterAPassOverEverythingThatHadTroubleThePassLooksAtEverything()
    {
        Make("mkdir -p src/a/b; echo x >src/a/b/file");
        await PassAsync();
        Follower.Passed(23);
        await NarrowPassAsync();

        Assert.Contains(Possible ? "the pass before ended with code 23" : "not followed", Follower.Account, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AfterAPassThatDidNotComeToItsEndThePassLooksAtEverything()
    {
        Make("mkdir -p src/a/b; echo x >src/a/b/file");
        await PassAsync();
        using CancellationTokenSource stop = new();
        ListingCalls sender = new(stop.Cancel);
        Make("echo more >>src/a/b/file");
        Follower.Narrow();
        await Assert.ThrowsAnyAsync<Exception>(() => PassAsync(sender, ct: stop.Token));
        await NarrowPassAsync();

        Assert.Contains(Possible ? "the pass before did not come to its end" : "not followed", Follower.Account, StringComparison.Ordinal);
        await MustBeEqualAsync();
    }
}
