using NativeSync.EndToEnd.Tests.Support;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests;

/// <summary>Passes behind the first look only at what changed, and say so, or why not.</summary>
public sealed class FollowedPassTests
{
    [Fact]
    public async Task EachPassLooksOnlyAtWhatChangedSinceTheOneBeforeBegan()
    {
        using Scratch scratch = new();
        await Command.ShellAsync($"cd '{scratch.Root}'; mkdir -p src/a src/b/deep src/c src/z; for i in a b/deep c; do echo x >src/$i/file; done; head -c 4M /dev/urandom >src/z/large");

        // The first pass cannot end before it was overtaken: most of what it sends is held up until then.
        await File.WriteAllTextAsync(scratch["shell"], $$"""
            #!/bin/sh
            shift; cd '{{scratch.Root}}'
            if [ -e began ]; then exec sh -c "$*"; fi
            touch began
            { dd bs=64K count=20 status=none; while [ ! -e dst/a/file ]; do sleep 0.01; done; head -c 2000 /dev/urandom >>src/a/file; cat; } | sh -c "$*"
            """);
        File.SetUnixFileMode(scratch["shell"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        CommandResult result = await FollowingAsync(
            "", "-a", "--delete", "-e", scratch["shell"], "--rsync-path", Tool.Path, "--until-converged=1K", $"--before-last=rm '{scratch["src/c/file"]}'", scratch["src"] + "/", "host:" + scratch["dst"]);
        result.MustExit(0);

        // The root and a; the root, as nothing had changed; the root and c.
        Assert.Equal(["looked at 2 directories", "looked at 1 directory", "looked at 2 directories"], Accounts(result).Select(account => account[(account.IndexOf("the pass ", StringComparison.Ordinal) + 9)..]));
        Assert.Equal(4, RemoteRun.EventsOf(result, "pass").Count);
        await TreeJudge.MustBeEqualAsync(scratch["src"], scratch["dst"]);
    }

    [Fact]
    public async Task ADestinationThatLostWhatWasThereGetsAPassOverEverything()
    {
        using Scratch scratch = new();
        await Command.ShellAsync($"cd '{scratch.Root}'; mkdir -p src/a src/b/deep; echo x >src/a/file; echo y >src/b/deep/file");
        CommandResult result = await FollowingAsync(
            "", "-a", "--until-converged=1M", $"--before-last=cd '{scratch.Root}'; rm -r dst/*; mkdir src/a/new", scratch["src"] + "/", scratch["dst"]);
        result.MustExit(0);

        Assert.Equal("changes were not followed (the destination lacked directories that the pass before had left there): the pass looked at everything", Assert.Single(Accounts(result)));
        Assert.Equal(3, RemoteRun.EventsOf(result, "pass").Count);
        await TreeJudge.MustBeEqualAsync(scratch["src"], scratch["dst"]);
    }

    /// <summary>That a file vanished is no trouble to the next pass; what --max-delete left is, though the code speaks of the file.</summary>
    [Fact]
    public async Task WhatMaxDeleteLeftIsLookedAtAgainAlsoWhereAFileVanished()
    {
        using Scratch scratch = new();
        await Command.ShellAsync($"cd '{scratch.Root}'; mkdir -p src/a src/b src/c; for i in 1 2 3 4; do echo x >src/a/$i; done; head -c 2K /dev/urandom >src/c/first");
        await File.WriteAllTextAsync(scratch["shell"], $$"""
            #!/bin/sh
            shift; cd '{{scratch.Root}}'; echo >>passes
            case $(wc -l <passes) in
              1) sh -c "$*"; c=$?; rm src/a/*; head -c 24M /dev/urandom >src/b/large; echo x >src/b/late; exit $c ;;
              2) { dd bs=64K count=40 status=none; rm src/b/late; cat; } | sh -c "$*" ;;
              *) exec sh -c "$*" ;;
            esac
            """);
        File.SetUnixFileMode(scratch["shell"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        CommandResult result = await FollowingAsync(
            "", "-a", "--delete", "--max-delete=1", "-e", scratch["shell"], "--rsync-path", Tool.Path, "--until-converged=1K", "--max-passes=3", scratch["src"] + "/", "host:" + scratch["dst"]);
        result.MustExit(25);

        // The root, a and b both times: something vanished in b, and in a nothing happened any more.
        Assert.Equal(["looked at 3 directories", "looked at 3 directories"], Accounts(result).Select(account => account[(account.IndexOf("the pass ", StringComparison.Ordinal) + 9)..]));
        Assert.Equal([0, 24, 25], RemoteRun.EventsOf(result, "pass").Select(e => e.GetProperty("exitCode").GetInt32()));
        Assert.Equal(2, Directory.GetFiles(scratch["dst/a"]).Length);
        Assert.Equal(["large"], Directory.GetFiles(scratch["dst/b"]).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData("mount --bind out/file dst/a/file", "umount dst/a/file", "the pass before ended with code 23", "old\n")]
    [InlineData("mount -t ramfs none src; mkdir src/a", "echo new >src/a/file", "ramfs at SRC does not tell of its changes", "new\n")]
    public async Task WhatStandsInTheWayIsNamedAndEverythingLookedAt(string before, string hook, string reason, string content)
    {
        using Scratch scratch = new();
        await Command.ShellAsync($"cd '{scratch.Root}'; mkdir -p src/a dst/a out; echo old >src/a/file; touch dst/a/file out/file; touch -d 2001-01-01 out/file");
        CommandResult result = await FollowingAsync(
            $"cd '{scratch.Root}'; {before}; ", "-a", "--until-converged=1M", $"--before-last={hook}", scratch["src"] + "/", scratch["dst"]);
        result.MustExit(0);

        Assert.Equal($"changes were not followed ({reason.Replace("SRC", scratch["src"], StringComparison.Ordinal)}): the pass looked at everything", Assert.Single(Accounts(result)));
        Assert.Equal(content, await File.ReadAllTextAsync(scratch["dst/a/file"]));
    }

    /// <summary>
    /// <c>sync --json</c> where changes can be followed: the first process of a virtual machine may be its guard, which shows even root nothing, so
    /// it is hidden, in mounts of the run's own.
    /// </summary>
    private static async Task<CommandResult> FollowingAsync(string before, params string[] words)
    {
        const string hide = "mount -t tmpfs none /proc/1";
        CommandResult may = await Command.RunAsync(["unshare", "-m", "sh", "-c", hide]);
        Assert.True(may.ExitCode == 0, $"changes can be followed only with the rights of root, in no container, and tried only where 'unshare -m' may mount: {may.Error}");
        return await Command.RunAsync(["unshare", "-m", "sh", "-ec", $"{hide}; {before}exec \"$@\"", "sh", Tool.Path, "sync", "--json", .. words]);
    }

    private static List<string> Accounts(CommandResult result) => [.. RemoteRun.EventsOf(result, "followed").Select(e => e.GetProperty("account").GetString()!)];
}
