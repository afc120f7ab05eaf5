using NativeSync.Cli.Options;
using NativeSync.Protocol;

namespace NativeSync.Cli.Tests.Commands;

/// <summary>Options that no other test of the command line uses: rsync with the same words says the same and leaves the same tree.</summary>
public sealed class OptionEffectTests
{
    private const string Scene =
        """
        mkdir -p s/dir d/gone; echo hi >s/a; echo new >s/n; echo x >s/dir/x; ln -s a s/l; mkfifo s/fifo; mknod s/dev c 1 3; touch d/old d/gone/z; chown 1:2 s/dir/x
        cp -a s/a d/a; echo more >>s/a; touch -h -d 2001-01-01 s/* s/dir/x d/*; touch -d '2001-01-01 00:00:01' d/a; touch -d 2001-01-01 s/dir s d
        """;

    private static readonly string[] OptionSets =
    [
        "-a --chmod=Du+w,Fgo-r", "-a --no-p --chmod=F600", "-rlt --devices", "-rlt --specials", "-rlt --devices --no-devices", "-a --super", "-ac --checksum-choice=xxh128",
        "-a --delete --ignore-errors", "-a --delete --max-delete=100", "-a --usermap=1:3", "-a --groupmap=2:4", "-a --chown=5:6", "-a --modify-window=1", "-a --outbuf=L", "-a --outbuf=B",
        "-a --fsync", "-az --skip-compress=gz/jp[e]g", "-az --zl=3", "-a --open-noatime", "-a --max-alloc=1g", "-a --checksum-seed=1", "-a --stderr=errors", "-a --debug=none",
    ];

    [Fact]
    public async Task TheSameOptionsSayAndDoTheSame()
    {
        using TemporaryDirectory directory = new();
        directory.Shell($"umask 022; mkdir start; cd start; {Scene}");
        List<string> differing = [];
        foreach (string options in OptionSets)
        {
            directory.Shell("rm -rf theirs ours; cp -a start theirs; cp -a start ours");
            string[] words = [.. options.Split(' '), "-i"];
            (int code, string output, string error) = Rsync.Run([.. words, $"{directory.Path}/theirs/s/", $"{directory.Path}/theirs/d/"]);
            (int ourCode, string ourOutput, string ourError) = await NativeSyncRun.RunAsync(["sync", .. words, $"{directory.Path}/ours/s/", $"{directory.Path}/ours/d/"]);
            string left = Rsync.Run(["-nrlpgoDHAXcOi", "--delete", "--numeric-ids", $"{directory.Path}/theirs/d/", $"{directory.Path}/ours/d/"]).Output;
            if (code != ourCode || left.Length > 0 || !Lines(output).SequenceEqual(Lines(ourOutput)))
            {
                differing.Add($"{options}: {code} {ourCode}\n{output}-- ours:\n{ourOutput}-- tree: {left}\n{error}{ourError}");
            }
        }

        Assert.True(differing.Count == 0, string.Join('\n', differing));
    }

    /// <summary>Whole command lines; T/ is a directory in which s is the source and d the destination.</summary>
    private static readonly string[] CommandLines =
    [
        "-aR --no-implied-dirs T/s/./dir/x T/d/", "-aR T/s/./dir/x T/d/", "-a --copy-unsafe-links T/s/ T/d/", "-a --safe-links T/s/ T/d/", "-a --munge-links T/s/ T/d/", "-a --copy-devices T/s/ T/d/",
        "-a --drop-D T/s/ T/d/", "-a --remove-source-files T/s/ T/d/", "-r --ignore-missing-args T/none T/s/a T/d/", "-r --delete-missing-args T/s/old T/s/a T/d/", "-a --files-from=T/list T/s T/d/",
        "-a --list-only T/s/", "-a --no-D T/s/ T/d/", "-L -rt T/s/ T/d/", "-d T/s/ T/d/",
    ];

    [Fact]
    public async Task TheSameCommandLinesSayAndDoTheSame()
    {
        using TemporaryDirectory directory = new();
        directory.Shell($"umask 022; mkdir start; cd start; {Scene}\nln -s /etc/hostname s/out; printf 'a\\ndir/x\\n' >list; touch -h -d 2001-01-01 s/out s");
        List<string> differing = [];
        foreach (string line in CommandLines)
        {
            directory.Shell("rm -rf theirs ours; cp -a start theirs; cp -a start ours");
            string[] words = line.Contains("list-only", StringComparison.Ordinal) ? line.Split(' ') : ["-i", .. line.Split(' ')];
            (int code, string output, string error) = Rsync.Run(words.Select(word => word.Replace("T/", $"{directory.Path}/theirs/", StringComparison.Ordinal)));
            (int ourCode, string ourOutput, string ourError) = await NativeSyncRun.RunAsync(["sync", .. words.Select(word => word.Replace("T/", $"{directory.Path}/ours/", StringComparison.Ordinal))]);
            string left = Rsync.Run(["-nrlpgoDHAXcOi", "--delete", "--numeric-ids", $"{directory.Path}/theirs/", $"{directory.Path}/ours/"]).Output;
            if (code != ourCode || left.Length > 0 || !Lines(output).SequenceEqual(Lines(ourOutput)))
            {
                differing.Add($"{line}: {code} {ourCode}\n{output}-- ours:\n{ourOutput}-- tree: {left}\n{error}{ourError}");
            }
        }

        Assert.True(differing.Count == 0, string.Join('\n', differing));
    }

    [Fact]
    public async Task MissingDirectoriesOnTheWayAreMade()
    {
        using TemporaryDirectory directory = new();
        directory.Shell("mkdir s; echo 1 >s/1");
        Assert.Equal(11, (await NativeSyncRun.RunAsync("sync", "-a", $"{directory.Path}/s/", $"{directory.Path}/x/y/z/")).ExitCode);
        Assert.Equal(0, (await NativeSyncRun.RunAsync("sync", "-a", "--mkpath", $"{directory.Path}/s/", $"{directory.Path}/x/y/z/")).ExitCode);
        Assert.Equal("1\n", await File.ReadAllTextAsync($"{directory.Path}/x/y/z/1"));
    }

    [Fact]
    public async Task WhatHasAnotherNameIsMovedAndBothNamesAreTold()
    {
        using TemporaryDirectory directory = new();
        directory.Shell("mkdir -p s/old; seq 1000 >s/old/file; cp -a s d; mkdir s/new; mv s/old/file s/new/name; rmdir s/old; touch -r d s");
        (int code, string output, string error) = await NativeSyncRun.RunAsync(
            "sync", "-ai", "--omit-dir-times", "--delete", "--detect-renamed", $"{directory.Path}/s/", $"{directory.Path}/d/");
        Assert.Equal((0, ""), (code, error));
        Assert.Equal(["*deleting   old/", "*deleting   old/file", "cd+++++++++ new/", "cf+++++++++ new/name"], Lines(output));
        Assert.Equal("", Rsync.Run(["-naci", "--delete", $"{directory.Path}/s/", $"{directory.Path}/d/"]).Output);
        Assert.True(Parse("-a", "--detect-renamed", "a", "b").Options.DetectRenamed);
        Assert.False(Parse("-a", "--detect-renamed", "--no-detect-renamed", "a", "b").Options.DetectRenamed);
    }

    [Fact]
    public async Task DigestsAreKeptWhereTheyAreAskedForAndNowhereElse()
    {
        using TemporaryDirectory directory = new();
        directory.Shell("mkdir -p s keep; seq 1000 >s/file; cp -a s d");
        string index = $"--checksum-index={directory.Path}/keep/index";
        Assert.Equal(0, (await NativeSyncRun.RunAsync("sync", "-ac", index, $"{directory.Path}/s/", $"{directory.Path}/d/")).ExitCode);
        Assert.Equal(0, (await NativeSyncRun.RunAsync("verify", index, $"{directory.Path}/s/", $"{directory.Path}/d/")).ExitCode);
        directory.Shell("rm -rf keep");
        (int code, _, string error) = await NativeSyncRun.RunAsync("sync", "-ac", index, $"{directory.Path}/s/", $"{directory.Path}/d/");
        Assert.Equal(11, code);
        Assert.Contains("the checksum index", error, StringComparison.Ordinal);
        Assert.Null(Parse("-ac", index, "--no-checksum-index", "a", "b").Options.ChecksumIndex);
        Assert.Equal(1, Assert.Throws<UsageException>(() => Parse("-a", index, "a", "b")).ExitCode);
    }

    [Fact]
    public void OptionsOfTheConnectionAndOfOtherFileSystemsAreTaken()
    {
        RemoteArguments remote = Parse("-a", "--contimeout=7", "--ipv4", "a", "h:b").Remote;
        Assert.Equal((7, 4), (remote.ConnectSeconds, remote.IpVersion));
        Assert.Equal(6, Parse("-a6", "a", "h:b").Remote.IpVersion);
        Assert.True(Parse("-a", "--atimes", "a", "b").Has(JobFlags.AccessTimes));
        Assert.True(Parse("-a", "--fake-super", "a", "b").Options.FakeSuper);
        Assert.True(Parse("-a", "-M--fake-super", "a", "h:b").Has(JobFlags.FakeSuper));
        SyncArguments limited = Parse("-a", "--bwlimit=10", "--remote-option=--bwlimit=20", "h:a", "b");
        Assert.Equal((10 * 1024L, 20 * 1024L), (limited.Options.BandwidthLimit, limited.RemoteBandwidthLimit));
        Assert.Equal(4, Assert.Throws<UsageException>(() => Parse("-a", "-M--log-file=x", "a", "h:b")).ExitCode);
        Assert.True(Parse("-a", "--fileflags", "a", "b").Has(JobFlags.FileFlags));
        Assert.True(Parse("-a", "--project-ids", "a", "b").Has(JobFlags.ProjectIds));
        Assert.Equal(1, Assert.Throws<UsageException>(() => Parse("-az", "--skip-compress=mp[34", "a", "b")).ExitCode);
    }

    [Fact]
    public async Task TheHelpOfInfoAndDebugIsPrinted()
    {
        Assert.Contains("progress", (await NativeSyncRun.RunAsync("sync", "--info=help")).Output, StringComparison.Ordinal);
        Assert.Contains("deltasum", (await NativeSyncRun.RunAsync("sync", "--debug=help")).Output, StringComparison.Ordinal);
        Assert.Equal(4, (await NativeSyncRun.RunAsync("sync", "-a", "--debug=hash", "a", "b")).ExitCode);
    }

    private static SyncArguments Parse(params string[] arguments) => SyncArgumentsBuilder.Parse(Bytes.Of(arguments));

    private static string[] Lines(string output) => [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal)];
}
