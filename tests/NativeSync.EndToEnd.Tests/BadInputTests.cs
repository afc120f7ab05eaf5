using System.Globalization;
using System.Net;
using System.Net.Sockets;
using NativeSync.EndToEnd.Tests.Support;
using NativeSync.TestKit;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests;

/// <summary>Whatever is wrong outside the program ends in one clear line, rsync's exit code for it, and nothing lost.</summary>
public sealed class BadInputTests(SharedServer server, OrdinaryUser user) : IClassFixture<SharedServer>, IClassFixture<OrdinaryUser>
{
    [Fact]
    public async Task AMissingSourceIsNamedAndTheOthersArrive()
    {
        using Scratch scratch = await ScratchAsync();
        CommandResult sync = await SameCodeAsync(23, "-a", scratch["none"], scratch["f"], "DEST:" + scratch.Root);
        OneLine(sync, "none");
        Assert.True(File.Exists(scratch["ours/f"]));
    }

    [Fact]
    public async Task AMissingSourceDeletesNothing()
    {
        using Scratch scratch = await ScratchAsync();
        await Command.ShellAsync($"cd '{scratch.Root}'; mkdir ours theirs; echo old > ours/old; echo old > theirs/old");
        CommandResult sync = await SameCodeAsync(23, "-a", "--delete", scratch["none"] + "/", scratch["src"] + "/", "DEST:" + scratch.Root);
        OneLine(sync, "none");
        Assert.True(File.Exists(scratch["ours/old"]) == File.Exists(scratch["theirs/old"]), sync.ToString());
    }

    [Fact]
    public async Task AnUnreadableDirectoryIsNamedAndNothingIsDeleted()
    {
        using Scratch scratch = await ScratchAsync();
        await Command.ShellAsync($"cd '{scratch.Root}'; mkdir src/closed ours theirs; echo in > src/closed/in; for d in ours theirs; do mkdir $d/closed; echo kept > $d/closed/kept; echo stale > $d/stale; done");
        await user.OwnAsync(scratch.Root);
        await Command.ShellAsync($"chmod 0 '{scratch["src/closed"]}'; echo x > '{scratch["src/secret"]}'; chmod 0 '{scratch["src/secret"]}'");
        CommandResult rsync = await user.RunAsync("rsync", "-rlt", "--delete", scratch["src"] + "/", scratch["theirs"] + "/");
        CommandResult sync = await user.RunAsync(Tool.Path, "sync", "-rlt", "--delete", scratch["src"] + "/", scratch["ours"] + "/");
        Assert.True(sync.ExitCode == 23 && rsync.ExitCode == 23, $"{rsync}\n{sync}");
        Assert.Contains(sync.ErrorLines, line => line.Contains("closed", StringComparison.Ordinal) && line.Contains("ermission denied", StringComparison.Ordinal));
        Assert.Contains(sync.ErrorLines, line => line.Contains("secret", StringComparison.Ordinal) && line.Contains("ermission denied", StringComparison.Ordinal));
        Assert.True(File.Exists(scratch["ours/closed/kept"]), sync.ToString());
        Assert.True(File.Exists(scratch["ours/one"]), sync.ToString());
        Assert.True(File.Exists(scratch["ours/stale"]), "something was deleted after a read error\n" + sync);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ADestinationThatIsAFileIsKept(bool remote)
    {
        using Scratch scratch = await ScratchAsync();
        string[] to = remote ? [Tool.Remote(scratch["f"])] : [scratch["f"]];
        CommandResult rsync = remote ? await Tool.RsyncAsync(server.Ssh, ["-a", scratch["src"] + "/", .. to]) : await Tool.RsyncAsync(["-a", scratch["src"] + "/", .. to]);
        CommandResult sync = remote ? await Tool.SyncAsync(server.Ssh, ["-a", scratch["src"] + "/", .. to]) : await Tool.SyncAsync(["-a", scratch["src"] + "/", .. to]);
        Assert.True(sync.ExitCode == rsync.ExitCode && sync.ExitCode != 0, $"{rsync}\n{sync}");
        OneLine(sync, scratch["f"]);
        Assert.Equal("f\n", await File.ReadAllTextAsync(scratch["f"]));
    }

    [Fact]
    public async Task ADestinationWhoseParentIsMissingIsElevenAndMakesNothing()
    {
        using Scratch scratch = await ScratchAsync();
        foreach (string destination in (string[])[scratch["no/such/place"], Tool.Remote(scratch["no/such/place"])])
        {
            CommandResult sync = await Tool.SyncAsync(server.Ssh, "-a", scratch["src"] + "/", destination);
            Assert.True(sync.ExitCode == 11, sync.ToString());
            OneLine(sync, "no/such");
            Assert.False(Directory.Exists(scratch["no"]));
        }
    }

    [Fact]
    public async Task AHostThatDoesNotExistIsNamed()
    {
        using Scratch scratch = await ScratchAsync();
        CommandResult sync = await Tool.SyncAsync("-a", scratch["src"], "root@no-such-host.invalid:/tmp/never");
        Assert.True(sync.ExitCode == 255, sync.ToString());
        OneLine(sync, "no-such-host.invalid");
    }

    [Fact]
    public async Task APortWhereNobodyListensIsNamed()
    {
        using Scratch scratch = await ScratchAsync();
        // Bound by somebody who does not listen: nobody else can take it meanwhile and answer.
        using Socket silent = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        silent.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        string port = ((IPEndPoint)silent.LocalEndPoint!).Port.ToString(CultureInfo.InvariantCulture);
        CommandResult sync = await Tool.SyncAsync("-a", "--port", port, scratch["src"], Tool.Remote("/tmp/never"));
        Assert.True(sync.ExitCode == 255, sync.ToString());
        OneLine(sync, port);
    }

    [Fact]
    public async Task ARefusedKeyIsNamed()
    {
        using Scratch scratch = await ScratchAsync();
        (await Command.RunAsync(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", scratch["other"]])).MustExit(0);
        CommandResult sync = await Tool.SyncAsync(
            "-a", "--port", Port, "--identity", scratch["other"], "--known-hosts", server.Ssh.KnownHostsPath, scratch["src"], Tool.Remote(scratch["there"]));
        Assert.True(sync.ExitCode == 255, sync.ToString());
        OneLine(sync, PrivateSshd.Host);
        Assert.DoesNotContain("PRIVATE KEY", sync.Output + sync.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(scratch["there"]));
    }

    [Fact]
    public async Task AChangedHostKeyStopsEverything()
    {
        using Scratch scratch = await ScratchAsync();
        await using PrivateSshd other = await PrivateSshd.StartAsync();
        await File.WriteAllTextAsync(scratch["known"], $"[{PrivateSshd.Host}]:{server.Ssh.Port} {other.HostPublicKey}\n");
        string before = await File.ReadAllTextAsync(scratch["known"]);
        CommandResult sync = await Tool.SyncAsync(
            "-a", "--port", Port, "--identity", server.Ssh.ClientKeyPath, "--known-hosts", scratch["known"], scratch["src"], Tool.Remote(scratch["there"]));
        Assert.True(sync.ExitCode == 255, sync.ToString());
        Assert.Contains(sync.ErrorLines, line => line.Contains("host key", StringComparison.OrdinalIgnoreCase) || line.Contains("key of", StringComparison.OrdinalIgnoreCase));
        Assert.False(Directory.Exists(scratch["there"]));
        Assert.Equal(before, await File.ReadAllTextAsync(scratch["known"]));
    }

    [Fact]
    public async Task AnUnknownHostKeyIsNotTrustedUnlessAsked()
    {
        using Scratch scratch = await ScratchAsync();
        string[] words = ["-a", "--port", Port, "--identity", server.Ssh.ClientKeyPath, "--known-hosts", scratch["known"]];
        CommandResult refused = await Tool.SyncAsync([.. words, scratch["src"] + "/", Tool.Remote(scratch["there"])]);
        Assert.True(refused.ExitCode == 255, refused.ToString());
        Assert.False(Directory.Exists(scratch["there"]));
        (await Tool.SyncAsync([.. words, "--host-key-check=accept-new", scratch["src"] + "/", Tool.Remote(scratch["there"])])).MustExit(0);
        await TreeJudge.MustBeEqualAsync(scratch["src"], scratch["there"]);
        (await Tool.SyncAsync([.. words, scratch["src"] + "/", Tool.Remote(scratch["there"])])).MustExit(0);
    }

    [Fact]
    public async Task AnAgentThatCannotBePutAnywhereIsExplained()
    {
        using Scratch scratch = await ScratchAsync();
        // A login whose every command sees no place to write: read-only root, nothing else.
        string script = scratch["jail.sh"];
        await File.WriteAllTextAsync(script, $"""
            #!/bin/sh
            exec unshare -m /bin/sh -c 'for d in /root /var/tmp /tmp /dev/shm /run; do mount -t tmpfs -o ro,noexec none $d; done; exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"'

            """);
        (await Command.RunAsync(["chmod", "755", script])).MustExit(0);
        await Command.ShellAsync($"cp '{script}' /usr/local/bin/nativesync-test-jail");
        try
        {
            await using PrivateSshd jail = await PrivateSshd.StartAsync(new PrivateSshdOptions { ForceCommand = "/usr/local/bin/nativesync-test-jail" });
            CommandResult sync = await Tool.SyncAsync(jail, "-a", scratch["src"] + "/", Tool.Remote(scratch["there"]));
            Assert.True(sync.ExitCode is 126 or 12 or 11 or 127, sync.ToString());
            OneLine(sync, PrivateSshd.Host);
        }
        finally
        {
            File.Delete("/usr/local/bin/nativesync-test-jail");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AFullDiskNamesTheFileAndKeepsWhatWasThere(bool remote)
    {
        using Scratch scratch = await ScratchAsync();
        string full = await scratch.MountAsync("full", "size=4m");
        await Command.ShellAsync($"cd '{scratch.Root}'; head -c 1000000 /dev/urandom > full/big; echo small > full/small; cp -a full/big before; head -c 9000000 /dev/urandom > src/big; echo new > src/small; touch -d 2020-01-01 full/*");
        CommandResult sync = remote
            ? await Tool.SyncAsync(server.Ssh, "-a", scratch["src"] + "/", Tool.Remote(full))
            : await Tool.SyncAsync("-a", scratch["src"] + "/", full);
        Assert.True(sync.ExitCode is 11 or 23, sync.ToString());
        Assert.Contains(sync.ErrorLines, line => line.Contains("big", StringComparison.Ordinal) && line.Contains("No space left", StringComparison.Ordinal));
        (await Command.RunAsync(["cmp", scratch["before"], full + "/big"])).MustExit(0);
        string[] left = Directory.GetFileSystemEntries(full).Select(p => Path.GetFileName(p)!).Order(StringComparer.Ordinal).ToArray();
        Assert.DoesNotContain(left, name => name.StartsWith(".big", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("--exclude-from=NONE", 11)]
    [InlineData("--include-from=NONE", 11)]
    public async Task AnExcludeFileThatCannotBeReadIsNamed(string option, int code)
    {
        using Scratch scratch = await ScratchAsync();
        string word = option.Replace("NONE", scratch["none"], StringComparison.Ordinal).Replace("DIR", scratch["src"], StringComparison.Ordinal);
        CommandResult rsync = await Tool.RsyncAsync("-a", word, scratch["src"] + "/", scratch["theirs"]);
        CommandResult sync = await Tool.SyncAsync("-a", word, scratch["src"] + "/", scratch["ours"]);
        Assert.True(sync.ExitCode == rsync.ExitCode, $"{code} was expected\n{rsync}\n{sync}");
        if (sync.ExitCode != 0)
        {
            OneLine(sync, Path.GetFileName(word));
            Assert.False(Directory.Exists(scratch["ours"]));
        }
    }

    /// <summary>rsync reads a directory as an empty file and copies everything; we say what is wrong.</summary>
    [Fact]
    public async Task AnExcludeFileThatIsADirectoryIsNotAnEmptyOne()
    {
        using Scratch scratch = await ScratchAsync();
        CommandResult sync = await Tool.SyncAsync("-a", "--exclude-from=" + scratch["src"], scratch["src"] + "/", scratch["ours"]);
        Assert.True(sync.ExitCode == 11, sync.ToString());
        OneLine(sync, scratch["src"]);
        Assert.False(Directory.Exists(scratch["ours"]));
    }

    [Theory]
    [InlineData("--no-such-option")]
    [InlineData("-Ä")]
    [InlineData("-a\u0001")]
    [InlineData("--bwlimit=fast")]
    [InlineData("--timeout=soon")]
    [InlineData("--delete=maybe")]
    [InlineData("--exclude")]
    public async Task AnUnknownOptionIsNamedAndNothingHappens(string option)
    {
        using Scratch scratch = await ScratchAsync();
        CommandResult rsync = await Tool.RsyncAsync("-a", scratch["src"] + "/", scratch["theirs"], option);
        CommandResult sync = await Tool.SyncAsync("-a", scratch["src"] + "/", scratch["ours"], option);
        Assert.True(sync.ExitCode == 1 && rsync.ExitCode == 1, $"{rsync}\n{sync}");
        Assert.True(sync.ErrorLines.Length is 1 or 2, sync.ToString());
        Assert.DoesNotContain('\u0001', sync.Error);
        Assert.False(Directory.Exists(scratch["ours"]));
    }

    [Fact]
    public async Task TwoRemoteEndsAreRefused()
    {
        CommandResult sync = await SameCodeAsync(1, "-a", "a@one.invalid:/x", "b@two.invalid:/y");
        Assert.True(sync.ErrorLines.Length is 1 or 2, sync.ToString());
    }

    [Fact]
    public async Task NoArgumentsAtAllIsAQuestionOfUsage()
    {
        CommandResult sync = await Tool.SyncAsync("-a");
        Assert.True(sync.ExitCode == 1, sync.ToString());
        Assert.NotEmpty(sync.ErrorLines);
    }

    [Fact]
    public async Task NamesFromATreeCannotWriteToTheTerminal()
    {
        using Scratch scratch = await ScratchAsync();
        RawFiles.WriteFile(RawFiles.Join(RawFiles.Bytes(scratch["src"]), "\u001b]0;owned\u0007\n\u009b31m"u8), "x"u8);
        CommandResult sync = (await Tool.SyncAsync("-avi", scratch["src"] + "/", scratch["ours"])).MustExit(0);
        Assert.DoesNotContain('\u001b', sync.Output + sync.Error);
        Assert.DoesNotContain('\u0007', sync.Output + sync.Error);
    }

    [Fact]
    public async Task AShellCommandThatIsMissingOrFailsIsToldApart()
    {
        using Scratch scratch = await ScratchAsync();
        CommandResult missing = await Tool.SyncAsync("-a", "-e", "/no/such/command", scratch["src"], "host:" + scratch["there"]);
        CommandResult rsyncMissing = await Tool.RsyncAsync("-a", "-e", "/no/such/command", scratch["src"], "host:" + scratch["there"]);
        // rsync itself says 14 or 12, whichever of its processes is faster.
        Assert.True(missing.ExitCode == 14 && rsyncMissing.ExitCode is 12 or 14, $"{rsyncMissing}\n{missing}");
        OneLine(missing, "/no/such/command");
        CommandResult fails = await Tool.SyncAsync("-a", "-e", "/bin/false", scratch["src"], "host:" + scratch["there"]);
        Assert.True(fails.ExitCode != 0, fails.ToString());
        Assert.NotEmpty(fails.ErrorLines);
    }

    private string Port => server.Ssh.Port.ToString(CultureInfo.InvariantCulture);

    private static async Task<Scratch> ScratchAsync()
    {
        var scratch = new Scratch();
        await Command.ShellAsync($"cd '{scratch.Root}'; mkdir -p src/inner; echo one > src/one; echo deep > src/inner/deep; echo f > f");
        return scratch;
    }

    /// <summary>Runs both with the same words ("DEST:root" becomes root/theirs and root/ours) and wants the code from both.</summary>
    private static async Task<CommandResult> SameCodeAsync(int code, params string[] words)
    {
        string[] For(string name) => [.. words.Select(w => w.StartsWith("DEST:", StringComparison.Ordinal) ? Path.Combine(w[5..], name) + "/" : w)];
        CommandResult rsync = await Tool.RsyncAsync(For("theirs"));
        CommandResult sync = await Tool.SyncAsync(For("ours"));
        Assert.True(rsync.ExitCode == code && sync.ExitCode == code, $"{code} was expected\n{rsync}\n{sync}");
        return sync;
    }

    /// <summary>What, where and what to do, in one line (a second may sum up, as rsync's does), and no stack trace.</summary>
    private static void OneLine(CommandResult result, string where)
    {
        Assert.True(result.ErrorLines.Length is 1 or 2 or 3, result.ToString());
        Assert.True(result.Error.Contains(where, StringComparison.Ordinal), $"'{where}' is not named\n{result}");
        Assert.DoesNotContain("   at ", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", result.Error, StringComparison.Ordinal);
    }
}
