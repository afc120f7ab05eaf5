using System.Net;
using System.Net.Sockets;

namespace NativeSync.Cli.Tests.Commands;

/// <summary>rsync's exit codes, each in the situation in which rsync gives it, as far as it can be provoked without another machine. What a remote shell ends with is a race in rsync, which says 12 as often.</summary>
public sealed class ExitCodeTests
{
    /// <summary>Where rsync itself can be brought into the same situation with the same words, it is.</summary>
    [Theory]
    [InlineData(0, "-a T/s/ T/d/", true)]
    [InlineData(0, "--help", true)]
    [InlineData(0, "--version", true)]
    [InlineData(0, "-a --timeout=-1 T/s/ T/d/", true)]
    [InlineData(0, "-a --protocol=30 T/s/ T/d/", true)]
    [InlineData(0, "-a --iconv=- T/s/ T/d/", true)]
    [InlineData(0, "-az --zc=lz4 T/s/ T/d/", true)]
    [InlineData(0, "-az --zc=zlib T/s/ T/d/", true)]
    [InlineData(0, "-az --zc=zlibx T/s/ T/d/", true)]
    [InlineData(1, "-a --protocol=x T/s/ T/d/", true)]
    [InlineData(2, "-a --protocol=33 T/s/ T/d/", true)]
    [InlineData(1, "-a --temp-dir= T/s/ T/d/", true)]
    [InlineData(1, "-a --temp-dir=T/none T/s/ T/d/", true)]
    [InlineData(23, "-a T/none T/d/", true)]
    [InlineData(1, "--nonsense T/s T/d", true)]
    [InlineData(1, "-a --timeout=x T/s T/d", true)]
    [InlineData(1, "-a --bwlimit=1b T/s T/d", true)]
    [InlineData(1, "-a --outbuf=x T/s T/d", true)]
    [InlineData(1, "-a --stderr=x T/s T/d", true)]
    [InlineData(1, "-a --info=nonsense T/s T/d", true)]
    [InlineData(1, "-a --debug=nonsense T/s T/d", true)]
    [InlineData(1, "-a --max-alloc=1 T/s T/d", true)]
    [InlineData(1, "-a --checksum-seed=x T/s T/d", true)]
    [InlineData(1, "-a --delete", true)]
    [InlineData(1, "--delete T/s T/d", true)]
    [InlineData(1, "-a --password-file=T/file T/s T/d", true)]
    [InlineData(1, "-a h:T/s g:T/d", true)]
    [InlineData(1, "-a T/s h:x T/d", true)]
    [InlineData(1, "-a h:x T/s T/d", true)]
    [InlineData(1, "-a --filter=nonsense T/s T/d", true)]
    [InlineData(1, "-a -e sh_'x T/s h:d", true)]
    [InlineData(2, "-a -e T/chatter T/s h:d", false)]
    [InlineData(2, "-a -e T/endless T/s h:d", true)]
    [InlineData(3, "-a T/s T/s2 T/file", true)]
    [InlineData(4, "-a --zc=nonsense T/s T/d", true)]
    [InlineData(4, "-a --cc=nonsense T/s T/d", true)]
    [InlineData(11, "-a T/s/ T/x/y/z/", true)]
    [InlineData(11, "-a --exclude-from=T/none T/s/ T/d/", true)]
    [InlineData(12, "-a -e T/ends T/s h:d", true)]
    [InlineData(14, "-a -e T/none T/s h:d", true)]
    [InlineData(23, "-a T/none T/s/ T/d/", true)]
    [InlineData(25, "-a --delete --max-delete=0 T/s/ T/full/", true)]
    [InlineData(14, "-a --rsh= T/s h:d", false)]
    [InlineData(124, "-a -e T/failed T/s h:d", false)]
    [InlineData(125, "-a -e T/killed T/s h:d", false)]
    [InlineData(126, "-a -e T/cannot T/s h:d", false)]
    [InlineData(127, "-a -e T/missing T/s h:d", false)]
    [InlineData(255, "-a -e T/refused T/s h:d", false)]
    [InlineData(255, "-a --ssh-config=none --port=1 T/s 127.0.0.1:d", false)]
    [InlineData(4, "-a T/s rsync://h/m", false)]
    [InlineData(4, "-a T/s h::m", false)]
    public async Task TheCodeIsRsyncs(int code, string line, bool asRsync)
    {
        using TemporaryDirectory directory = new();

        // To rsync, a program that ends before rsync has said its version is a broken pipe (12) and no bad protocol (2): "endless" hears until
        // rsync goes, over and over, for its ends do not block.
        directory.Shell(
            """
            mkdir s s2 full; echo 1 >s/1; echo content >file; touch full/x
            printf '#!/bin/sh\necho this is my motd, long enough to be read\n' >chatter; printf '#!/bin/sh\nexit 0\n' >ends
            printf '#!/bin/sh\nhead -c 200000 /dev/urandom 2>/dev/null\nuntil cat >/dev/null 2>&1; do :; done\n' >endless
            for pair in failed:124 killed:125 cannot:126 missing:127 refused:255; do printf '#!/bin/sh\nexit %s\n' "${pair#*:}" >"${pair%:*}"; done
            chmod 755 chatter ends endless failed killed cannot missing refused
            """);
        string[] words = [.. line.Split(' ').Select(word => word.Replace("T/", directory.Path + "/", StringComparison.Ordinal).Replace('_', ' '))];
        if (asRsync)
        {
            (int theirs, _, string words2) = Rsync.Run(words);

            // Of its two processes each has its own code where no shell can be started, and which one is heard last is a matter of luck.
            Assert.True(code == theirs || words2.Contains($"(code {code})", StringComparison.Ordinal), $"rsync: {theirs} {words2}");
            directory.Shell("rm -rf d; touch full/x");
        }

        (int ours, _, string error) = await NativeSyncRun.RunAsync(["sync", .. words]);
        Assert.True(code == ours, $"{ours}: {error}");
        Assert.True(code == 0 || error.StartsWith("nativesync: ", StringComparison.Ordinal), error);
    }

    /// <summary>Run under its name, a directory is a file without rules, as it is to rsync; else it is a mistake that is told.</summary>
    [Fact]
    public async Task ADirectoryOfRulesHasNone()
    {
        using TemporaryDirectory directory = new();
        directory.Shell("mkdir s rules; echo 1 >s/1");
        string[] words = ["-a", $"--exclude-from={directory.Path}/rules", $"{directory.Path}/s/", $"{directory.Path}/d/"];
        Assert.Equal(0, Rsync.Run(words).ExitCode);
        Assert.Equal(0, (await NativeSyncRun.RunAsync("rsync", words)).ExitCode);
        Assert.Equal(11, (await NativeSyncRun.RunAsync(["sync", .. words])).ExitCode);
    }

    /// <summary>Codes of what no command line brings about: a defect, and a machine without memory.</summary>
    [Fact]
    public void ADefectAndWantOfMemoryHaveCodesOfTheirOwn()
    {
        using Startup.Interruption interruption = new();
        Assert.Equal(13, Failure.Of(new InvalidOperationException("x"), interruption).ExitCode);
        Assert.Equal(22, Failure.Of(new OutOfMemoryException(), interruption).ExitCode);
        Assert.Equal(22, Failure.Of(new AggregateException(new OutOfMemoryException()), interruption).ExitCode);
    }

    /// <summary>What a program says in place of a reason.</summary>
    [Fact]
    public async Task AProgramThatIsNotThereIsNamedInOneLine()
    {
        using TemporaryDirectory directory = new();
        (int code, _, string error) = await NativeSyncRun.RunAsync("sync", "-a", "-e", $"{directory.Path}/none", "/etc/hostname", "h:d");
        Assert.Equal(14, code);
        Assert.StartsWith($"nativesync: {directory.Path}/none cannot be run: No such file or directory (2) (Check", error, StringComparison.Ordinal);
    }

    /// <summary>Under the name rsync the words that scripts look for.</summary>
    [Fact]
    public async Task AMissingSourceIsToldAsRsyncTellsIt()
    {
        using TemporaryDirectory directory = new();
        string[] words = ["-a", $"{directory.Path}/none", $"{directory.Path}/d/"];
        (int code, _, string error) = await NativeSyncRun.RunAsync("rsync", words);
        (int theirs, _, string judge) = Rsync.Run(words);
        Assert.Equal(theirs, code);
        Assert.Equal(judge.Split('\n')[0], error.Split('\n')[0]);
        Assert.StartsWith("Usage: rsync [OPTION]", (await NativeSyncRun.RunAsync("rsync", ["--help"])).Output, StringComparison.Ordinal);
    }

    /// <summary>A server that takes the connection and says nothing.</summary>
    [Fact]
    public async Task ASilentServerIsGivenUpAfterTheTimeForConnecting()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        int port = ((IPEndPoint)listener.LocalEndpoint).Port;
        (int code, _, string error) = await NativeSyncRun.RunAsync("sync", "-a", "--ssh-config=none", "--contimeout=1", $"--port={port}", "/etc/hostname", "127.0.0.1:d");
        Assert.True(code == 35, error);
    }

    [Fact]
    public async Task ARemoteEndThatFallsSilentIsGivenUpAfterTheTimeout()
    {
        using TemporaryDirectory directory = new();
        directory.Shell("printf '#!/bin/sh\\nexec cat >/dev/null\\n' >silent; chmod 755 silent");
        Assert.Contains((await NativeSyncRun.RunAsync("sync", "-a", "--timeout=1", $"--rsync-path=x", "-e", $"{directory.Path}/silent", "/etc/hostname", "h:d")).ExitCode, (int[])[30, 12]);
    }

    /// <summary>Who writes a list into a pipe may take longer than any silence: the agent is not told to be impatient.</summary>
    [Theory]
    [InlineData("list", true)]
    [InlineData("pipe", false)]
    [InlineData("link", false)]
    [InlineData("-", false)]
    public async Task AnAgentWaitsForAListThatIsYetToBeWritten(string list, bool atOnce)
    {
        using TemporaryDirectory directory = new();
        directory.Shell("printf '#!/bin/sh\\necho \"$*\" >\"${0%%/*}/said\"\\nexit 1\\n' >shell; chmod 755 shell; mkfifo pipe; ln -s pipe link; echo f >list");
        string from = list == "-" ? list : $"{directory.Path}/{list}";
        await NativeSyncRun.RunAsync("sync", "-a", "--timeout=10", $"--files-from={from}", "--rsync-path=x", "-e", $"{directory.Path}/shell", directory.Path, "h:d");
        Assert.Equal($"h x serve{(atOnce ? " --wait=10" : "")}\n", await File.ReadAllTextAsync($"{directory.Path}/said"));
    }
}
