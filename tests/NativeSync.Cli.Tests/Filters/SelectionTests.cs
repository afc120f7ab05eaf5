using System.Text;
using NativeSync.Cli.Options;
using NativeSync.Engine;
using NativeSync.TestKit.Trees;

namespace NativeSync.Cli.Tests.Filters;

/// <summary>Real transfers: rsync and the engine make the same tree of the same start by the same options.</summary>
public sealed class SelectionTests
{
    private const string Make =
        """
        set -e; cd "$0"; mkdir -p src/d/e src/empty/below/below src/CVS src/other a/d/e a/gone/e a/empty/below a/other
        for n in 0 1 2 3 9; do head -c $n /dev/zero > src/f$n; head -c $n /dev/zero > src/d/f$n; done
        head -c 300000 /dev/zero > src/other/large; cp src/f9 src/d/e/core; cp src/f3 src/d/e/x.o; cp src/f1 src/CVS/Root; ln -s . src/link
        printf -- '- /f1\n+ e/core\n- *.o\n' > src/d/.rsync-filter; printf -- 'P kept\n- /local\n' > a/d/.rsync-filter; printf -- '- /only\n' > .rsync-filter
        printf 'f2 ignored\n' > src/d/.cvsignore; printf 'kept\n' > a/.cvsignore
        for n in kept local stale only f9; do echo old > a/$n; echo old > a/d/$n; echo old > a/gone/$n; done; echo o > a/gone/e/x.o; mkdir a/other/CVS
        setfattr -n user.one -v new src/f1; setfattr -n user.two -v new src/f1; setfattr -n trusted.three -v new src/f1; setfattr -n user.dir -v new src/d
        cp src/f1 a/f1; setfattr -n user.two -v old a/f1; setfattr -n user.four -v old a/f1; setfattr -n user.dir -v old a/d
        find . -exec touch -h -d '2020-02-02 02:02:02' {} +; cp -a a b
        """;

    [Theory]
    [InlineData("-a --delete")]
    [InlineData("-am")]
    [InlineData("-am --delete")]
    [InlineData("-am --delete --exclude=f* --exclude=.*")]
    [InlineData("-am --delete --exclude=f* --exclude=.* --filter=P_empty")]
    [InlineData("-a --max-size=2")]
    [InlineData("-a --min-size=2 --delete")]
    [InlineData("-a --max-size=8 --min-size=1 -m --delete")]
    [InlineData("-aF --delete")]
    [InlineData("-aFF --delete")]
    [InlineData("-aF --delete-excluded")]
    [InlineData("-aC --delete")]
    [InlineData("-aCF --delete --exclude=only")]
    [InlineData("-a --delete --filter=P_kept --filter=H_f9")]
    [InlineData("-a --delete --filter=:pe_.rsync-filter")]
    [InlineData("-a --delete --filter=-/_/*/d/local --filter=-/_d/kept")]
    [InlineData("-aX --filter=-x_user.two")]
    [InlineData("-aX --filter=-xs_user.two")]
    [InlineData("-aX --filter=-xr_user.two")]
    [InlineData("-aX --filter=-xr_user.f*")]
    [InlineData("-aX --filter=-x!_user.*")]
    [InlineData("-aX --filter=+x_user.one --filter=-x_*")]
    [InlineData("-aX --filter=-xr_*")]
    [InlineData("-aX --filter=-x_/user.one")]
    [InlineData("-aX --filter=-x_user/")]
    public async Task TheTreesAreEqual(string options)
    {
        foreach (string source in (string[])["/src/", "/src"])
        {
            using Scratch scratch = new();
            (await Command.RunAsync(["sh", "-c", Make, scratch.Root])).MustExit(0);
            string[] arguments = [.. options.Split(' '), scratch.Root + source];
            CommandResult rsync = await Command.RunAsync(["rsync", .. arguments, scratch["a/"]]);
            SyncArguments parsed = SyncArgumentsBuilder.Parse([.. arguments.Append(scratch["b/"]).Select(Encoding.UTF8.GetBytes)]);
            SyncReport report = await Synchronizer.LocalAsync(new SyncRequest { Sources = [.. parsed.Operands.SkipLast(1)], Destination = parsed.Operands[^1], Options = parsed.Options });
            Assert.Equal(rsync.ExitCode, report.ExitCode);

            // Times of directories that are not transferred are those of their last change.
            await Command.ShellAsync($"find '{scratch["a"]}' '{scratch["b"]}' -type d -exec touch -d 2020-02-02 {{}} +");
            await TreeJudge.MustHaveSameManifestAsync(scratch["a"], scratch["b"], because: $"{options} {source}\n{rsync}");
        }
    }

    [Fact]
    public async Task WhatElseIsThereIsNotDeletedForAnEntryThatWasNamed()
    {
        using Scratch scratch = new();
        await Command.ShellAsync($"cd '{scratch.Root}'; mkdir -p one two to/one to/mine; touch one/new to/one/old to/mine/file two/x");
        SyncRequest request = new() { Sources = [RawFiles.Bytes(scratch["one"]), RawFiles.Bytes(scratch["two"])], Destination = RawFiles.Bytes(scratch["to"]), Options = SyncOptions.Archive with { Flags = SyncOptions.ArchiveFlags | Protocol.JobFlags.Delete } };
        await Synchronizer.LocalAsync(request);
        Assert.True(File.Exists(scratch["to/mine/file"]) && File.Exists(scratch["to/one/new"]) && !File.Exists(scratch["to/one/old"]));
    }
}
