using NativeSync.EndToEnd.Tests.Support;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests;

/// <summary>rsync's meaning of source and destination words: the same words give the same tree and the same exit code.</summary>
public sealed class DestinationTests
{
    /// <summary>Told by the other end, and heard whether the run may go on over another line or not.</summary>
    [Theory]
    [InlineData("-v")]
    [InlineData("-v --reconnect=60")]
    [InlineData("-vn --reconnect=60")]
    public async Task ADestinationThatIsMadeAtTheOtherEndIsToldOf(string options)
    {
        using var scratch = new Scratch();
        await Command.ShellAsync($"cd '{scratch.Root}'; mkdir S; echo x >S/file; printf '#!/bin/sh\nshift; exec sh -c \"$*\"\n' >shell; chmod +x shell");
        string[] words = ["-a", "-e", scratch["shell"], scratch["S"] + "/", "host:" + scratch["D"]];
        CommandResult judge = await Command.RunAsync(["rsync", .. options.Split(' ').Take(1), .. words]);
        await Command.ShellAsync($"rm -rf '{scratch["D"]}'");
        CommandResult result = await Command.RunAsync([Tool.Path, "sync", .. options.Split(' '), "--rsync-path", Tool.Path, .. words]);
        result.MustExit(0);
        Assert.Equal("created directory " + scratch["D"], Assert.Single(Told(judge)));
        Assert.Equal(Told(judge), Told(result));

        static IEnumerable<string> Told(CommandResult run) => run.Output.Split('\n').Where(l => l.StartsWith("created", StringComparison.Ordinal));
    }

    /// <summary>Words below a scratch directory; '|' separates them. "S" is a directory of files, "f" and "g" are files.</summary>
    [Theory]
    [InlineData("S/|D", false)]
    [InlineData("S|D", false)]
    [InlineData("S/|D/", false)]
    [InlineData("S/|D", true)]
    [InlineData("S|D", true)]
    [InlineData("S/.|D", true)]
    [InlineData("S/inner|D", true)]
    [InlineData("S/inner/|D", true)]
    [InlineData("f|D", false)]
    [InlineData("f|D", true)]
    [InlineData("f|D/", false)]
    [InlineData("f|D/", true)]
    [InlineData("f|D/renamed", true)]
    [InlineData("f|g", true)]
    [InlineData("f|g|D", false)]
    [InlineData("f|g|D", true)]
    [InlineData("f|S|D/", true)]
    [InlineData("S/|T/|D", true)]
    [InlineData("S|T|D", true)]
    [InlineData("f|f|D", true)]
    [InlineData("link|D", true)]
    [InlineData("link/|D", true)]
    [InlineData("S/|D/not/there", true)]
    [InlineData("f|D/not/there", true)]
    [InlineData("f|D/not/there/", true)]
    [InlineData("S/|missing/D", false)]
    [InlineData("S/|g", false)]
    [InlineData("S|g", false)]
    [InlineData("f|g|h", false)]
    [InlineData("none|D", true)]
    [InlineData("none|f|D", true)]
    [InlineData("f|none/x|S|D", true)]
    [InlineData("S/|dlink", true)]
    [InlineData("S/|dlink/", true)]
    [InlineData("f|dlink", true)]
    [InlineData("empty/|D", true)]
    [InlineData("fifo|D", true)]
    public async Task TheSameWordsMeanTheSame(string words, bool destinationExists)
    {
        using var scratch = new Scratch();
        string theirs = await PrepareAsync(scratch["rsync"], destinationExists);
        string ours = await PrepareAsync(scratch["nativesync"], destinationExists);
        CommandResult rsync = await Command.RunAsync([Tool.PathOfRsync, "-a", .. words.Split('|')], directory: theirs);
        CommandResult sync = await Command.RunAsync([Tool.Path, "sync", "-a", .. words.Split('|')], directory: ours);
        Assert.True(rsync.ExitCode == sync.ExitCode, $"{rsync}\n{sync}");
        await TreeJudge.MustHaveSameManifestAsync(theirs, ours, because: $"{rsync}\n{sync}", ignore: ["mtime:d"]);
        if (rsync.ExitCode != 0)
        {
            Assert.True(sync.ErrorLines.Length is > 0 and <= 4, sync.ToString());
        }
    }

    [Theory]
    [InlineData("-r")]
    [InlineData("")]
    [InlineData("-l")]
    public async Task WithoutArchiveDirectoriesAndLinksAreSkippedAsRsyncSkipsThem(string option)
    {
        using var scratch = new Scratch();
        string theirs = await PrepareAsync(scratch["rsync"], destinationExists: true);
        string ours = await PrepareAsync(scratch["nativesync"], destinationExists: true);
        string[] words = [.. option.Length == 0 ? Array.Empty<string>() : [option], "S", "f", "link", "fifo", "D/"];
        CommandResult rsync = await Command.RunAsync([Tool.PathOfRsync, .. words], directory: theirs);
        CommandResult sync = await Command.RunAsync([Tool.Path, "sync", .. words], directory: ours);
        Assert.True(rsync.ExitCode == sync.ExitCode, $"{rsync}\n{sync}");
        await TreeJudge.MustHaveSameManifestAsync(theirs, ours, because: $"{rsync}\n{sync}", ignore: ["mtime"]);
    }

    private static async Task<string> PrepareAsync(string at, bool destinationExists)
    {
        await Command.ShellAsync($"""
            mkdir -p '{at}'/S/inner '{at}'/T/inner '{at}'/empty '{at}'/real; cd '{at}'
            echo one > S/one; echo deep > S/inner/deep; ln -s one S/link
            echo other > T/one; echo two > T/two; echo t > T/inner/t
            echo ffff > f; echo gggggg > g; echo h > h; ln -s S link; ln -s real dlink; mkfifo fifo; echo kept > real/kept
            {(destinationExists ? "mkdir D; echo old > D/old; echo stale > D/f" : "")}
            find . -exec touch -h -d '2020-02-02 02:02:02' '{'{'}{'}'}' +; touch -h -d '2021-01-01 00:00:00' f g S/one
            """);
        return at;
    }
}
