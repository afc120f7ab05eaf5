using System.Globalization;
using System.Net;
using System.Net.Sockets;
using NativeSync.Engine;
using NativeSync.TestKit;

namespace NativeSync.Transport.Tests;

/// <summary>SSH through real proxies: tinyproxy, microsocks, and OpenSSH's SOCKS server.</summary>
public sealed class ProxyTests
{
    [Fact]
    public async Task ASocksProxyLeadsToTheServer()
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync();
        using LocalProxy proxy = await LocalProxy.StartAsync(
            port => ["ssh", .. sshd.SshArguments, "-N", "-D", $"127.0.0.1:{port}", "-o", "ExitOnForwardFailure=yes", $"{PrivateSshd.User}@{PrivateSshd.Host}"]);
        await using SshSession session = await sshd.ConnectAsync(o => o with { Proxy = SshProxy.Parse($"socks5://127.0.0.1:{proxy.Port}") });
        Assert.Equal("out\n", (await session.RunAsync("echo out")).OutputText);

        // The proxy's own connection, and ours from the server's side of it.
        Assert.Equal(2, await sshd.LoggedAsync("Accepted publickey", 2));
    }

    [Theory]
    [InlineData("user", "secret1", true)]
    [InlineData("user", "wrong-secret", false)]
    [InlineData("", "", false)]
    public async Task ASocksProxyThatAsksForAPasswordIsGivenIt(string user, string password, bool allowed)
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync();
        using LocalProxy proxy = await LocalProxy.StartAsync(port => ["microsocks", "-i", "127.0.0.1", "-p", port, "-u", "user", "-P", "secret1"]);
        Task<SshSession> connecting = sshd.ConnectAsync(o => o with { Proxy = new SshProxy(true, "127.0.0.1", proxy.Port, user, password) });
        if (!allowed)
        {
            TransportException e = await Assert.ThrowsAsync<TransportException>(() => connecting);
            Assert.Equal((255, TransportFault.Login, true), (e.ExitCode, e.Fault, e.IsOnTheWay));
            Assert.StartsWith(string.Create(CultureInfo.InvariantCulture, $"the proxy socks5://127.0.0.1:{proxy.Port} refuses the login: "), e.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("wrong-secret", e.ToString(), StringComparison.Ordinal);
            return;
        }

        await using SshSession session = await connecting;
        Assert.Equal("out\n", (await session.RunAsync("echo out")).OutputText);
    }

    /// <summary>A host on the way is reached through the proxy, too, and logged in to in a way of its own.</summary>
    [Fact]
    public async Task BehindAProxyThereMayBeAJumpHostWithALoginOfItsOwn()
    {
        await using PrivateSshd gate = await PrivateSshd.StartAsync();
        await using PrivateSshd target = await PrivateSshd.StartAsync();
        using LocalProxy proxy = await LocalProxy.StartAsync(port => ["microsocks", "-i", "127.0.0.1", "-p", port]);
        SshOptions through = target.Options() with { Proxy = SshProxy.Parse($"socks5://127.0.0.1:{proxy.Port}"), ProxyJump = $"{PrivateSshd.User}@127.0.0.1:{gate.Port}", Jump = gate.Options() };
        await using SshSession session = await SshConnector.ConnectAsync(target.Target(), through, TestContext.Limit());
        Assert.Equal("out\n", (await session.RunAsync("echo out")).OutputText);
        Assert.Equal(1, await gate.LoggedAsync("Accepted publickey", 1));

        // The target's key does not open the gate, nor is the gate known to those who only know the target.
        await Assert.ThrowsAsync<TransportException>(() => SshConnector.ConnectAsync(target.Target(), through with { Jump = null }, TestContext.Limit()));
    }

    [Theory]
    [InlineData("", "", true)]
    [InlineData("user", "secret1", true)]
    [InlineData("user", "wrong", false)]
    public async Task AnHttpProxyLeadsToTheServer(string user, string password, bool allowed)
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync();
        string configuration = Path.Combine(sshd.DirectoryPath, "tinyproxy.conf");
        using LocalProxy proxy = await LocalProxy.StartAsync(port =>
        {
            File.WriteAllText(configuration, string.Create(CultureInfo.InvariantCulture,
                $"Port {port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 10\nConnectPort {sshd.Port}\n{(user.Length > 0 ? "BasicAuth user secret1\n" : "")}"));
            return ["tinyproxy", "-d", "-c", configuration];
        });
        Task<SshSession> connecting = sshd.ConnectAsync(o => o with { Proxy = new SshProxy(false, "127.0.0.1", proxy.Port, user, password) });
        if (!allowed)
        {
            TransportException e = await Assert.ThrowsAsync<TransportException>(() => connecting);
            Assert.Equal((TransportFault.Login, true), (e.Fault, e.IsOnTheWay));
            Assert.StartsWith(string.Create(CultureInfo.InvariantCulture, $"the proxy http://127.0.0.1:{proxy.Port} refuses the login: HTTP: Status code 40"), e.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("wrong", e.Message, StringComparison.Ordinal);
            return;
        }

        await using SshSession session = await connecting;
        Assert.Equal("out\n", (await session.RunAsync("echo out")).OutputText);
    }

    [Theory]
    [InlineData("http")]
    [InlineData("socks5")]
    public async Task AProxyThatIsNotThereIsOneClearLineThatNamesIt(string kind)
    {
        // Bound by somebody who does not listen: nobody else can take it meanwhile and answer.
        using Socket silent = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        silent.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        int port = ((IPEndPoint)silent.LocalEndPoint!).Port;
        SshProxy proxy = SshProxy.Parse(string.Create(CultureInfo.InvariantCulture, $"{kind}://u:s3cret@127.0.0.1:{port}"));
        TransportException e = await FailAsync(proxy, new SshTarget("192.0.2.1"));
        Assert.Equal(string.Create(CultureInfo.InvariantCulture, $"the proxy {kind}://127.0.0.1:{port} refuses the connection"), e.Message);
        Assert.Equal((255, true), (e.ExitCode, e.IsOnTheWay));
        Assert.DoesNotContain("s3cret", e.ToString(), StringComparison.Ordinal);
    }

    /// <summary>What a proxy answers tells who is at fault: itself, or what lies behind it. Either way it is named.</summary>
    [Theory]
    [InlineData("http", "HTTP/1.0 403 Forbidden\r\n\r\n", "the proxy PROXY does not connect to root@192.0.2.1:22: HTTP: Status code 403", true)]
    [InlineData("http", "HTTP/1.0 503 Service Unavailable\r\n\r\n", "the proxy PROXY does not reach root@192.0.2.1:22: HTTP: Status code 503", false)]
    [InlineData("http", "HTTP/1.0 200 OK\r\n\r\n", "root@192.0.2.1:22, through the proxy PROXY: ", false)]
    [InlineData("socks5", "\u0005\0\u0005\u0002\0\u0001\0\0\0\0\0\0", "the proxy PROXY does not connect to root@192.0.2.1:22: SOCKS5: Connection not allowed", true)]
    [InlineData("socks5", "\u0005\0\u0005\u0005\0\u0001\0\0\0\0\0\0", "the proxy PROXY does not reach root@192.0.2.1:22: SOCKS5: Connection refused", false)]
    [InlineData("socks5", "SSH-2.0-OpenSSH\r\n", "the proxy PROXY does not connect to root@192.0.2.1:22: SOCKS", true)]
    public async Task WhoFailsBehindAProxyIsTold(string kind, string answer, string expected, bool onTheWay)
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        Task serving = ServeAsync();
        SshProxy proxy = SshProxy.Parse($"{kind}://{listener.LocalEndpoint}");
        TransportException e = await FailAsync(proxy, new SshTarget("192.0.2.1", 22, "root"));
        await serving;
        Assert.StartsWith(expected.Replace("PROXY", proxy.ToString(), StringComparison.Ordinal), e.Message, StringComparison.Ordinal);
        Assert.Equal((255, onTheWay), (e.ExitCode, e.IsOnTheWay));

        async Task ServeAsync()
        {
            using TcpClient client = await listener.AcceptTcpClientAsync(TestContext.Limit());
            NetworkStream stream = client.GetStream();
            await stream.WriteAsync(System.Text.Encoding.Latin1.GetBytes(answer));
            client.Client.Shutdown(SocketShutdown.Send);
            byte[] rest = new byte[512];
            try
            {
                while (await stream.ReadAsync(rest, TestContext.Limit()) > 0)
                {
                }
            }
            catch (IOException)
            {
                // The other end has gone.
            }
        }
    }

    [Theory]
    [InlineData("http://u:p%40ss@proxy.example:3128", false, "proxy.example", 3128, "u", "p@ss")]
    [InlineData("socks5://10.0.0.1:1080", true, "10.0.0.1", 1080, "", "")]
    public void AProxyIsReadFromItsAddress(string text, bool socks, string host, int port, string user, string password)
    {
        SshProxy proxy = SshProxy.Parse(text);
        Assert.Equal(new SshProxy(socks, host, port, user, password), proxy);
        Assert.DoesNotContain("p@ss", proxy.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("proxy:3128")]
    [InlineData("ftp://proxy:21")]
    [InlineData("socks5://proxy")]
    [InlineData("http://u:secret@proxy:80/path")]
    public void WhatIsNoneIsRefusedAndNotRepeated(string text)
    {
        TransportException e = Assert.Throws<TransportException>(() => SshProxy.Parse(text));
        Assert.Equal(1, e.ExitCode);
        Assert.DoesNotContain("secret", e.ToString(), StringComparison.Ordinal);
    }

    private static Task<TransportException> FailAsync(SshProxy proxy, SshTarget target) => Assert.ThrowsAsync<TransportException>(
        () => SshConnector.ConnectAsync(target, new SshOptions { ConfigFile = "none", AgentSocket = "", Proxy = proxy }, TestContext.Limit()));
}
