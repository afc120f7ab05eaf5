using System.Globalization;
using NativeSync.EndToEnd.Tests.Support;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests;

/// <summary>What is interrupted goes on, by itself or by running it again, and costs what is left.</summary>
public sealed class ContinuationTests(SharedServer server) : IClassFixture<SharedServer>
{
    private static readonly int Mebibytes = TestRun.IsQuick ? 64 : 256;

    [Trait("Category", "Slow")]
    [Theory]
    [InlineData("client")]
    [InlineData("agent")]
    [InlineData("line")]
    public async Task AFileCutAtNineTenthsCostsTheRest(string victim)
    {
        using Scratch scratch = new();
        using CountedLine line = new(server.Ssh.Port);
        RemoteRun run = new(server.Ssh, line);
        await Command.ShellAsync($"cd '{scratch.Root}'; mkdir src dst; head -c {Mebibytes}M /dev/urandom >src/large");
        long size = (long)Mebibytes << 20;

        // The rate leaves the disk time to keep up with the line, as it has in the field.
        string rate = "--bwlimit=" + (Mebibytes * 1024 / 12).ToString(CultureInfo.InvariantCulture);
        CommandResult first = await run.PushAsync(scratch["src"] + "/", scratch["dst"], async client =>
        {
            await RemoteRun.UntilAsync(() => LargestPartial(scratch["dst"]) >= size * 9 / 10, client);
            Strike(victim, run, line, client);
        }, "-a", rate);
        Assert.NotEqual(0, first.ExitCode);
        line.TakeSent();
        CommandResult second = (await run.PushAsync(scratch["src"] + "/", scratch["dst"], "-a", "--json")).MustExit(0);
        long sent = line.TakeSent();
        Assert.True(sent <= size * 105 / 1000, $"{sent} of {size} bytes went over the line again\n{second}");
        await TreeJudge.MustBeEqualAsync(scratch["src"], scratch["dst"]);
    }

    [Fact]
    public async Task WithNoResumeNothingIsKept()
    {
        using Scratch scratch = new();
        using CountedLine line = new(server.Ssh.Port);
        RemoteRun run = new(server.Ssh, line);
        await Command.ShellAsync($"cd '{scratch.Root}'; mkdir src dst; head -c 32M /dev/urandom >src/large");
        await run.PushAsync(scratch["src"] + "/", scratch["dst"], async client =>
        {
            await RemoteRun.UntilAsync(() => Directory.GetFiles(scratch["dst"]).Any(f => new FileInfo(f).Length > 1 << 20), client);
            line.Cut();
        }, "-a", "--bwlimit=8000", "--no-resume");
        Assert.False(Directory.Exists(Path.Combine(scratch["dst"], ".nativesync-partial")));
        (await run.PushAsync(scratch["src"] + "/", scratch["dst"], "-a", "--no-resume")).MustExit(0);
        await TreeJudge.MustBeEqualAsync(scratch["src"], scratch["dst"]);
    }

    [Fact]
    public async Task ALineThatDropsTwiceIsOneRun()
    {
        using Scratch scratch = new();
        using CountedLine line = new(server.Ssh.Port);
        RemoteRun run = new(server.Ssh, line);
        await Command.ShellAsync($"""
            cd '{scratch.Root}'; mkdir -p src/many dst/gone; i=0; while [ $i -lt 300 ]; do echo $i >src/many/$i; i=$((i + 1)); done
            head -c 24M /dev/urandom >src/large; ln src/large src/linked; ln src/many/1 src/z-linked; touch dst/gone/1 dst/gone/2
            """);
        long size = 24 << 20;
        CommandResult result = await run.PushAsync(scratch["src"] + "/", scratch["dst"], async client =>
        {
            await RemoteRun.UntilAsync(() => LargestPartial(scratch["dst"]) > size / 4, client);
            line.Cut();
            await RemoteRun.UntilAsync(() => LargestPartial(scratch["dst"]) > size / 2 && run.Find(sshd: false) is not null, client);
            RemoteRun.Kill(run.Find(sshd: false));
        }, "-aH", "--delete", "--bwlimit=4000", "--reconnect=60", "--json");
        result.MustExit(0);
        Assert.Equal(2, RemoteRun.EventsOf(result, "resumed").Count);
        Assert.True(RemoteRun.EventsOf(result, "lost").Count >= 2, result.ToString());
        Assert.Single(RemoteRun.EventsOf(result, "start"));
        Assert.Equal(301, RemoteRun.Reported(result, "filesTransferred"));
        Assert.Equal(3, RemoteRun.Reported(result, "deleted"));
        Assert.Equal(2, RemoteRun.Reported(result, "linked"));
        await TreeJudge.MustBeEqualAsync(scratch["src"], scratch["dst"]);
    }

    [Fact]
    public async Task ALineThatDoesNotComeBackIsGivenUpAfterTheLimit()
    {
        using Scratch scratch = new();
        CountedLine line = new(server.Ssh.Port);
        RemoteRun run = new(server.Ssh, line);
        await Command.ShellAsync($"cd '{scratch.Root}'; mkdir src dst; head -c 16M /dev/urandom >src/large");
        CommandResult result = await run.PushAsync(scratch["src"] + "/", scratch["dst"], async client =>
        {
            await RemoteRun.UntilAsync(() => LargestPartial(scratch["dst"]) > 4 << 20, client);
            line.Dispose();
        }, "-a", "--bwlimit=4000", "--reconnect=2");
        Assert.Contains(result.ExitCode, (int[])[12, 255]);
        Assert.Contains("connecting again in 1 s (attempt 1)", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ADatabaseInUseAndABusyDirectoryArriveInPasses()
    {
        using Scratch scratch = new();
        using CountedLine line = new(server.Ssh.Port);
        RemoteRun run = new(server.Ssh, line);
        await File.WriteAllTextAsync(scratch["writer.py"], """
            import os, random, sqlite3, sys, time
            root = sys.argv[1]
            db = sqlite3.connect(root + '/live.db', isolation_level=None)
            db.execute('pragma journal_mode=wal'); db.execute('create table t (k integer primary key, v blob)')
            for i in range(2000): db.execute('insert into t values (?, ?)', (i, os.urandom(2000)))
            open(root + '/../ready', 'w').close()
            n = 0
            while not os.path.exists(root + '/../stop'):
                db.execute('begin'); [db.execute('update t set v = ? where k = ?', (os.urandom(2000), random.randrange(2000))) for _ in range(20)]; db.execute('commit')
                n += 1; d = f'{root}/busy/{n % 7}'; os.makedirs(d, exist_ok=True)
                open(f'{d}/{n}', 'w').write('x' * (n % 5000)); os.rename(f'{d}/{n}', f'{d}/{n}.done')
                old = f'{root}/busy/{(n - 50) % 7}/{n - 50}.done'
                if os.path.exists(old): os.remove(old)
                time.sleep(0.001)
            db.close(); open(root + '/../stopped', 'w').close()
            """);
        string root = scratch.Root;
        Directory.CreateDirectory(scratch["src"]);
        Task<CommandResult> writer = Command.RunAsync(["python3", scratch["writer.py"], scratch["src"]]);
        CommandResult result;
        try
        {
            await Command.ShellAsync($"while [ ! -e '{root}/ready' ]; do sleep 0.05; done");
            result = await run.PushAsync(scratch["src"] + "/", scratch["dst"], "-aH", "--delete", "--until-converged=1K", "--max-passes=4", "--reconnect=60", "--hook-timeout=60",
                $"--before-last=touch '{root}/stop'; while [ ! -e '{root}/stopped' ]; do sleep 0.05; done", $"--after-last=echo \"ended $NATIVESYNC_RESULT\" >'{root}/after'", "--json");
        }
        finally
        {
            File.WriteAllText(scratch["stop"], "");
            (await writer).MustExit(0);
        }

        result.MustExit(0);
        Assert.Equal("ended 0\n", File.ReadAllText(scratch["after"]));
        Assert.Equal(4, RemoteRun.EventsOf(result, "pass").Count);
        Assert.True(Assert.Single(RemoteRun.EventsOf(result, "lastPass")).GetProperty("forecastSeconds").GetDouble() > 0);
        await TreeJudge.MustBeEqualAsync(scratch["src"], scratch["dst"]);
        string check = (await Command.RunAsync(["python3", "-c", "import sqlite3,sys; print(sqlite3.connect(sys.argv[1]).execute('pragma integrity_check').fetchone()[0])", scratch["dst/live.db"]])).MustExit(0).Output;
        Assert.Equal("ok\n", check);
    }

    [Fact]
    public async Task WhatStopsIsStartedAgainWhateverHappens()
    {
        using Scratch scratch = new();
        await Command.ShellAsync($"cd '{scratch.Root}'; mkdir src; echo x >src/a");
        string after = $"--after-last=echo \"$NATIVESYNC_PASS $NATIVESYNC_RESULT\" >>'{scratch["after"]}'";
        string[] words = ["-a", "--until-converged=1M", after, scratch["src"] + "/"];
        CommandResult failed = (await Tool.SyncAsync([.. words, "--before-last=exit 3", scratch["dst"]])).MustExit(14);
        Assert.Contains("the command of --before-last ended with status 3", failed.Error, StringComparison.Ordinal);
        CommandResult late = (await Tool.SyncAsync([.. words, "--before-last=sleep 100", "--hook-timeout=1", scratch["dst"]])).MustExit(14);
        Assert.Contains("took longer than 1 s and was killed", late.Error, StringComparison.Ordinal);
        (await Tool.SyncAsync([.. words, scratch["dst"]])).MustExit(0);
        Assert.Equal("2 23\n2 23\n2 0\n", File.ReadAllText(scratch["after"]));
    }

    [Fact]
    public async Task WithoutTheRightsToFollowChangesTheLastPassLooksAtEverything()
    {
        using Scratch scratch = new();
        await Command.ShellAsync($"cd '{scratch.Root}'; mkdir -p src/a out; echo x >src/a/b; chown -R 65534:65534 src out");
        string change = $"--before-last=echo more >>'{scratch["src/a/b"]}'";
        string[] words = ["sync", "-a", "--until-converged=1M", change, scratch["src"] + "/"];
        CommandResult nobody = (await Command.RunAsync(
            ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", Tool.Path, .. words, scratch["out/dst"]])).MustExit(0);
        Assert.Contains("changes were not followed (that takes the rights of root, in no container): the pass looked at everything", nobody.Output, StringComparison.Ordinal);
        Assert.Equal("x\nmore\n", File.ReadAllText(scratch["out/dst/a/b"]));

        CommandResult refused = (await Tool.SyncAsync([.. words[1..], "--no-follow-changes", scratch["dst"]])).MustExit(0);
        Assert.DoesNotContain("followed", refused.Output, StringComparison.Ordinal);
        Assert.Equal("x\nmore\nmore\n", File.ReadAllText(scratch["dst/a/b"]));
    }

    private static long LargestPartial(string destination)
    {
        string place = Path.Combine(destination, ".nativesync-partial");
        try
        {
            return Directory.Exists(place) ? new DirectoryInfo(place).EnumerateFiles().Select(f => f.Length).DefaultIfEmpty().Max() : 0;
        }
        catch (IOException)
        {
            return 0; // Moved between the look and the look.
        }
    }

    private static void Strike(string victim, RemoteRun run, CountedLine line, int client)
    {
        if (victim == "line")
        {
            line.Cut();
        }
        else
        {
            RemoteRun.Kill(victim == "client" ? client : run.Find(sshd: false));
        }
    }
}
