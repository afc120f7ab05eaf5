using NativeSync.EndToEnd.Tests.Support;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests;

/// <summary>Owners, modes, times and attributes: the same command line of rsync and of NativeSync leaves the same tree, locally and through a remote shell.</summary>
public sealed class MetadataTests
{
    private static readonly string[] AsNobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];

    /// <summary>Options; what the destination is before; the umask.</summary>
    public static TheoryData<string, string, string> Local => new()
    {
        { "-a --chmod=D2755,F600 --chown=nobody:games", "", "022" },
        { "-a --chmod=u+rwX,go= --usermap=d*:55,root:66,:78 --groupmap=0-99:77", "", "022" },
        { "-a --usermap=1:4294967295", "", "022" },
        { "-a --chown=nosuch:games --numeric-ids", "", "022" },
        { "-aHAX --no-o --chown=55:66", "", "022" },
        { "-rlt --chmod=F600,D700", "", "022" },
        { "-rltE --chmod=u+x", "mkdir D", "077" },
        { "-rltD", "mkdir -m 2755 D", "077" },
        { "-rltDE", "mkdir -m 2775 D", "002" },
        { "-rltD --chmod=ugo=rwX", "mkdir D", "027" },
        { "-rltD", "mkdir D; setfacl -d -m u::rwx,u:1234:rwx,g::rx,m::rwx,o::x D", "077" },
        { "-rltDE", "cp -a S D; chmod -R u=rwx,go= D", "022" },
        { "-aUU", "", "022" },
        { "-aUUJ", "", "022" },
        { "-aJ", "cp -a S D; touch -h -d @5 D/l D/f", "022" },
        { "-aO", "", "022" },
        { "-aX", "", "022" },
        { "-aXX", "mkdir D; echo old > D/f; setfattr -n user.rsync.%stat -v '100600 0,0 1:1' D/f", "022" },
        { "-aX", "mkdir D; echo old > D/f; setfattr -n user.rsync.%stat -v '100600 0,0 1:1' D/f", "022" },
        { "-aAX --fake-super", "", "022" },
        { "-aX --no-super", "", "022" },
        { "-aX --super", "", "022" },
    };

    /// <summary>The same by an ordinary user: what he may not do, he leaves.</summary>
    public static TheoryData<string> Ordinary => new() { "-a", "-aX", "-aAX", "-aX --fake-super", "-a --chown=1:5" };

    /// <summary>Through a remote shell, at an ordinary user's when the flag says so: who keeps what is decided at the receiver.</summary>
    public static TheoryData<string, bool> Remote => new()
    {
        { "-aAX", true },
        { "-aAX -M--fake-super", true },
        { "-aAX -M--fake-super", false },
        { "-aAX --fake-super", false },
        { "-a --groupmap=*:5", true },
        { "-aUU --chmod=u=rwX,go=rX --chown=1:2", false },
    };

    [Theory]
    [MemberData(nameof(Local))]
    public Task TheSameOptionsGiveTheSameTree(string options, string before, string umask) => CompareAsync(options, before, umask, [], null);

    [Theory]
    [MemberData(nameof(Ordinary))]
    public Task AnOrdinaryUserGetsTheSameTree(string options) => CompareAsync(options, "mkdir D; chown 65534:65534 D; chmod 644 S/none", "022", AsNobody, null);

    [Theory]
    [MemberData(nameof(Remote))]
    public Task TheReceiverDecidesWhatItKeeps(string options, bool nobody) =>
        CompareAsync(options, "mkdir D; chown " + (nobody ? "65534:65534" : "0:0") + " D", "022", [], nobody);

    [Theory]
    [InlineData("--fake-super")]
    [InlineData("")]
    [InlineData("-XX")]
    public async Task WhatRsyncFakedIsRestoredAndTheReverse(string option)
    {
        using var scratch = new Scratch();
        await BuildAsync(scratch);
        string shell = await ShellAsync(scratch, nobody: false);
        (await Tool.RsyncAsync("-aAX", "-e", shell, "-M--fake-super", scratch["S"] + "/", "h:" + scratch["theirs"])).MustExit(0);
        (await Tool.SyncAsync("-aAX", "-e", shell, "--rsync-path", Tool.Path, "-M--fake-super", scratch["S"] + "/", "h:" + scratch["ours"])).MustExit(0);
        await TreeJudge.MustHaveSameManifestAsync(scratch["theirs"], scratch["ours"], ["sparse"]);

        // Each restores what the other kept.
        string[] fake = option.Length > 0 ? [option] : [];
        (await Tool.RsyncAsync(["-aAX", .. fake, "-e", shell, scratch["ours"] + "/", "h:" + scratch["fromOurs"]])).MustExit(0);
        (await Tool.SyncAsync(["-aAX", .. fake, "-e", shell, "--rsync-path", Tool.Path, scratch["theirs"] + "/", "h:" + scratch["fromTheirs"]])).MustExit(0);
        await TreeJudge.MustHaveSameManifestAsync(scratch["fromOurs"], scratch["fromTheirs"], ["sparse"]);
        if (option == "--fake-super")
        {
            await TreeJudge.MustHaveSameManifestAsync(scratch["S"], scratch["fromTheirs"], ["sparse"]);
        }
    }

    [Fact]
    public async Task AFakeStatusThatLiesDoesNotLeadAstray()
    {
        using var scratch = new Scratch();
        await Command.ShellAsync($"""
            cd '{scratch.Root}'; mkdir S S/d; echo content > S/f; echo x > S/d/x; echo y > S/g; echo z > S/h
            setfattr -n user.rsync.%stat -v '40755 0,0 0:0' S/f; setfattr -n user.rsync.%stat -v '100644 0,0 3:4' S/d
            setfattr -n user.rsync.%stat -v 'nonsense' S/g; setfattr -n user.rsync.%stat -v '100644 0,0 3:4 ' S/h
            """);
        string shell = await ShellAsync(scratch, nobody: false);
        (await Tool.SyncAsync("-a", "-e", shell, "--rsync-path", Tool.Path, "--fake-super", scratch["S"] + "/", "h:" + scratch["D"])).MustExit(0);
        await TreeJudge.MustHaveSameManifestAsync(scratch["S"], scratch["D"], ["sparse", "xattr:*"]);
    }

    [Theory]
    [InlineData("--chmod=u+", 0, "")]
    [InlineData("--chmod=rx", 1, "--chmod (rx)")]
    [InlineData("--chmod=", 1, "--chmod ()")]
    [InlineData("--usermap=x", 1, "--usermap: \"x\"")]
    [InlineData("--groupmap=1-:3", 1, "--groupmap: \"1-:3\"")]
    [InlineData("--usermap=1:4294967296", 1, "0 to 4294967295")]
    [InlineData("--usermap=1:2 --usermap=1:3", 1, "only specify --usermap once")]
    [InlineData("--usermap=1:2 --chown=3", 1, "--chown conflicts with prior --usermap")]
    [InlineData("--chown=nosuch", 0, "no user or group is called \"nosuch\"")]
    [InlineData("--crtimes", 1, "creation times")]
    [InlineData("--copy-as=nobody", 4, "setpriv or runuser")]
    [InlineData("--iconv=utf8", 4, "names are bytes")]
    [InlineData("-XX --fake-super", 1, "--fake-super conflicts with -XX")]
    [InlineData("-M--delete", 4, "--remote-option")]
    public async Task BadInputHasRsyncsCodeAndSaysWhatToDo(string options, int code, string message)
    {
        using var scratch = new Scratch();
        await Command.ShellAsync($"cd '{scratch.Root}'; mkdir S; echo x > S/f");
        CommandResult result = (await Tool.SyncAsync(["-a", .. options.Split(' '), scratch["S"] + "/", scratch["D"]])).MustExit(code);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.Equal(code == 0, File.Exists(scratch["D"] + "/f"));
        if (code is 0 or 1)
        {
            (await Tool.RsyncAsync(["-a", .. options.Split(' '), scratch["S"] + "/", scratch["R"]])).MustExit(code);
        }
    }

    [Fact]
    public async Task WhatAnOrdinaryUserMayNotKeepIsToldOnceAndNoError()
    {
        using var scratch = new Scratch();
        await BuildAsync(scratch);
        await Command.ShellAsync($"mkdir '{scratch["D"]}'; chown 65534:65534 '{scratch["D"]}'");
        string shell = await ShellAsync(scratch, nobody: true);
        CommandResult result = (await Tool.SyncAsync("-aAX", "-e", shell, "--rsync-path", Tool.Path, scratch["S"] + "/", "h:" + scratch["D"])).MustExit(0);
        Assert.Equal("nativesync: destination: not the super-user, so not kept: 11 owners, 2 devices, 3 attributes outside of the user namespace (run as root there, or use --fake-super)", Assert.Single(result.ErrorLines));
    }

    [Fact]
    public async Task AccessTimesAreKeptToTheNanosecondAndNotMovedByReading()
    {
        using var scratch = new Scratch();
        await Command.ShellAsync($"cd '{scratch.Root}'; mkdir S; echo x > S/f; ln -s f S/l; touch -h -d @1000000000 S/f S/l; touch -h -a -d @900000000.123456789 S/f S/l");
        // Reading a link moves its time in any case: it is only looked at after the first run.
        foreach ((string options, string[] names) in (IEnumerable<(string, string[])>)[("-aU", ["S/f", "D/f", "D/l"]), ("-aUc", ["S/f", "D/f"])])
        {
            (await Tool.SyncAsync(options, scratch["S"] + "/", scratch["D"])).MustExit(0);
            foreach (string name in names)
            {
                Assert.Equal($"{name} 900000000.123456789", name + " " + (await Command.ShellAsync($"stat -c %.9X '{scratch[name]}'")).Trim());
            }
        }

        await Command.ShellAsync($"touch -h -a -d @900000001 '{scratch["S/f"]}'");
        CommandResult second = (await Tool.SyncAsync("-aUi", scratch["S"] + "/", scratch["D"])).MustExit(0);
        Assert.Equal(".f......u.. f\n", second.Output);
    }

    /// <summary>Both from the same start; trees, codes and what is said of each entry must agree.</summary>
    private static async Task CompareAsync(string options, string before, string umask, string[] prefix, bool? nobody)
    {
        using var scratch = new Scratch();
        await BuildAsync(scratch);
        CommandResult[] results = new CommandResult[2];
        string shell = nobody is { } there ? await ShellAsync(scratch, there) : "";
        for (int i = 0; i < 2; i++)
        {
            string destination = scratch[i == 0 ? "rsync" : "nativesync"];
            if (before.Length > 0)
            {
                await Command.ShellAsync($"umask 022; cd '{scratch.Root}'; {before}; mv D '{destination}'");
            }

            // Who reads a link moves its access time, and the next one would be given that.
            await Command.ShellAsync($"touch -h -a -d @1100000000 '{scratch["S/l"]}'");
            string[] words = [.. options.Split(' ').Where(word => i == 0 || word != "-aUU").Concat(i == 1 && options.StartsWith("-aUU", StringComparison.Ordinal) ? ["-aU"] : [])];
            string[] ends = nobody is null ? [scratch["S"] + "/", destination + "/"] : [scratch["S"] + "/", "h:" + destination + "/"];
            string[] program = i == 0 ? [Tool.PathOfRsync] : [Tool.Path, "sync"];
            string[] remote = nobody is null ? [] : i == 0 ? ["-e", shell] : ["-e", shell, "--rsync-path", Tool.Path];
            results[i] = await Command.RunAsync(["/bin/sh", "-c", $"umask {umask}; exec \"$@\"", "sh", .. prefix, .. program, "-i", .. words, .. remote, .. ends]);
        }

        string story = $"options {options}\n{results[0]}\n{results[1]}";
        Assert.True(results[0].ExitCode == results[1].ExitCode, story);
        // Before the trees are compared, which reads their links.
        if (options.Contains("UU", StringComparison.Ordinal))
        {
            string[] times = await Task.WhenAll(((string[])["rsync", "nativesync"]).Select(d =>
                Command.ShellAsync($"cd '{scratch[d]}'; find . ! -type d {(options.Contains('J', StringComparison.Ordinal) ? "! -type l" : "")} -exec stat -c '%n %X' {{}} + | sort")));
            Assert.True(times[0] == times[1], story + "\n" + times[0] + "\n" + times[1]);
        }

        bool keepsTimes = options.Contains("-a", StringComparison.Ordinal) || options.Contains('t', StringComparison.Ordinal);
        await TreeJudge.MustHaveSameManifestAsync(
            scratch["rsync"], scratch["nativesync"], ["sparse"], story,
            except: (path, type, field) => field == "mtime" && (!keepsTimes || (type == "d" && options.Contains('O', StringComparison.Ordinal)) || (type == "l" && options.Contains('J', StringComparison.Ordinal))));
    }

    /// <summary>
    /// Every kind of entry with owners, modes, lists and attributes that only some may set. (No directory has both a default list and
    /// a user attribute: with --fake-super rsync loses the list then.)
    /// </summary>
    private static Task<string> BuildAsync(Scratch scratch) => Command.ShellAsync($"""
        umask 022; cd '{scratch.Root}'; chmod 755 .; mkdir S; cd S
        echo content > f; echo mine > mine; echo x > plain; echo none > none; echo x > cap; echo g > grp; ln -s target l; mknod c c 1 3; mknod b b 8 300; mkfifo p
        mkdir dir empty; echo in > dir/in; chmod 640 b; chown 0:6 b; chown 1:1 p; chown 12:34 f; chown 65534:65534 mine; chown 3:0 none; chown 12345:54321 grp; chown -h 7:8 l
        chown 5:6 dir; chown 1:2 dir/in; chmod 4755 f; chmod 000 none; chmod 2711 dir; chmod 600 dir/in; chmod 1555 empty; chmod 2750 grp
        setcap cap_net_raw+ep cap; setfattr -n user.foo -v bar f; setfattr -n trusted.x -v y f; setfattr -h -n trusted.l -v 1 l; setfattr -n user.d -v 1 empty
        setfacl -m u:1:r,g:60:rw,m::rwx f; setfacl -d -m u:1234:rwx dir; setfacl -m m::r plain
        touch -h -d @1000000000.5 f l p mine; touch -h -a -d @1100000000 f l p mine
        touch -d @1200000000.25 plain none cap grp c b dir/in empty dir .
        """);

    /// <summary>A remote shell that is none: it forgets the host, and may change the user.</summary>
    private static async Task<string> ShellAsync(Scratch scratch, bool nobody)
    {
        string path = scratch["shell"];
        await File.WriteAllTextAsync(path, $"#!/bin/sh\nshift\nexec {(nobody ? string.Join(' ', AsNobody) : "")} sh -c \"$*\"\n");
        await Command.ShellAsync($"chmod 755 '{path}'");
        return path;
    }
}
