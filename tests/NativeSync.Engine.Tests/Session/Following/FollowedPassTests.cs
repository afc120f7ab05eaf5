using NativeSync.TestKit.Trees;
using Xunit;

namespace NativeSync.Engine.Tests.Session.Following;

/// <summary>Passes that look only at what has changed end where those end that look at everything.</summary>
public sealed class FollowedPassTests : FollowedTree
{
    [Trait("Category", "Slow")]
    [Fact]
    public async Task AfterAnyStormBothTreesAreEqual()
    {
        var narrow = 0;
        List<string> accounts = [];
        for (var seed = 1; seed <= 16; seed++)
        {
            using Scratch scratch = new();
            using var follower = Follow();
            var tree = RandomTree.Build(scratch["src"], seed, new RandomTreeOptions { Entries = 200 });
            await PassAsync(scratch, follower);
            for (var pass = 2; pass <= 4; pass++)
            {
                tree.Mutate(seed % 2 == 0 ? 40 : 8);
                follower.Narrow();
                await PassAsync(scratch, follower);
                accounts.Add($"seed {seed}, pass {pass}: {follower.Account}");
                narrow += IsFollowed(follower) ? 1 : 0;
            }

            await MustBeEqualAsync(scratch, follower, $"seed {seed}");
        }

        Assert.True(!Possible || narrow >= 30, string.Join('\n', accounts));
    }

    [Fact]
    public async Task WhatChangesWhileAPassLooksIsLookedAtAgain()
    {
        var again = 0;
        for (var seed = 101; seed <= 104; seed++)
        {
            using Scratch scratch = new();
            using var follower = Follow();
            var tree = RandomTree.Build(scratch["src"], seed, new RandomTreeOptions { Entries = 300 });
            for (var number = 1; number <= 3; number++)
            {
                follower.Narrow();
                var pass = Task.Run(() => PassAsync(scratch, follower));
                for (var i = 0; i < 30 || !pass.IsCompleted; i++)
                {
                    tree.Mutate(2);
                }

                await pass;
                again += follower.NeedsAnother ? 1 : 0;
            }

            follower.Narrow();
            await PassAsync(scratch, follower);
            await MustBeEqualAsync(scratch, follower, $"seed {seed}");
        }

        Assert.Equal(0, again);
    }

    [Fact]
    public async Task APassListsNoDirectoryThatIsUnchangedSinceTheOneBefore()
    {
        Make("for i in $(seq 100); do mkdir -p src/$i/deep/er; echo x >src/$i/deep/er/file; done");
        ListingCalls sender = new(), receiver = new();
        await PassAsync(sender, receiver);
        var all = sender.Listings;
        Make("echo more >>src/33/deep/er/file; mkdir src/34/new; mv src/35/deep/er/file src/35/deep/file");
        await NarrowPassAsync();
        sender.Listings = receiver.Listings = 0;
        Make("echo more >>src/7/deep/er/file; mkdir src/8/new; echo y >src/8/new/file; rm -r src/9/deep");
        Follower.Narrow();
        await PassAsync(sender, receiver);

        Make("test -z \"$(rsync -naic --delete src/ dst/)\"");
        if (Possible)
        {
            // The root; 7, 7/deep, 7/deep/er; 8, 8/new; 9. The receiver goes through what it deletes, too.
            Assert.Equal(7, Follower.Looked);
            Assert.Equal(301, all);
            Assert.Equal(7, sender.Listings);
            Assert.InRange(receiver.Listings, 1, 10);
        }
    }

    [Fact]
    public async Task WhatIsDeeperThanAPathMayBeLongIsCarried()
    {
        string Script(string what) => $"python3 -c 'import os\nfor i in range(20): os.makedirs(\"n\" * 240, exist_ok=True); os.chdir(\"n\" * 240)\n{what}'";
        Make($"mkdir -p src/a; cd src; {Script("open(\"file\", \"w\").write(\"x\"); os.mkdir(\"gone\")")}");
        await PassAsync();
        Make($"cd src; {Script("open(\"file\", \"a\").write(\"more\"); os.rmdir(\"gone\"); os.mkdir(\"new\")")}");
        await NarrowPassAsync();

        Make($"cd dst; {Script("assert open(\"file\").read() == \"xmore\" and sorted(os.listdir()) == [\"file\", \"new\"]")}");
    }

    [Fact]
    public async Task WhatAPassCouldNotDoIsLookedAtByTheNext()
    {
        Make("mkdir -p src/a/b src/c/d out; echo x >src/a/b/file; echo x >src/c/d/file; echo x >out/file");
        await PassAsync();
        Make("echo more >>src/a/b/file; mount --bind out/file dst/a/b/file");
        var failed = await NarrowPassAsync();
        Make("umount dst/a/b/file; echo y >src/c/d/file");
        var report = await NarrowPassAsync();

        MustBeFollowed();
        Assert.Equal((23, 0), (failed.ExitCode, report.ExitCode));
        await MustBeEqualAsync();
        Make("echo z >src/c/d/file");
        await NarrowPassAsync();
        Assert.Equal(Possible ? 3 : 5, Follower.Looked);
    }

    [Fact]
    public async Task ADirectoryThatComesToBeDuringAPassIsFilledByTheNext()
    {
        Make("mkdir -p src/a/b src/c; echo x >src/a/b/file");
        await PassAsync();
        Make("echo y >src/a/other");
        Follower.Narrow();
        await PassAsync(new ListingCalls(() => Make("mkdir -p src/a/new/deep; echo z >src/a/new/deep/file")));
        Assert.False(Follower.NeedsAnother);
        await NarrowPassAsync();

        MustBeFollowed();
        await MustBeEqualAsync();
    }
}
