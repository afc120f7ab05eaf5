using System.Globalization;
using NativeSync.EndToEnd.Tests.Support;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests;

/// <summary>Metadata on the file systems that servers have: there and back nothing is lost, and what cannot be kept is named.</summary>
public sealed class FileSystemTests
{
    /// <summary>How XFS itself keeps access control lists; an attribute to root there, and no attribute of the file.</summary>
    private const string XfsOwn = "xattr:trusted.SGI_ACL_*";

    private static readonly string[] AsNobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];

    [Theory]
    [InlineData("ext4")]
    [InlineData("xfs")]
    [InlineData("btrfs")]
    [InlineData("tmpfs")]
    public async Task MetadataSurvivesARoundTrip(string type)
    {
        using var scratch = new Scratch();
        await using LoopFileSystem there = await LoopFileSystem.MountAsync(type);
        string source = scratch["src"], copy = there.Path + "/copy", back = scratch["back"];
        RandomTree.Build(source, 20260101, new RandomTreeOptions { Entries = 150 });
        (await Tool.SyncAsync("-aHAXSU", "--numeric-ids", source + "/", copy)).MustExit(0);
        await TreeJudge.MustHaveSameManifestAsync(source, copy, ["sparse", XfsOwn]);

        // A second run finds nothing to do, and the way back loses nothing.
        Assert.Equal("", (await Tool.SyncAsync("-aHAXSi", "--numeric-ids", "--delete", source + "/", copy)).MustExit(0).Output);
        (await Tool.SyncAsync("-aHAXS", "--numeric-ids", copy + "/", back)).MustExit(0);
        await TreeJudge.MustHaveSameManifestAsync(source, back, ["sparse"]);

        // An ordinary user gets all that he may have, which is what rsync gives him.
        string ours = there.Path + "/ours", theirs = there.Path + "/theirs";
        await Command.ShellAsync($"mkdir '{ours}' '{theirs}'; chown 65534:65534 '{ours}' '{theirs}'; chmod -R a+rX '{source}'");
        CommandResult rsync = await Command.RunAsync([.. AsNobody, "rsync", "-aAX", source + "/", theirs]);
        CommandResult sync = await Command.RunAsync([.. AsNobody, Tool.Path, "sync", "-aAX", source + "/", ours]);
        Assert.True(rsync.ExitCode == sync.ExitCode, $"{rsync}\n{sync}");
        await TreeJudge.MustHaveSameManifestAsync(theirs, ours, ["sparse"], $"{rsync}\n{sync}");
    }

    /// <summary>The old file stays, as a backup: only what changed takes room.</summary>
    [Theory]
    [InlineData("xfs")]
    [InlineData("btrfs")]
    public async Task WhatADeltaDoesNotChangeIsShared(string type)
    {
        using var scratch = new Scratch();
        await using LoopFileSystem there = await LoopFileSystem.MountAsync(type);
        await Command.ShellAsync($"""
            cd '{scratch.Root}'; mkdir src; head -c 72M /dev/urandom >src/file; cp -a src '{there.Path}/dst'; touch -d @1000000000 '{there.Path}/dst/file'
            printf changed | dd of=src/file bs=1M seek=30 conv=notrunc status=none
            """);
        async Task<long> UsedAsync() => long.Parse(await Command.ShellAsync($"sync -f '{there.Path}'; df -k --output=used '{there.Path}' | tail -n 1"), CultureInfo.InvariantCulture) * 1024;
        long before = await UsedAsync();
        (await Tool.SyncAsync("-ab", "--no-whole-file", scratch["src"] + "/", there.Path + "/dst")).MustExit(0);
        Assert.InRange(await UsedAsync() - before, 0, 16 << 20);
        await Command.ShellAsync($"cmp '{scratch["src"]}/file' '{there.Path}/dst/file'; test -s '{there.Path}/dst/file~'");
    }

    [Theory]
    [InlineData("ext4", "suSiadAT", false)]
    [InlineData("xfs", "Sad", true)]
    [InlineData("btrfs", "SiadAC", false)]
    public async Task InodeFlagsAndProjectIdsAreKept(string type, string letters, bool projects)
    {
        await using LoopFileSystem there = await LoopFileSystem.MountAsync(type);
        string all = string.Join("; ", letters.Select(c => $": > f{c}; mkdir d{c}; echo x > d{c}/in; chattr +{c} {(c is 'T' ? "" : "f" + c)} {(c is 's' or 'u' or 'S' or 'A' or 'T' or 'd' or 'i' or 'a' or 'C' ? "d" + c : "")}"));
        await Command.ShellAsync($"cd '{there.Path}'; mkdir src; cd src; echo plain > plain; {all}; {(projects ? "mkdir pro; : > pro/f; chattr -p 77 pro pro/f; chattr +P pro" : ":")}; echo i > both; ln both other; chattr +i both");
        (await Tool.SyncAsync("-aH", "--fileflags", "--project-ids", there.Path + "/src/", there.Path + "/dst")).MustExit(0);
        await MustAgreeAsync(there.Path, projects);

        // What is immutable at the destination is replaced, deleted and changed all the same, and is immutable again in the end.
        await Command.ShellAsync($"cd '{there.Path}'; chattr -i src/both; echo changed > src/both; chattr +i src/both; chattr -R -a src; chattr +i src/plain; chattr +i dst/plain; mkdir dst/gone; : > dst/gone/x; chattr +i dst/gone/x dst/gone");
        (await Tool.SyncAsync("-aH", "--delete", "--fileflags", "--project-ids", there.Path + "/src/", there.Path + "/dst")).MustExit(0);
        Assert.Equal("changed\n", await File.ReadAllTextAsync(there.Path + "/dst/other"));
        await MustAgreeAsync(there.Path, projects);
        Assert.Equal("", (await Tool.SyncAsync("-aHi", "--delete", "--fileflags", "--project-ids", there.Path + "/src/", there.Path + "/dst")).MustExit(0).Output);
    }

    [Fact]
    public async Task WhatAFileSystemCannotHoldIsNamedWithItsErrorAndTheRestArrives()
    {
        using var scratch = new Scratch();
        await using LoopFileSystem there = await LoopFileSystem.MountAsync("ext4");
        await using LoopFileSystem xfs = await LoopFileSystem.MountAsync("xfs");
        await using LoopFileSystem other = await LoopFileSystem.MountAsync("btrfs");
        foreach ((LoopFileSystem from, string set, string message) in (IEnumerable<(LoopFileSystem, string, string)>)
            [(there, "chattr +s f", "setting the inode flags of \"f\" failed: "), (xfs, "chattr -p 5 f", "setting the project id of \"f\" failed: ")])
        {
            await Command.ShellAsync($"cd '{from.Path}'; mkdir src; cd src; echo x > f; echo y > g; touch -d @1000000000 f g; setfattr -n user.x -v 1 f; chmod 640 f; chown 5:6 f g; {set}");
            CommandResult one = (await Tool.SyncAsync("-aX", "--fileflags", "--project-ids", from.Path + "/src/", other.Path + "/dst")).MustExit(23);
            Assert.Contains(message, one.Error, StringComparison.Ordinal);
            await TreeJudge.MustHaveSameManifestAsync(from.Path + "/src", other.Path + "/dst", ["sparse"]);
        }

        // A value larger than a block of ext4.
        await Command.ShellAsync($"cd '{scratch.Root}'; mkdir s; echo x > s/f; chmod 4755 s/f; touch -d @1000000000 s/f s; setfattr -n user.big -v \"$(head -c 9000 /dev/zero | tr '\\0' x)\" s/f; setfattr -n user.small -v 1 s/f");
        CommandResult result = (await Tool.SyncAsync("-aX", scratch["s"] + "/", there.Path + "/e")).MustExit(23);
        Assert.Matches("setting the attribute user.big of \"f\" failed: .* \\((28|7)\\)", result.Error);
        await TreeJudge.MustHaveSameManifestAsync(scratch["s"], there.Path + "/e", ["sparse", "xattr:user.big"]);
    }

    /// <summary>The judge is lsattr.</summary>
    private static async Task MustAgreeAsync(string root, bool projects)
    {
        string[] lists = await Task.WhenAll(((string[])["src", "dst"]).Select(d => Command.ShellAsync($"cd '{root}/{d}'; lsattr -aR{(projects ? "p" : "")} | sort")));
        Assert.Equal(lists[0], lists[1]);
        Assert.Contains("i", lists[0], StringComparison.Ordinal);
    }
}
