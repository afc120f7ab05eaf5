using NativeSync.Engine.FileSystem;
using Xunit;

namespace NativeSync.Engine.Tests.Session.Following;

/// <summary>Names that are added, removed and moved are carried, and with one name of a file all that it has.</summary>
public sealed class FollowedNameTests : FollowedTree
{
    [Theory]
    [InlineData("echo more >>src/b/other", true, "another name of a file with several")]
    [InlineData("echo more >>out/third", true, "a name that is no part of the tree")]
    [InlineData("ln src/c/single src/b/second; echo more >>src/b/second; rm src/b/second", true, "a name that came and went")]
    [InlineData("ln src/c/single out/second; echo more >>out/second", null, "a new name elsewhere")]
    [InlineData("ln src/c/single src/b/second; chmod 600 src/b/second", null, "a new name")]
    [InlineData("rm src/b/other out/third; chmod 600 src/a/one", true, "a name alone again")]
    [InlineData("mv src/a/one src/c/moved; echo more >>src/b/other", true, "a name that moved")]
    [InlineData("mv src/a/one src/c/moved", true, "a name that alone moved")]
    [InlineData("mv src/a src/c/d", true, "names that moved with their directory")]
    [InlineData("mv src/a src/d; mkdir src/a; ln src/d/one src/a/one", null, "a directory in the place of another")]
    public async Task AllNamesOfAFileAreCarried(string change, bool? followed, string what)
    {
        Make("mkdir -p src/a src/b src/c/deep out; echo x >src/a/one; ln src/a/one src/b/other; ln src/a/one out/third; echo y >src/c/single; echo z >src/c/deep/z");
        await PassAsync();
        Make(change);
        await NarrowPassAsync();

        Assert.True(!Possible || followed is null || followed == IsFollowed(Follower), $"{what}: {Follower.Account}");
        await MustBeEqualAsync(what);
    }

    [Theory]
    [InlineData("mv src/a/b src/moved; mv src/c/d src/a/b")]
    [InlineData("rm -r src/a/b; mkdir src/a/b")]
    [InlineData("mv src/a out/a; mv out/x src/a; mv out/a/b src/a/b")]
    [InlineData("mv src/a/b src/1; mv src/1 src/2; mv src/2 src/c/3; echo new >src/c/3/sub/new")]
    [InlineData("ln -s nowhere src/a/b/link; setfattr -n user.x -v 1 src/a/b/sub; chown 7:8 src/c; touch -d 2002-02-02 src/c/d")]
    public async Task DirectoriesThatMoveAreCarriedWithAllThatIsInThem(string change)
    {
        Make("mkdir -p src/a/b/sub src/c/d/sub out/x/b/sub; for d in src/a/b src/c/d/./. out/x/b/././; do echo $d >$d/sub/file; echo $d >$d/file; done");
        await PassAsync();
        Make(change);
        await NarrowPassAsync();

        MustBeFollowed();
        await MustBeEqualAsync();
    }

    [Theory]
    [InlineData("mkdir src/c; ln src/a/one src/c/new")]
    [InlineData("mv src/b src/c")]
    [InlineData("mkdir src/c; mv src/b/other src/c/new")]
    public async Task NamesThatAPassOverLittleSawAreKnownToTheNext(string change)
    {
        await Tree.MountAsync("dst", "size=1m"); // what is made there would be followed, too
        Make("mkdir -p src/a src/b src/d/e; echo x >src/a/one; ln src/a/one src/b/other");
        await PassAsync();
        Make(change);
        await NarrowPassAsync();
        MustBeFollowed();
        Make("echo more >>src/a/one");
        await NarrowPassAsync();

        MustBeFollowed();
        Assert.True(!Possible || Follower.Looked <= 4, Follower.Account); // not d
        await MustBeEqualAsync();
    }

    [Theory]
    [InlineData("mv src/a/file src/z/other", 0)]
    [InlineData("mv src/z/file src/a/other", 0)]
    [InlineData("mv src/a/file src/z/; rmdir src/a", 0)]
    [InlineData("mkdir -p src/b/new/er; mv src/z/file src/b/new/er/", 0)]
    [InlineData("mv src/log/3 src/log/4; mv src/log/2 src/log/3; mv src/log/1 src/log/2; head -c 1000 /dev/urandom >src/log/1", 1000)]
    public async Task AFileThatAloneWasRenamedIsNotSentAgain(string change, long sent)
    {
        Make("mkdir -p src/a src/z src/log; for i in a/file z/file log/1 log/2 log/3; do head -c 40000 /dev/urandom >src/$i; done; for i in $(seq 50); do mkdir -p src/c/$i; echo $i >src/c/$i/file; done");
        await PassAsync();
        Make(change);
        Follower.Narrow();
        ListingCalls receiver = new();
        var report = await PassAsync(LinuxSystemCalls.Instance, receiver);

        MustBeFollowed();
        Assert.Equal(sent, report.Statistics.LiteralBytes);
        Assert.InRange(receiver.Listings, 1, Possible ? 20 : int.MaxValue);
        await MustBeEqualAsync();
    }
}
