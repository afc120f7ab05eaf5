using NativeSync.Engine;
using NativeSync.TestKit;

namespace NativeSync.Transport.Tests;

public sealed class SshConfigTests : IDisposable
{
    private readonly string _home = Directory.CreateTempSubdirectory("nativesync-home-").FullName;

    public SshConfigTests() => Directory.CreateDirectory(Path.Combine(_home, ".ssh"));

    public void Dispose() => Directory.Delete(_home, recursive: true);

    [Fact]
    public void TheFirstValueWins()
    {
        ResolvedHost host = Resolve("web", """
            Host web
              HostName web.example.com
              Port 2200
            Host *
              Port 22
              User deploy
            """);
        Assert.Equal(("web.example.com", 2200, "deploy"), (host.HostName, host.Port, host.User));
    }

    [Fact]
    public void TheCommandLineWinsOverTheFile()
    {
        ResolvedHost host = Resolve(new SshTarget("web", 1234, "me"), "Host web\n Port 2200\n User you\n");
        Assert.Equal((1234, "me"), (host.Port, host.User));
    }

    [Fact]
    public void PatternsAndNegationAreHonoured()
    {
        const string config = "Host *.example.com !bad.example.com\n User good\nHost *\n User other\n";
        Assert.Equal("good", Resolve("a.example.com", config).User);
        Assert.Equal("other", Resolve("bad.example.com", config).User);
    }

    [Fact]
    public void TokensAreExpanded()
    {
        ResolvedHost host = Resolve("web", "Host web\n HostName %h.example.com\n User u\n IdentityFile ~/keys/%r@%h\n IdentityFile %d/second\n");
        Assert.Equal("web.example.com", host.HostName);
        Assert.Equal([$"{_home}/keys/u@web.example.com", $"{_home}/second"], host.Identities);
    }

    [Fact]
    public void QuotesEqualSignsCommentsAndUnknownWordsAreUnderstood()
    {
        ResolvedHost host = Resolve("web", "host=web\n  port = 2200 # ssh\n  UserKnownHostsFile \"/a b/known\" /c\n  Frobnicate yes\n  StrictHostKeyChecking accept-new\n  ConnectTimeout 7\n  IdentitiesOnly yes\n");
        Assert.Equal(2200, host.Port);
        Assert.Equal(["/a b/known", "/c"], host.UserKnownHosts);
        Assert.Equal(HostKeyCheck.AcceptNew, host.HostKeyCheck);
        Assert.Equal(TimeSpan.FromSeconds(7), host.Timeout);
        Assert.True(host.IdentitiesOnly);
    }

    [Fact]
    public void MatchBlocksArePassedOver()
    {
        ResolvedHost host = Resolve("web", "Match user root\n Port 1\nMatch all\n User all\nHost web\n Port 2200\n");
        Assert.Equal((2200, "all"), (host.Port, host.User));
    }

    [Fact]
    public void IncludedFilesCount()
    {
        Directory.CreateDirectory(Path.Combine(_home, ".ssh", "conf.d"));
        File.WriteAllText(Path.Combine(_home, ".ssh", "conf.d", "a.conf"), "Host web\n Port 2200\n");
        Assert.Equal(2200, Resolve("web", "Include conf.d/*.conf\nHost *\n Port 22\n").Port);
    }

    [Fact]
    public void AnIncludeInACircleEnds()
    {
        Assert.Equal(22, Resolve("web", "Include config\n").Port);
    }

    [Fact]
    public void JumpsAreRead()
    {
        ResolvedHost host = Resolve("web", "Host web\n ProxyJump me@gate:2222,inner\n");
        Assert.Equal([new SshTarget("gate", 2222, "me"), new SshTarget("inner")], host.Jumps);
        Assert.Empty(Resolve("web", "ProxyJump none\n").Jumps);
    }

    [Fact]
    public void DefaultsAreThoseOfOpenSsh()
    {
        File.WriteAllText(Path.Combine(_home, ".ssh", "id_rsa"), "");
        ResolvedHost host = Resolve("web", "");
        Assert.Equal(22, host.Port);
        Assert.Equal(Environment.UserName, host.User);
        Assert.Equal([Path.Combine(_home, ".ssh", "id_rsa")], host.FallbackIdentities);
        Assert.Equal(HostKeyCheck.Yes, host.HostKeyCheck);
        Assert.Contains(Path.Combine(_home, ".ssh", "known_hosts"), host.UserKnownHosts);
        Assert.Contains("/etc/ssh/ssh_known_hosts", host.SystemKnownHosts);
    }

    [Fact]
    public void AFileThatIsNamedMustExist()
    {
        TransportException e = Assert.Throws<TransportException>(() => ResolvedHost.Resolve(new SshTarget("web"), new SshOptions { ConfigFile = "/nonexistent", HomeDirectory = _home }));
        Assert.Equal(1, e.ExitCode);
    }

    [Theory]
    [InlineData("host", "host", null, null)]
    [InlineData("me@host:22", "host", 22, "me")]
    [InlineData("[::1]:2222", "::1", 2222, null)]
    [InlineData("fe80::1", "fe80::1", null, null)]
    [InlineData("a@b@host", "host", null, "a@b")]
    public void TargetsAreParsed(string text, string host, int? port, string? user) => Assert.Equal(new SshTarget(host, port, user), SshTarget.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("@host")]
    [InlineData("host:0")]
    [InlineData("host:x")]
    [InlineData("[::1")]
    public void NonsenseIsNoTarget(string text) => Assert.Null(SshTarget.Parse(text));

    [Fact]
    public async Task AnAliasReachesARealServer()
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync();
        string config = Path.Combine(_home, ".ssh", "config");
        await File.WriteAllTextAsync(config, $"""
            Host alias
              HostName 127.0.0.1
              Port {sshd.Port}
              User {PrivateSshd.User}
              IdentityFile {sshd.ClientKeyPath}
              UserKnownHostsFile {sshd.KnownHostsPath}
            """);
        await using SshSession session = await SshConnector.ConnectAsync(new SshTarget("alias"), new SshOptions { ConfigFile = config, AgentSocket = "", HomeDirectory = _home });
        Assert.Equal("ok\n", (await session.RunAsync("echo ok")).OutputText);
    }

    [Fact]
    public async Task AJumpHostIsGoneThroughAndTheTargetsKeyIsCheckedByItsOwnName()
    {
        await using PrivateSshd gate = await PrivateSshd.StartAsync();
        await using PrivateSshd target = await PrivateSshd.StartAsync();
        string config = Path.Combine(_home, ".ssh", "config");
        await File.WriteAllTextAsync(config, $"""
            Host gate
              HostName 127.0.0.1
              Port {gate.Port}
              IdentityFile {gate.ClientKeyPath}
              UserKnownHostsFile {gate.KnownHostsPath}
            Host inner
              HostName 127.0.0.1
              Port {target.Port}
              IdentityFile {target.ClientKeyPath}
              UserKnownHostsFile {target.KnownHostsPath}
              ProxyJump gate
            """);
        var options = new SshOptions { ConfigFile = config, AgentSocket = "", HomeDirectory = _home };
        await using (SshSession session = await SshConnector.ConnectAsync(new SshTarget("inner"), options))
        {
            Assert.Equal(target.HostPublicKey, session.HostKey);
            Assert.Equal("ok\n", (await session.RunAsync("echo ok")).OutputText);
            byte[] big = new byte[5_000_000];
            Random.Shared.NextBytes(big);
            Assert.Equal(big, (await session.RunAsync("cat", big)).Output);
        }

        Assert.Equal(1, await gate.LoggedAsync("Accepted publickey", 1));
        target.WriteKnownHosts(gate.HostPublicKey);
        TransportException e = await Assert.ThrowsAsync<TransportException>(() => SshConnector.ConnectAsync(new SshTarget("inner"), options));
        Assert.Contains($"[127.0.0.1]:{target.Port} has changed", e.Message);
    }

    /// <summary>As with ssh -J: what the configuration says of the first host on the way counts, of the others it does not.</summary>
    [Theory]
    [InlineData("gate")]
    [InlineData("gate,middle")]
    public async Task AJumpHostMayBeBehindAnotherOne(string jumps)
    {
        await using PrivateSshd outer = await PrivateSshd.StartAsync();
        await using PrivateSshd gate = await PrivateSshd.StartAsync();
        await using PrivateSshd target = await PrivateSshd.StartAsync();
        string config = Path.Combine(_home, ".ssh", "config");
        await File.WriteAllTextAsync(config, $"""
            Host outer
              Port {outer.Port}
              IdentityFile {outer.ClientKeyPath}
              UserKnownHostsFile {outer.KnownHostsPath}
            Host gate middle
              Port {gate.Port}
              IdentityFile {gate.ClientKeyPath}
              UserKnownHostsFile {gate.KnownHostsPath}
            Host gate
              ProxyJump outer
            Host middle
              ProxyJump nobody.invalid
            Host *
              HostName 127.0.0.1
            """);
        SshOptions through = target.Options() with { ProxyJump = jumps, Jump = new SshOptions { ConfigFile = config, AgentSocket = "", HomeDirectory = _home } };
        await using SshSession session = await SshConnector.ConnectAsync(target.Target(), through, TestContext.Limit());
        Assert.Equal("ok\n", (await session.RunAsync("echo ok")).OutputText);
        Assert.Equal(1, await outer.LoggedAsync("Accepted publickey", 1));
        Assert.Equal(jumps.Split(',').Length, await gate.LoggedAsync("Accepted publickey", jumps.Split(',').Length));
    }

    [Fact]
    public async Task AConfigurationThatJumpsInACircleIsToldAndNotFollowed()
    {
        string config = Path.Combine(_home, ".ssh", "config");
        await File.WriteAllTextAsync(config, "Host *\n ProxyJump gate\n");
        SshOptions jump = new() { ConfigFile = config, AgentSocket = "", HomeDirectory = _home };
        foreach (SshOptions options in new[] { jump, jump with { ConfigFile = "none", ProxyJump = "gate", Jump = jump } })
        {
            TransportException e = await Assert.ThrowsAsync<TransportException>(() => SshConnector.ConnectAsync(new SshTarget("web"), options, TestContext.Limit()));
            Assert.Equal((1, true), (e.ExitCode, e.IsOnTheWay));
            Assert.EndsWith(": more than 8 hosts to jump through", e.Message);
        }
    }

    [Fact]
    public async Task AJumpHostThatFailsIsNamedAsSuch()
    {
        await using PrivateSshd gate = await PrivateSshd.StartAsync();
        await using PrivateSshd target = await PrivateSshd.StartAsync();
        string way = $"{PrivateSshd.User}@127.0.0.1:{gate.Port}";
        SshOptions through = target.Options() with { ProxyJump = way, Jump = gate.Options() with { IdentityFiles = [target.ClientKeyPath] } };
        TransportException e = await Assert.ThrowsAsync<TransportException>(() => SshConnector.ConnectAsync(target.Target(), through, TestContext.Limit()));
        Assert.StartsWith($"on the way to {PrivateSshd.User}@127.0.0.1:{target.Port}: {way} refuses the login (", e.Message);
        Assert.Equal((TransportFault.Login, true), (e.Fault, e.IsOnTheWay));

        // The end's own refusal is the end's.
        through = through with { Jump = gate.Options(), IdentityFiles = [gate.ClientKeyPath] };
        e = await Assert.ThrowsAsync<TransportException>(() => SshConnector.ConnectAsync(target.Target(), through, TestContext.Limit()));
        Assert.Equal((TransportFault.Login, false), (e.Fault, e.IsOnTheWay));
    }

    private ResolvedHost Resolve(string host, string config) => Resolve(new SshTarget(host), config);

    private ResolvedHost Resolve(SshTarget target, string config)
    {
        string path = Path.Combine(_home, ".ssh", "config");
        File.WriteAllText(path, config);
        return ResolvedHost.Resolve(target, new SshOptions { ConfigFile = path, HomeDirectory = _home, AgentSocket = "" });
    }
}
