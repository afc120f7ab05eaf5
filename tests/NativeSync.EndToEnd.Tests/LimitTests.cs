using NativeSync.EndToEnd.Tests.Support;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests;

/// <summary>The executable under what a system refuses it, few descriptors, a bound on the size of files, a reader that has gone; and links of others.</summary>
public sealed class LimitTests
{
    [Theory]
    [InlineData(20)]
    [InlineData(30)]
    [InlineData(40)]
    public async Task FewDescriptorsCostSpeedAndNothingElse(int descriptors)
    {
        using var scratch = new Scratch();
        await Command.ShellAsync($"""
            cd '{scratch.Root}'; i=0
            while [ $i -lt 60 ]; do mkdir -p src/$i/deep/er; echo one $i > src/$i/one; echo two > src/$i/deep/two; ln src/$i/one src/$i/deep/er/hard; i=$((i + 1)); done
            head -c 3000000 /dev/urandom > src/large; cp -a src old; printf changed | dd of=src/large bs=1 seek=1000000 conv=notrunc status=none; rm -r old/1 old/2
            while [ $i -lt 90 ]; do mkdir -p old/gone-$i/deep old/gone/$i; seq 20 | sed "s,.*,old/gone-$i/deep/&," | xargs touch; i=$((i + 1)); done
            """);
        foreach (string words in (string[])["-aH --delete", "-aH --delete-after -b --backup-dir=../bak --link-dest=../old"])
        {
            await Command.ShellAsync($"cd '{scratch.Root}'; rm -rf dst bak; cp -a old dst");
            CommandResult result = await LimitedAsync($"ulimit -n {descriptors}", $"sync {words} '{scratch["src"]}/' '{scratch["dst"]}/'");
            // So few that nothing can be done is said at once, and nothing is half done.
            if (result.ExitCode == 0)
            {
                await TreeJudge.MustBeEqualAsync(scratch["src"], scratch["dst"], holes: false);
            }
            else
            {
                Assert.True(descriptors < 30, result.ToString());
                Assert.Contains("Too many open files", result.Error, StringComparison.Ordinal);
                (await Tool.SyncAsync([.. words.Split(' '), scratch["src"] + "/", scratch["dst"] + "/"])).MustExit(0);
                await TreeJudge.MustBeEqualAsync(scratch["src"], scratch["dst"], holes: false);
            }
        }
    }

    [Theory]
    [InlineData("-a")]
    [InlineData("-a --inplace")]
    [InlineData("-a --delay-updates")]
    [InlineData("-a --backup")]
    public async Task AFileLargerThanMayBeIsNamedAndTheOthersArrive(string words)
    {
        using var scratch = new Scratch();
        await PrepareLargeAsync(scratch);
        // 1,024 bytes each in bash, 512 in dash: about a megabyte.
        CommandResult result = await LimitedAsync("ulimit -f 1024", $"sync {words} '{scratch["src"]}/' '{scratch["dst"]}/'");
        Assert.Equal(23, result.ExitCode);
        string line = Assert.Single(result.ErrorLines, l => l.Contains("\"large\"", StringComparison.Ordinal));
        Assert.Contains("File too large (27)", line, StringComparison.Ordinal);
        Assert.Equal("small", File.ReadAllText(scratch["dst/small"]));
        Assert.Equal("small", File.ReadAllText(scratch["dst/z-small"]));
        if (!words.Contains("inplace", StringComparison.Ordinal))
        {
            Assert.Equal("the old one", File.ReadAllText(scratch["dst/large"]));
        }

        (await Tool.SyncAsync([.. words.Split(' '), scratch["src"] + "/", scratch["dst"] + "/"])).MustExit(0);
        await Command.ShellAsync($"cmp '{scratch["src/large"]}' '{scratch["dst/large"]}'; cd '{scratch["dst"]}'; [ -z \"$(ls -A | grep '^\\.')\" ]");
    }

    [Theory]
    [InlineData("--partial", "dst/large")]
    [InlineData("--partial-dir=.part", "dst/.part/large")]
    [InlineData("--partial-dir=.in/.part", "dst/.in/.part/large")]
    public async Task WhatCameBeforeAWriteErrorIsKeptWherePartialSaysSo(string option, string kept)
    {
        using var scratch = new Scratch();
        await PrepareLargeAsync(scratch);
        Directory.CreateDirectory(scratch["dst/.in"]);
        CommandResult result = await LimitedAsync("ulimit -f 1024", $"sync -a {option} '{scratch["src"]}/' '{scratch["dst"]}/'");
        Assert.Equal(23, result.ExitCode);
        long length = new FileInfo(scratch[kept]).Length;
        Assert.InRange(length, 1, 1024 * 1024);
        await Command.ShellAsync($"cmp -n {length} '{scratch["src/large"]}' '{scratch[kept]}'");

        (await Tool.SyncAsync("-a", option, scratch["src"] + "/", scratch["dst"] + "/")).MustExit(0);
        await Command.ShellAsync($"cmp '{scratch["src/large"]}' '{scratch["dst/large"]}'; [ -z \"$(find '{scratch["dst"]}' -name .part)\" ]");
    }

    /// <summary>A part that takes the name of a file takes it as a complete one does, and as rsync lets it: the old one is in its backup.</summary>
    [Theory]
    [InlineData("-a --partial --backup")]
    [InlineData("-a --partial --backup --suffix=.was")]
    [InlineData("-a --partial --backup-dir=../bak")]
    [InlineData("-a --partial --update")]
    [InlineData("-a --partial --backup --temp-dir=TMP")]
    public async Task APartUnderTheNameOfAFileIsWhatRsyncLeaves(string words)
    {
        using var scratch = new Scratch();
        await PrepareLargeAsync(scratch);
        string temporary = Directory.CreateDirectory("/dev/shm/ns-limit-" + Path.GetRandomFileName()).FullName;
        try
        {
            words = words.Replace("TMP", temporary, StringComparison.Ordinal);
            await Command.ShellAsync($"cd '{scratch.Root}'; mkdir ours theirs; for p in ours theirs; do cp -a dst $p/dst; done");
            CommandResult ours = await LimitedAsync("ulimit -f 1024", $"sync {words} '{scratch["src"]}/' '{scratch["ours/dst"]}/'");
            CommandResult theirs = await Command.RunAsync(["/bin/bash", "-c", $"ulimit -f 1024; exec rsync {words} '{scratch["src"]}/' '{scratch["theirs/dst"]}/'"], TimeSpan.FromMinutes(3));
            Assert.Equal((23, 11), (ours.ExitCode, theirs.ExitCode));
            foreach (string side in (string[])["ours", "theirs"])
            {
                string[] old = [.. Directory.GetFiles(scratch[side], "large*", SearchOption.AllDirectories).Where(f => File.ReadAllText(f) == "the old one").Select(f => Path.GetRelativePath(scratch[side], f))];
                Assert.Equal(words.Contains("--backup", StringComparison.Ordinal) ? [KeptAs(words)] : [], old);
                var part = new FileInfo(scratch[side + "/dst/large"]);
                Assert.InRange(part.Length, 1, 1024 * 1024);
                Assert.InRange(part.LastWriteTimeUtc, DateTime.UnixEpoch, DateTime.UnixEpoch.AddSeconds(1));
                await Command.ShellAsync($"cmp -n {part.Length} '{scratch["src/large"]}' '{part.FullName}'");
            }

            Assert.Empty(Directory.GetFileSystemEntries(temporary));
            (await Tool.SyncAsync([.. words.Split(' '), scratch["src"] + "/", scratch["ours/dst"] + "/"])).MustExit(0);
            await Command.ShellAsync($"cmp '{scratch["src/large"]}' '{scratch["ours/dst/large"]}'");

            // Where rsync has the part in its place by now.
            Assert.True(!words.Contains("--backup", StringComparison.Ordinal) || File.ReadAllText(scratch["ours/" + KeptAs(words)]) == "the old one");
        }
        finally
        {
            Directory.Delete(temporary, recursive: true);
        }
    }

    [Theory]
    [InlineData("sync -av SRC/ DST/ >&-")]
    [InlineData("sync -av SRC/ DST/ | true")]
    [InlineData("sync -av --progress SRC/ DST/ | head -n 1 > /dev/null")]
    [InlineData("sync -av SRC/ DST/ > /dev/full")]
    [InlineData("sync -a --stats SRC/ DST/ 2>&- >&-")]
    [InlineData("sync -av SRC/ DST/ <&-")]
    public async Task ClosedOutputLosesNoFile(string line)
    {
        using var scratch = new Scratch();
        await Command.ShellAsync($"cd '{scratch.Root}'; mkdir src dst; i=0; while [ $i -lt 500 ]; do echo $i > src/a-name-that-fills-a-pipe-$i; i=$((i + 1)); done; echo old > dst/a-name-that-fills-a-pipe-7");
        string words = line.Replace("SRC", scratch["src"], StringComparison.Ordinal).Replace("DST", scratch["dst"], StringComparison.Ordinal);
        CommandResult result = await Command.RunAsync(["/bin/sh", "-c", $"'{Tool.Path}' {words}; echo over >&2"], TimeSpan.FromMinutes(2));
        Assert.DoesNotContain("Unhandled", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(" at NativeSync", result.Error, StringComparison.Ordinal);
        foreach (string file in Directory.GetFiles(scratch["dst"]))
        {
            // Whatever is under a name is whole; that the run went on to its end is not promised when nobody listens.
            string content = File.ReadAllText(file);
            Assert.True(content == File.ReadAllText(scratch["src/" + Path.GetFileName(file)]) || content == "old\n", file);
        }

        (await Tool.SyncAsync("-a", "--delete", scratch["src"] + "/", scratch["dst"] + "/")).MustExit(0);
        await TreeJudge.MustBeEqualAsync(scratch["src"], scratch["dst"], holes: false);
    }

    /// <summary>As rsync: links of root and of the caller are followed, those of others lead to what they may not read or write (CVE-2026-53802, -53803).</summary>
    [Fact]
    public async Task ALinkOfAnotherUserIsNotFollowedToARuleOrLogFile()
    {
        using var scratch = new Scratch();
        await Command.ShellAsync($"cd '{scratch.Root}'; mkdir src links; echo x > src/f; echo '- f' > rules; echo precious > log; ln -s ../rules links/rules; ln -s ../log links/log; chown -h 65534 links/rules links/log");
        CommandResult rules = await Tool.SyncAsync("-a", "--exclude-from=" + scratch["links/rules"], scratch["src"] + "/", scratch["dst"] + "/");
        Assert.Equal(11, rules.ExitCode);
        Assert.Contains("links/rules", Assert.Single(rules.ErrorLines), StringComparison.Ordinal);
        Assert.False(Directory.Exists(scratch["dst"]));

        CommandResult log = await Tool.SyncAsync("-a", "--log-file=" + scratch["links/log"], scratch["src"] + "/", scratch["dst"] + "/");
        Assert.Equal(0, log.ExitCode);
        Assert.Contains("it is a symbolic link that belongs to another user", log.Error, StringComparison.Ordinal);
        Assert.Equal("precious\n", File.ReadAllText(scratch["log"]));
    }

    private static string KeptAs(string words) =>
        words.Contains("--backup-dir", StringComparison.Ordinal) ? "bak/large" : words.Contains(".was", StringComparison.Ordinal) ? "dst/large.was" : "dst/large~";

    private static Task PrepareLargeAsync(Scratch scratch) => Command.ShellAsync(
        $"cd '{scratch.Root}'; mkdir src dst; head -c 3000000 /dev/urandom > src/large; printf small > src/small; printf small > src/z-small; printf 'the old one' > dst/large; touch -d 2001-01-01 dst/large");

    /// <summary>Runs under limits that a shell sets.</summary>
    private static Task<CommandResult> LimitedAsync(string limits, string words) =>
        Command.RunAsync(["/bin/bash", "-c", $"{limits}; exec '{Tool.Path}' {words}"], TimeSpan.FromMinutes(3));
}
