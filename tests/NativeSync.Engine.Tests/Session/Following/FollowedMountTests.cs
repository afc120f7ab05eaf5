using Xunit;

namespace NativeSync.Engine.Tests.Session.Following;

/// <summary>What is mounted, unmounted or another directory now is looked at.</summary>
public sealed class FollowedMountTests : FollowedTree
{
    [Fact]
    public async Task AMountThatComesOrGoesIsLookedAt()
    {
        Make("mkdir -p src/a/b src/c/d; echo x >src/a/b/file");
        await Tree.MountAsync("src/a/b/fs", "size=1m");
        Make("echo x >src/a/b/fs/file");
        await PassAsync();
        Make("echo y >src/a/b/fs/soon-gone; umount src/a/b/fs; mount -t tmpfs -o size=1m none src/a/b/fs; echo more >src/a/b/fs/other");
        await NarrowPassAsync();

        MustBeFollowed();
        await MustBeEqualAsync();
    }

    [Fact]
    public async Task AMountThatOnePassSawLeavesNothingBehind()
    {
        Make("mkdir -p src/a/b src/c/d; echo x >src/a/b/file; echo y >src/c/d/file");
        const string mount = "; mount -t tmpfs -o size=1m none src/a/b; mkdir src/a/b/deep; echo z >src/a/b/deep/other";
        await PassAsync();
        Make("true" + mount);
        await NarrowPassAsync();
        Make("umount src/a/b; echo more >>src/c/d/file");
        await NarrowPassAsync();
        MustBeFollowed();
        await MustBeEqualAsync();

        // One that no look at the table of mounts shows.
        await PassAsync(new ListingCalls(() => Make("true" + mount)));
        Make("umount src/a/b; echo more >>src/c/d/file");
        await NarrowPassAsync();
        MustHaveLookedAtEverything();
        await MustBeEqualAsync();
    }

    [Fact]
    public async Task AMountThatCameAndWentDuringAPassIsNoticed()
    {
        Make("mkdir -p src/a/b src/c; echo x >src/a/b/file; echo y >src/c/file");
        await PassAsync();
        Make("echo more >>src/c/file");
        Follower.Narrow();
        await PassAsync(new ListingCalls(() => Make("mount --bind src/a src/c; umount src/c")));
        MustBeFollowed();
        await NarrowPassAsync();
        MustHaveLookedAtEverything();
        await PassAsync();
        await NarrowPassAsync();
        MustBeFollowed();
        await MustBeEqualAsync();
    }

    private void MustHaveLookedAtEverything() =>
        Assert.True(!Possible || Follower.Account.Contains("something was mounted or unmounted, and is no longer", StringComparison.Ordinal), Follower.Account);

    [Fact]
    public async Task AFileThatIsMountedIsLookedAt()
    {
        Make("mkdir -p src/a/b out; echo x >out/file; touch src/a/b/file; mount --bind out/file src/a/b/file");
        await PassAsync();
        Make("echo more >>out/file");
        await NarrowPassAsync();
        Make("umount src/a/b/file");

        MustBeFollowed();
        Assert.Equal("x\nmore\n", await File.ReadAllTextAsync(Tree["dst/a/b/file"]));
    }

    [Fact]
    public async Task ASourceThatIsAnotherDirectoryNowIsLookedAtAsAWhole()
    {
        Make("mkdir -p one/a/b two/a/b; echo x >one/a/b/file; echo different >two/a/b/file; ln -s one src");
        await PassAsync();
        Make("ln -sfn two src");
        await NarrowPassAsync();

        Assert.Equal("different\n", await File.ReadAllTextAsync(Tree["dst/a/b/file"]));
    }
}
