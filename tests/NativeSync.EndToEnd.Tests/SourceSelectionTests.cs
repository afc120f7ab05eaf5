using NativeSync.EndToEnd.Tests.Support;
using NativeSync.TestKit;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests;

/// <summary>What is sent, with rsync as the judge: the same words give the same tree, on both sides, and the same exit code.</summary>
public sealed class SourceSelectionTests(SharedServer server) : IClassFixture<SharedServer>
{
    private static readonly Scratch TemplateScratch = new();
    private static readonly Lazy<Task<string>> Template = new(MakeTemplateAsync);

    static SourceSelectionTests() => AppDomain.CurrentDomain.ProcessExit += (_, _) => TemplateScratch.Dispose();

    /// <summary>Words of a command line in the prepared directory; D is the destination, which has things of its own.</summary>
    public static TheoryData<string> Selections =>
    [
        // -R, /./ and implied directories
        "-aR a/b/c x/y/h D", "-aR a/b/./c/ D", "-aR ./a/../a/b/c/f D", "-aR lb/c D", "-aR lb/c/ lb D", "-aR a/./b/./c D", "-aR ./a/b D",
        "-aR a//b///c/ D", "-aR a/d/. D", "-aR a/b/t/ D", "-aR a/none/x D", "-aR a/none/x a/d D", "-aR .. D", "-aR a/b/t new", "-aR a/b/c/f a/d/g new/",
        "-aR --exclude=b a/b/c/f D", "-aR --exclude=f a/b/c/f D", "-aR --exclude=/a a/b/c/f x D", "-aR --delete a/b/c D", "-aR --delete a/b/ D",
        "-aR --no-implied-dirs a/b/c D", "-aR --no-implied-dirs a/b/c/f x/y/h D", "-rR a/b/t D", "-R a/b/t x D", "-aRH a/hard x/hard D",
        // -d
        "-d a D", "-d a/ D", "-d a/. x D", "-dR a/b/ D", "-ad --no-r --delete a/ D", "-ad --no-r --delete a D", "-r --dirs a D", "--old-dirs a D", "-lt --delete a D", "./ D",
        // --files-from
        "-a --files-from=list . D", "-a -r --files-from=list . D", "-a --no-R --files-from=list . D", "-a --no-d --files-from=list . D",
        "-a --no-implied-dirs --files-from=list . D", "-a --files-from=nolist . D", "-a --files-from=list . x D", "-a --files-from=list nosuch D",
        "-a --ignore-missing-args --files-from=list . D", "-a -0 --files-from=list0 . D", "-a --files-from=listcr . D", "-a --files-from=listdot . D",
        "-a --files-from=listone . new", "-a --files-from=listlink . new", "-ar --delete --files-from=list . D", "-a --files-from=list a/b/t D",
        "-a --files-from=/dev/null . D", "-a --exclude=g --files-from=list . D", "-a --files-from=:list . D",
        // missing sources
        "-a none D", "-a none a D", "-a --delete none x D", "-a --ignore-missing-args none new", "-a --ignore-missing-args none a/b/t new",
        "-a --delete-missing-args none a D", "-a --delete-missing-args --force none a D", "-aR --delete-missing-args a/ex zz a/b/t D",
        "-aR --delete-missing-args none/x a/b/t D", "-a --exclude=none --delete-missing-args none D",
        // several sources
        "-a S/ T/ D", "-a T/ S/ D", "-a S/one T/ D", "-a T/ S/one D", "-a U/one T/one D", "-a T/one U/one D", "-a a a D", "-a a/b a D", "-a a/ x/ D", "-a f f new",
        "-a --exclude=a a x D", "-a --delete a x D", "-a --delete a/ x/ D",
        // links
        "-aL lb a D", "-ak lb a D", "-aL dang D", "-aL L/abs L/f D", "-akR L/d2/up3/rf D", "-akR L/d2/up3 L/abs D", "-aLR L/d2/up3 L/abs D", "-a --copy-unsafe-links L/abs L/toreal L/d2/up3 D",
        "-a --copy-unsafe-links L D", "-a --copy-unsafe-links L/ D", "-a --safe-links L D", "-a --safe-links L/ D", "-ak L D", "-aL L D", "-rk L D", "-aL --exclude=dang L D",
        "-aL loop D", "-ak loop D", "-a --munge-links munged lb D", "-aHL a lb D", "-aL --delete a D", "-aK a D", "-aK dirs/ D", "-aR --no-implied-dirs dirs/kept/in dirs/out/in D/dirs/..",
        // --remove-source-files
        "-a --remove-source-files a pipe lb D", "-a --remove-source-files ./a/ D", "-aH --remove-source-files a x D", "-an --remove-source-files a D",
        "-a --remove-source-files --ignore-existing a D", "-a --remove-source-files --existing a D", "-a --remove-source-files --files-from=list . D", "-ac --remove-source-files a D",
        "-aL --remove-source-files L/abs a D",
        // devices and special files
        "-a --drop-D pipe null D", "-a --no-D pipe null D", "-r --copy-devices null pipe a D",
        // what is there already
        "-a --existing a x D", "-a --ignore-existing a x D", "-a --mkpath f new/deep/name", "-a --mkpath f new/deep/", "-a --mkpath a f new/deep", "-a f new/deep/name", "-an --mkpath f new/deep/name",
    ];

    [Theory]
    [Trait("Category", "Slow")]
    [MemberData(nameof(Selections))]
    public async Task TheSameWordsSendTheSame(string words)
    {
        using var scratch = new Scratch();
        string[] list = words.Split(' ');
        await CompareAsync(scratch, list, list, [], []);
    }

    /// <summary>R: stands for the host; the directory is the same at both ends.</summary>
    [Trait("Category", "Slow")]
    [Theory]
    [InlineData("-a R:a/b/* D")]
    [InlineData("-a R:a/b/n* D")]
    [InlineData("-a R:a/b/[ct] R:{a,x} D")]
    [InlineData("-aR R:./*/* D")]
    [InlineData("-a R:st\\*r R:spa?ed D")]
    [InlineData("-a R:*/*/../f R:.hid* D")]
    [InlineData("-a --files-from=listone R: D")]
    [InlineData("-a --files-from=:list R: D")]
    [InlineData("-ar --files-from=R:list R: D")]
    [InlineData("-a --files-from=:list . R:D")]
    [InlineData("-aR a/b/c lb/c R:D")]
    [InlineData("-aL --remove-source-files R:a/ D")]
    [InlineData("-a --delete-missing-args R:none R:a D")]
    [InlineData("-aK --delete dirs/ R:D")]
    [InlineData("-a --munge-links R:lb R:L D")]
    [InlineData("-a --munge-links munged lb R:D")]
    [InlineData("-a --copy-unsafe-links --safe-links R:L/ D")]
    public async Task TheSameWordsSendTheSameOverSsh(string words)
    {
        using var scratch = new Scratch();
        string[] At(string root) => [.. words.Split(' ').Select(w => w.Replace("R:{", Tool.Remote(root + "/") + "{", StringComparison.Ordinal).Replace("R:", Tool.Remote(root + "/"), StringComparison.Ordinal)
            .Replace("=:", "=:" + root + "/", StringComparison.Ordinal))];
        await CompareAsync(scratch, At(scratch["rsync/w"]), At(scratch["nativesync/w"]), ["-e", server.Ssh.RshCommand], [.. Tool.OptionsFor(server.Ssh), "--rsync-path", Tool.Path]);
    }

    [Theory]
    [InlineData("./")]
    [InlineData("-r ./")]
    [InlineData("a")]
    [InlineData("-l a/")]
    [InlineData("-d a")]
    [InlineData("--no-dirs a")]
    [InlineData("--list-only a x none")]
    [InlineData("--list-only none D")]
    [InlineData("--list-only --delete-missing-args none a D")]
    [InlineData("-rl --list-only --exclude=b a D")]
    [InlineData("-rL L/d2")]
    [InlineData("-rh sizes")]
    [InlineData("-rhh sizes")]
    [InlineData("-r --no-h sizes")]
    [InlineData("-r names")]
    [InlineData("-q a")]
    [InlineData("-D null")]
    [InlineData("-aR --list-only a/b/c x/y/h D")]
    [InlineData("-r --list-only --files-from=list . D")]
    [InlineData("--files-from=list .")]
    public async Task AListingIsRsyncsLineByLine(string words)
    {
        using var scratch = new Scratch();
        string at = await PrepareAsync(scratch["both/w"]);
        CommandResult rsync = await Command.RunAsync([Tool.PathOfRsync, .. words.Split(' ')], directory: at);
        CommandResult sync = await Command.RunAsync([Tool.Path, "sync", .. words.Split(' ')], directory: at);
        Assert.True(rsync.ExitCode == sync.ExitCode, $"{rsync}\n{sync}");
        Assert.Equal(rsync.Output, rsync.ExitCode == 1 ? rsync.Output : sync.Output);
    }

    [Fact]
    public async Task TwoLoopsOfLinksEnd()
    {
        using var scratch = new Scratch();
        await Command.ShellAsync($"cd '{scratch.Root}'; mkdir src; echo 1 > src/f; ln -s . src/one; ln -s ../src src/two");
        CommandResult sync = await Tool.SyncAsync("-rkn", scratch["src"] + "/", scratch["copy"]);
        Assert.True(sync.ExitCode == 23, sync.ToString());
    }

    [Fact]
    public async Task AFileThatIsItsOwnCopyIsNotRemoved()
    {
        using var scratch = new Scratch();
        await Command.ShellAsync($"cd '{scratch.Root}'; mkdir src; echo 1 > src/f; ln -s f src/l");
        CommandResult sync = await Tool.SyncAsync("-a", "--remove-source-files", scratch["src"] + "/", scratch["src"]);
        Assert.True(sync.ExitCode == 23, sync.ToString());
        Assert.True(File.Exists(scratch["src/f"]) && File.Exists(scratch["src/l"]), sync.ToString());
    }

    private static async Task CompareAsync(Scratch scratch, string[] rsyncWords, string[] syncWords, string[] rsyncOptions, string[] syncOptions)
    {
        string theirs = await PrepareAsync(scratch["rsync/w"]);
        string ours = await PrepareAsync(scratch["nativesync/w"]);
        CommandResult rsync = await Command.RunAsync([Tool.PathOfRsync, .. rsyncOptions, .. rsyncWords], directory: theirs);
        CommandResult sync = await Command.RunAsync([Tool.Path, "sync", .. syncOptions, .. syncWords], directory: ours);
        string story = $"{rsync}\n{sync}";

        // rsync's client does not hear why the other side ended: 12 for what is 1 there.
        Assert.True(rsync.ExitCode == sync.ExitCode || (rsync.ExitCode == 12 && sync.ExitCode == 1), story);
        bool keepsTimes = rsyncWords[0].Contains('a', StringComparison.Ordinal) || rsyncWords[0].Contains('t', StringComparison.Ordinal);
        await TreeJudge.MustHaveSameManifestAsync(theirs, ours, because: story, ignore: [keepsTimes ? "mtime:d" : "mtime"]);
        if (rsync.ExitCode != 0)
        {
            Assert.NotEmpty(sync.ErrorLines);
        }
    }

    /// <summary>To the kernel a device has no length, before it is read and behind that.</summary>
    [Theory]
    [InlineData(64)]
    [InlineData(2048)]
    public async Task ABlockDeviceThatHeldStillIsCopiedAndNotSaidToHaveChanged(int kibibytes)
    {
        using var scratch = new Scratch();
        (string image, string source) = (scratch["image"], scratch["src"]);
        string disk = (await Command.ShellAsync($"dd if=/dev/urandom of='{image}' bs=1k count={kibibytes} status=none; losetup --find --show '{image}'")).Trim();
        try
        {
            await Command.ShellAsync($"mkdir '{source}'; cp -a {disk} '{source}/disk'");
            CommandResult sync = (await Command.RunAsync([Tool.Path, "sync", "-a", "--copy-devices", source + "/", scratch["dst"] + "/"])).MustExit(0);
            Assert.Equal("", sync.Error);
            Assert.Equal(await File.ReadAllBytesAsync(image), await File.ReadAllBytesAsync(Path.Combine(scratch["dst"], "disk")));
        }
        finally
        {
            await Command.RunAsync(["losetup", "--detach", disk]);
        }
    }

    /// <summary>A copy of the tree, which is made once.</summary>
    private static async Task<string> PrepareAsync(string at)
    {
        string template = await Template.Value;
        await Command.ShellAsync($"mkdir -p '{Path.GetDirectoryName(at)}'; cp -a '{template}' '{at}'");
        return at;
    }

    private static async Task<string> MakeTemplateAsync()
    {
        string at = TemplateScratch["w"];
        await Command.ShellAsync($"""
            mkdir -p '{at}'; cd '{at}'
            mkdir -p a/b/c a/d x/y S T U L/d1 L/d2 real loop/in munged D/none/sub D/a/b D/real D/out dirs/kept dirs/out dirs/plain sizes names/a names/a.b names/a-b names/ab
            echo 1 > a/b/c/f; echo two > a/d/g; echo three > x/y/h; echo four > a/b/t; echo ffff > f; ln a/b/t a/hard; ln a/d/g x/hard
            ln -s a/b lb; ln -s ../x a/lx; ln -s nowhere dang; mkfifo pipe; mknod null c 1 3; echo s > 'st*r'; echo s > stair; echo p > spaced; echo h > .hidden
            echo one > S/one; echo s > S/s; mkdir T/one; echo in > T/one/in; echo uu > U/one
            echo r > real/rf; echo 1 > L/f; ln -s ../real L/toreal; ln -s ../../real L/d2/up2; ln -s ../../../w/real L/d2/up3; ln -s /etc/hostname L/abs
            ln -s nowhere L/dang; ln -s ../f L/d2/inf; ln -s d2/../f L/emb; ln -s d2/../../real/rf L/emb2; ln -s ../L/f L/outin; ln -s ./f L/dot; ln -s d2//up2 L/slashes
            echo l > loop/f; ln -s .. loop/in/back; ln -s '/rsyncd-munged/a/b' munged/m; ln -s f munged/n
            echo ex > D/a/ex; echo ex > D/a/b/ex; echo zz > D/zz; echo old > D/f; cp -p a/d/g D/a/same; echo stale > D/a/b/t
            echo k > dirs/kept/in; echo o > dirs/out/in; echo p > dirs/plain/in; ln -s real D/kept; ln -s ../real D/out/x; rmdir D/out 2>/dev/null || rm -r D/out; ln -s ../real D/out; mkdir D/dirs; ln -s ../real D/dirs/kept; ln -s ../../real D/dirs/out
            truncate -s 123456789 sizes/big; echo > sizes/small; touch -d 1960-01-01 sizes/old; chmod 7777 sizes/old; chmod 7000 sizes/small; touch names/z names/a/1 names/a.b/1 names/a-b/1 names/ab/1 "$(printf 'names/we\nird\377')"
            printf 'a/b\n#c\n;d\n\nx/y/\n/a/d/g\n../lb\nnone\na/../x\n' > list; printf 'a/b\0#c\0\0x/y/h\0' > list0; printf 'a/b\r\na/d/g\rx' > listcr; printf 'a/./b/c/f\n./x/y\n' > listdot
            printf 'f\n' > listone; printf 'lb\n' > listlink
            find . -exec touch -h -d '2020-02-02 02:02:02' '{'{'}{'}'}' +; touch -h -d '2021-01-01 00:00:00' a/b/t S/one
            """);
        return at;
    }
}
