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

    /// <summary>The rows of rsync's semantics about options: a scene, options, where one looks, and what is seen there after rsync and after us under its name.</summary>
    private static readonly (string Scene, string Options, string Look, string Seen)[] Rows =
    [
        // The quick check: whole seconds, unless asked otherwise.
        (Nanoseconds, "-a", "cat d/f", "old"), (Nanoseconds, "-a -@-1", "cat d/f", "new"), (Nanoseconds, "-aI", "cat d/f", "new"), (Nanoseconds, "-ac", "cat d/f", "new"),
        (Second, "-a", "cat d/f", "new"), (Second, "-a -@1", "cat d/f", "old"), (Second, "-a --size-only", "cat d/f; stat -c %Y d/f s/f | uniq | wc -l", "old\n1"), (Second, "-au", "cat d/f", "old"),

        // -c looks at contents alone: what is the same is not written again; other sizes need no checksum.
        ("echo same >s/f; cp s/f d/f; ln d/f d/g; touch -d 2001-01-01 s/f", "-ac --out-format=%n%C", "stat -c %h d/f", "2"), ("echo longer >s/f; echo old >d/f; touch -d 2001-01-01 s/f d/f", "-ac", "cat d/f", "longer"),

        // --inplace keeps the inode, with all of its names; otherwise the other names keep the old content.
        (Linked, "-a", "cat d/g", "old"), (Linked, "-a --inplace", "cat d/g", "new"), (Linked, "-aS --inplace", "cat d/g; stat -c %h d/f", "new\n2"), (Linked, "-a --inplace --backup", "cat d/f~ d/g", "old\nnew"),

        // --append sends the tail of what is longer, and looks at nothing else; --append-verify looks at the whole.
        ("printf abcdef >s/f; printf xyz >d/f", "-a --append", "cat d/f", "xyzdef"), ("printf abcdef >s/f; printf uvwxyz >d/f", "-a --append", "cat d/f", "uvwxyz"),
        ("printf abc >s/f; printf uvwxyz >d/f", "-a --append", "cat d/f", "uvwxyz"), ("printf abcdef >s/f; printf xyz >d/f", "-a --append-verify", "cat d/f", "abcdef"),

        // Zeros become holes with -S alone; what is made beforehand is not.
        ("head -c 1048576 /dev/zero >s/f; echo end >>s/f", "-aS", "test $(stat -c %b d/f) -lt 200 && echo sparse", "sparse"),
        ("head -c 1048576 /dev/zero >s/f; echo end >>s/f", "-a", "test $(stat -c %b d/f) -lt 200 || echo full", "full"),

        // -H joins names inside the transfer only.
        ("echo new >s/f; ln s/f s/g; ln s/f out", "-aH", "stat -c %h d/f", "2"), ("echo new >s/f; ln s/f out", "-aH", "stat -c %h d/f", "1"), ("echo new >s/f; ln s/f s/g", "-a", "stat -c %h d/f", "1"),

        // Unsafe is what is absolute, inside the tree as well, or climbs out of it.
        (Links, "-a --safe-links", "ls d", "f\nin\nq"), (Links, "-a --copy-unsafe-links", "find d -type l | sort", "d/in"), (Links, "-a --munge-links", "readlink d/in", "f"), (Links, "-aL", "find d -type l", ""),
        ("mkdir s/l d/e; echo x >s/l/x; ln -s e d/l", "-aK", "cat d/e/x; readlink d/l", "x\ne"), ("mkdir s/l d/e; echo x >s/l/x; ln -s e d/l", "-a", "cat d/l/x; ls d/e", "x"),
        ("mkdir e; echo x >e/x; ln -s ../e s/l; ln -s ../e/x s/m", "-ak", "cat d/l/x; readlink d/m", "x\n../e/x"),

        // Limits of size neither hide nor protect.
        ("echo longer >s/f; echo a >s/g; echo old >d/f; echo x >d/longer-than-that", "-a --max-size=3 --delete", "ls d; cat d/f", "f\ng\nold"),
        ("echo longer >s/f; echo a >s/g; echo x >d/x", "-a --min-size=3 --delete", "ls d", "f"),

        // A temporary name is cut to what a name may be; modes and times are there at the end.
        ("n=$(printf '%0255d' 0); echo new >s/$n; chmod 640 s/$n; touch -d 2001-01-01 s/$n", "-a", "stat -c '%a %Y' d/*; ls -A d | wc -l", "640 978307200\n1"),
        ("mkdir s/q; echo 1 >s/q/f; ln -s f s/q/l; touch -h -d 2001-01-01 s/q/l s/q/f s/q", "-aOJ", "find d/q -newermt 2002-01-01 | sort", "d/q\nd/q/l"),
        ("mkfifo s/p; mknod s/c c 1 3", "-rlt --specials", "ls d", "p"), ("mkfifo s/p; mknod s/c c 1 3", "-rlt --devices", "ls d", "c"), ("mkfifo s/p; mknod s/c c 1 3", "-a --drop-D", "ls d", ""),
        ("echo new >s/f; chown 7:8 s/f; chmod 4751 s/f", "-a --fake-super", "getfattr --only-values -n user.rsync.%stat d/f; echo; stat -c %u d/f", "104751 0,0 7:8\n0"),
    ];

    private const string Nanoseconds = "echo new >s/f; echo old >d/f; touch -d '2001-01-01 00:00:00.1' s/f; touch -d '2001-01-01 00:00:00.2' d/f";
    private const string Second = "echo new >s/f; echo old >d/f; touch -d '2001-01-01 00:00:01' s/f; touch -d '2001-01-01 00:00:02' d/f";
    private const string Linked = "echo new >s/f; echo old >d/f; ln d/f d/g; touch -d 2001-01-01 s/f";
    private const string Links = "mkdir s/q; echo 1 >s/f; echo 2 >out; ln -s f s/in; ln -s $PWD/s/f s/absolute; ln -s ../../out s/q/up";

    [Fact]
    public async Task EachRowOfTheTableOfOptionsHolds()
    {
        using TemporaryDirectory directory = new();
        List<string> differing = [];
        foreach ((string scene, string options, string look, string seen) in Rows)
        {
            directory.Shell($"export TZ=UTC; rm -rf start theirs ours; umask 022; mkdir -p start/s start/d; cd start; {scene}; cd ..; cp -a start theirs; cp -a start ours");
            (int code, _, string error) = Rsync.Run([.. options.Split(' '), $"{directory.Path}/theirs/s/", $"{directory.Path}/theirs/d/"]);
            (int ourCode, _, string ourError) = await NativeSyncRun.RunAsync("rsync", [.. options.Split(' '), $"{directory.Path}/ours/s/", $"{directory.Path}/ours/d/"]);
            directory.Shell($"for side in theirs ours; do (cd $side; {look}; true) >$side.seen 2>&1; done");
            (string theirs, string ours) = (Seen("theirs"), Seen("ours"));
            if (code != ourCode || theirs != seen || ours != seen)
            {
                differing.Add($"{scene} | {options} | {look}: {seen}\n{code} {error}{theirs}\n-- ours: {ourCode} {ourError}{ours}");
            }
        }

        Assert.True(differing.Count == 0, string.Join('\n', differing));
        string Seen(string side) => File.ReadAllText($"{directory.Path}/{side}.seen").TrimEnd('\n');
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
        Assert.Equal("", Rsync.Run(["-naci", "--omit-dir-times", "--delete", $"{directory.Path}/s/", $"{directory.Path}/d/"]).Output);
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
        Assert.Contains("deltasum", (await NativeSyncRun.RunAsync("sync", "--debug=all,help")).Output, StringComparison.Ordinal);
    }

    private static SyncArguments Parse(params string[] arguments) => SyncArgumentsBuilder.Parse(Bytes.Of(arguments));

    private static string[] Lines(string output) => [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal)];
}
