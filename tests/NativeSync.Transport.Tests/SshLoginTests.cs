using NativeSync.Engine;
using NativeSync.TestKit;

namespace NativeSync.Transport.Tests;

public sealed class SshLoginTests
{
    [Theory]
    [InlineData("ed25519")]
    [InlineData("rsa")]
    [InlineData("ecdsa")]
    public async Task AKeyInAFileLogsIn(string type)
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync(new PrivateSshdOptions { ClientKeyType = type });
        await using SshSession session = await sshd.ConnectAsync();
        CommandResult result = await session.RunAsync("echo out; echo err >&2; exit 7");
        Assert.Equal("out\n", result.OutputText);
        Assert.Equal("err\n", result.Error);
        Assert.Equal(7, result.ExitCode);
    }

    [Fact]
    public async Task GcmAndAQuickKeyExchangeArePreferred()
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync();
        await using SshSession session = await sshd.ConnectAsync();
        Assert.Equal("aes128-gcm@openssh.com", session.Cipher);
        Assert.Contains(session.KeyExchange, new[] { "mlkem768x25519-sha256", "curve25519-sha256" });
        Assert.True(session.Tuned, "the socket buffers stay fixed");
    }

    [Fact]
    public async Task AnEncryptedKeyAsksForItsPassphrase()
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync(new PrivateSshdOptions { ClientKeyPassphrase = "s3cret" });
        var prompts = new List<string>();
        await using SshSession session = await sshd.ConnectAsync(o => o with
        {
            PassphraseProvider = prompt =>
            {
                prompts.Add(prompt);
                return prompts.Count == 1 ? "wrong" : "s3cret";
            },
        });
        Assert.Equal(2, prompts.Count);
        Assert.Contains(sshd.ClientKeyPath, prompts[0]);
    }

    [Fact]
    public async Task AWrongPassphraseIsOneClearLineWithoutTheSecret()
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync(new PrivateSshdOptions { ClientKeyPassphrase = "s3cret" });
        TransportException e = await Assert.ThrowsAsync<TransportException>(() => sshd.ConnectAsync(o => o with { PassphraseProvider = _ => "wr0ng" }));
        Assert.Equal(255, e.ExitCode);
        Assert.Contains("no right passphrase", e.Message);
        Assert.DoesNotContain("wr0ng", e.ToString());
        Assert.DoesNotContain('\n', e.Message);
    }

    [Fact]
    public async Task AnotherKeyIsRefused()
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync();
        string other = Path.Combine(sshd.DirectoryPath, "other");
        Run.Program("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other);
        TransportException e = await Assert.ThrowsAsync<TransportException>(() => sshd.ConnectAsync(o => o with { IdentityFiles = [other] }));
        Assert.Equal(255, e.ExitCode);
        Assert.Contains("refuses the login", e.Message);
        Assert.Contains(other, e.Message);
    }

    [Fact]
    public async Task AMissingIdentityFileIsNamed()
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync();
        TransportException e = await Assert.ThrowsAsync<TransportException>(() => sshd.ConnectAsync(o => o with { IdentityFiles = ["/nonexistent/key"] }));
        Assert.Contains("/nonexistent/key does not exist", e.Message);
    }

    [Fact]
    public async Task TheSecondKeyIsTriedAfterTheFirst()
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync();
        string other = Path.Combine(sshd.DirectoryPath, "other");
        Run.Program("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other);
        await using SshSession session = await sshd.ConnectAsync(o => o with { IdentityFiles = [other, sshd.ClientKeyPath] });
        Assert.Equal("ok\n", (await session.RunAsync("echo ok")).OutputText);
    }

    [Theory]
    [InlineData("ed25519")]
    [InlineData("rsa")]
    public async Task TheAgentSigns(string type)
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync(new PrivateSshdOptions { ClientKeyType = type });
        using var agent = new PrivateAgent(sshd.DirectoryPath);
        agent.Add(sshd.ClientKeyPath);
        await using SshSession session = await sshd.ConnectAsync(o => o with { IdentityFiles = [], AgentSocket = agent.Socket });
        Assert.Equal("ok\n", (await session.RunAsync("echo ok")).OutputText);
    }

    [Fact]
    public async Task AnEncryptedFileWhoseKeyTheAgentHoldsNeedsNoPassphrase()
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync();
        using var agent = new PrivateAgent(sshd.DirectoryPath);
        agent.Add(sshd.ClientKeyPath);
        Run.Program("ssh-keygen", "-q", "-p", "-N", "s3cret", "-f", sshd.ClientKeyPath);
        await using SshSession session = await sshd.ConnectAsync(o => o with { AgentSocket = agent.Socket, IdentitiesOnly = true });
        Assert.Equal("ok\n", (await session.RunAsync("echo ok")).OutputText);
    }

    [Fact]
    public async Task AnAgentThatIsGoneIsMentionedAndNotFatal()
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync();
        await using SshSession session = await sshd.ConnectAsync(o => o with { AgentSocket = "/nonexistent/agent" });
        TransportException e = await Assert.ThrowsAsync<TransportException>(() => sshd.ConnectAsync(o => o with { AgentSocket = "/nonexistent/agent", IdentityFiles = [] }));
        Assert.Contains("/nonexistent/agent", e.Message);
    }

    [Fact]
    public async Task AUserCertificateLogsIn()
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync(new PrivateSshdOptions { ExtraLines = [] });
        string authority = Path.Combine(sshd.DirectoryPath, "authority");
        string key = Path.Combine(sshd.DirectoryPath, "certified");
        Run.Program("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", authority);
        Run.Program("ssh-keygen", "-q", "-t", "rsa", "-N", "", "-f", key);
        Run.Program("ssh-keygen", "-q", "-s", authority, "-I", "test", "-n", PrivateSshd.User, key + ".pub");
        File.WriteAllText(sshd.AuthorizedKeysPath, "cert-authority " + File.ReadAllText(authority + ".pub"));
        await using SshSession session = await sshd.ConnectAsync(o => o with { IdentityFiles = [key] });
        Assert.Equal("ok\n", (await session.RunAsync("echo ok")).OutputText);
    }

    [Fact]
    public async Task APasswordLogsIn()
    {
        using var user = new TemporaryUser(password: "p4ss w0rd");
        await using PrivateSshd sshd = await PrivateSshd.StartAsync(new PrivateSshdOptions { PasswordAuthentication = true });
        var prompts = new List<string>();
        await using SshSession session = await sshd.ConnectAsync(o => o with
        {
            IdentityFiles = [],
            PasswordProvider = prompt =>
            {
                prompts.Add(prompt);
                return prompts.Count == 1 ? "wrong" : "p4ss w0rd";
            },
        }, user.Name);
        Assert.Equal(user.Name + "\n", (await session.RunAsync("id -un")).OutputText);
        Assert.Equal(2, prompts.Count);
        Assert.Contains(user.Name + "@127.0.0.1", prompts[0]);
    }

    /// <summary>SSH.NET shows its session to methods of logging in alone, and tries none that the server does not take.</summary>
    [Fact]
    public async Task WhereOnlyAPasswordIsTakenTheSocketIsTunedToo()
    {
        using var user = new TemporaryUser(password: "p4ss");
        await using PrivateSshd sshd = await PrivateSshd.StartAsync(new PrivateSshdOptions { PasswordAuthentication = true, OverrideLines = ["PubkeyAuthentication no"] });
        await using SshSession session = await sshd.ConnectAsync(o => o with { PasswordProvider = _ => "p4ss" }, user.Name);
        Assert.True(session.Tuned);
    }

    [Fact]
    public async Task AWrongPasswordIsRefusedAndNotShown()
    {
        using var user = new TemporaryUser(password: "p4ss w0rd");
        await using PrivateSshd sshd = await PrivateSshd.StartAsync(new PrivateSshdOptions { PasswordAuthentication = true });
        TransportException e = await Assert.ThrowsAsync<TransportException>(() =>
            sshd.ConnectAsync(o => o with { IdentityFiles = [], PasswordProvider = _ => "n0t this" }, user.Name));
        Assert.Equal(255, e.ExitCode);
        Assert.DoesNotContain("n0t this", e.ToString());
    }

    [Fact]
    public async Task KeyboardInteractiveQuestionsAreAnswered()
    {
        using var user = new TemporaryUser(password: "p4ss");
        await using PrivateSshd sshd = await PrivateSshd.StartAsync(new PrivateSshdOptions
        {
            OverrideLines = ["UsePAM yes", "KbdInteractiveAuthentication yes", "PasswordAuthentication no"],
        });
        var prompts = new List<string>();
        await using SshSession session = await sshd.ConnectAsync(o => o with
        {
            IdentityFiles = [],
            InteractiveProvider = (prompt, echo) =>
            {
                prompts.Add(prompt);
                return echo ? "" : "p4ss";
            },
        }, user.Name);
        Assert.Equal(user.Name + "\n", (await session.RunAsync("id -un")).OutputText);
        Assert.NotEmpty(prompts);
    }

    /// <summary>Both servers ask the same. Who remembers answers by their questions gives each server its own, on the next connection, too.</summary>
    [Fact]
    public async Task AnAnswerForOneServerIsNoneForTheHostOnTheWayToIt()
    {
        using var onTheWay = new TemporaryUser(password: "p4ss there");
        using var user = new TemporaryUser(password: "p4ss");
        var options = new PrivateSshdOptions { OverrideLines = ["UsePAM yes", "KbdInteractiveAuthentication yes", "PasswordAuthentication no", "AllowTcpForwarding yes"] };
        await using PrivateSshd jump = await PrivateSshd.StartAsync(options);
        await using PrivateSshd sshd = await PrivateSshd.StartAsync(options);
        var answers = new Dictionary<string, string>();
        SshOptions Asking(SshOptions o, Func<string, string?> answer) => o with
        {
            IdentityFiles = [],
            HostKeyCheck = HostKeyCheck.No,
            ProxyJump = $"{onTheWay.Name}@127.0.0.1:{jump.Port}",
            MaxPrompts = 1,
            InteractiveProvider = (prompt, _) => answer(prompt),
        };
        Queue<string> passwords = new(["p4ss there", "p4ss"]);
        await using (await sshd.ConnectAsync(o => Asking(o, prompt => answers[prompt] = passwords.Dequeue()), user.Name))
        {
            Assert.Equal(2, answers.Count);
            Assert.Single(answers.Keys, prompt => prompt.StartsWith($"({onTheWay.Name}@127.0.0.1:{jump.Port}) ", StringComparison.Ordinal));
        }

        await using SshSession again = await sshd.ConnectAsync(o => Asking(o, prompt => answers.GetValueOrDefault(prompt)), user.Name);
        Assert.Equal(user.Name + "\n", (await again.RunAsync("id -un")).OutputText);
    }

    /// <summary>What forwards nothing closes without a word: that is no reason to doubt that there is an SSH server behind it.</summary>
    [Fact]
    public async Task AHostOnTheWayThatForwardsNothingIsNamed()
    {
        await using PrivateSshd jump = await PrivateSshd.StartAsync(new PrivateSshdOptions { OverrideLines = ["AllowTcpForwarding no"] });
        await using PrivateSshd sshd = await PrivateSshd.StartAsync();
        TransportException e = await Assert.ThrowsAsync<TransportException>(() => sshd.ConnectAsync(o => o with
        {
            IdentityFiles = [jump.ClientKeyPath, sshd.ClientKeyPath],
            HostKeyCheck = HostKeyCheck.No,
            ProxyJump = $"{PrivateSshd.User}@127.0.0.1:{jump.Port}",
        }));
        Assert.EndsWith($"127.0.0.1:{sshd.Port} does not answer through {PrivateSshd.User}@127.0.0.1:{jump.Port}", e.Message, StringComparison.Ordinal);
        Assert.Contains("AllowTcpForwarding", e.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AKeyAndAPasswordMayBothBeNeeded()
    {
        using var user = new TemporaryUser(password: "p4ss");
        await using PrivateSshd sshd = await PrivateSshd.StartAsync(new PrivateSshdOptions
        {
            PasswordAuthentication = true,
            ExtraLines = ["AuthenticationMethods publickey,password"],
        });
        TemporaryUser.Open(sshd);
        await using SshSession session = await sshd.ConnectAsync(o => o with { PasswordProvider = _ => "p4ss" }, user.Name);
        Assert.Equal(user.Name + "\n", (await session.RunAsync("id -un")).OutputText);
    }

    [Fact]
    public async Task WhoeverDoesNotListenIsNamed()
    {
        int port;
        await using (PrivateSshd sshd = await PrivateSshd.StartAsync())
        {
            port = sshd.Port;
        }

        TransportException e = await Assert.ThrowsAsync<TransportException>(() =>
            SshConnector.ConnectAsync(new SshTarget("127.0.0.1", port, "u"), new SshOptions { ConfigFile = "none", AgentSocket = "" }));
        Assert.Equal(255, e.ExitCode);
        Assert.Contains($"u@127.0.0.1:{port} refuses the connection", e.Message);
    }

    [Fact]
    public async Task AnUnknownNameIsNamed()
    {
        TransportException e = await Assert.ThrowsAsync<TransportException>(() =>
            SshConnector.ConnectAsync(new SshTarget("no-such-host.invalid", 22, "u"), new SshOptions { ConfigFile = "none", AgentSocket = "" }));
        Assert.Contains("no-such-host.invalid cannot be resolved", e.Message);
    }

    [Fact]
    public async Task AServerThatSaysNothingIsGivenUp()
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        int port = ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
        TransportException e = await Assert.ThrowsAsync<TransportException>(() => SshConnector.ConnectAsync(new SshTarget("127.0.0.1", port, "u"),
            new SshOptions { ConfigFile = "none", AgentSocket = "", ConnectTimeout = TimeSpan.FromMilliseconds(300) }));
        Assert.Equal(255, e.ExitCode);
        Assert.Contains("does not answer", e.Message);
    }
}
