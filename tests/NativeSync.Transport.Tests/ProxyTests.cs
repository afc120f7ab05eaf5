using System.Diagnostics;
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
        int port = FreePort();
        using Process proxy = Process.Start(new ProcessStartInfo("ssh",
            [.. sshd.SshArguments, "-N", "-D", $"127.0.0.1:{port}", "-o", "ExitOnForwardFailure=yes", $"{PrivateSshd.User}@{PrivateSshd.Host}"]))!;
        try
        {
            await WaitAsync(port, proxy);
            await using SshSession session = await sshd.ConnectAsync(o => o with { Proxy = SshProxy.Parse($"socks5://127.0.0.1:{port}") });
            Assert.Equal("out\n", (await session.RunAsync("echo out")).OutputText);

            // The proxy's own connection, and ours from the server's side of it.
            Assert.Equal(2, sshd.Log.Split("Accepted publickey").Length - 1);
        }
        finally
        {
            proxy.Kill();
        }
    }

    [Theory]
    [InlineData("user", "secret1", true)]
    [InlineData("user", "wrong-secret", false)]
    [InlineData("", "", false)]
    public async Task ASocksProxyThatAsksForAPasswordIsGivenIt(string user, string password, bool allowed)
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync();
        int port = FreePort();
        using Process proxy = Process.Start(new ProcessStartInfo("microsocks", ["-i", "127.0.0.1", "-p", port.ToString(CultureInfo.InvariantCulture), "-u", "user", "-P", "secret1"]))!;
        try
        {
            await WaitAsync(port, proxy);
            Task<SshSession> connecting = sshd.ConnectAsync(o => o with { Proxy = new SshProxy(true, "127.0.0.1", port, user, password) });
            if (!allowed)
            {
                TransportException e = await Assert.ThrowsAsync<TransportException>(() => connecting);
                Assert.Equal(255, e.ExitCode);
                Assert.DoesNotContain("wrong-secret", e.ToString(), StringComparison.Ordinal);
                return;
            }

            await using SshSession session = await connecting;
            Assert.Equal("out\n", (await session.RunAsync("echo out")).OutputText);
        }
        finally
        {
            proxy.Kill();
        }
    }

    /// <summary>A host on the way is reached through the proxy, too, and logged in to in a way of its own.</summary>
    [Fact]
    public async Task BehindAProxyThereMayBeAJumpHostWithALoginOfItsOwn()
    {
        await using PrivateSshd gate = await PrivateSshd.StartAsync();
        await using PrivateSshd target = await PrivateSshd.StartAsync();
        int port = FreePort();
        using Process proxy = Process.Start(new ProcessStartInfo("microsocks", ["-i", "127.0.0.1", "-p", port.ToString(CultureInfo.InvariantCulture)]))!;
        try
        {
            await WaitAsync(port, proxy);
            SshOptions through = target.Options() with { Proxy = SshProxy.Parse($"socks5://127.0.0.1:{port}"), ProxyJump = $"{PrivateSshd.User}@127.0.0.1:{gate.Port}", Jump = gate.Options() };
            await using SshSession session = await SshConnector.ConnectAsync(target.Target(), through, TestContext.Limit());
            Assert.Equal("out\n", (await session.RunAsync("echo out")).OutputText);
            Assert.Contains("Accepted publickey", gate.Log, StringComparison.Ordinal);

            // The target's key does not open the gate, nor is the gate known to those who only know the target.
            await Assert.ThrowsAsync<TransportException>(() => SshConnector.ConnectAsync(target.Target(), through with { Jump = null }, TestContext.Limit()));
        }
        finally
        {
            proxy.Kill();
        }
    }

    [Theory]
    [InlineData("", "", true)]
    [InlineData("user", "secret1", true)]
    [InlineData("user", "wrong", false)]
    public async Task AnHttpProxyLeadsToTheServer(string user, string password, bool allowed)
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync();
        int port = FreePort();
        string configuration = Path.Combine(sshd.DirectoryPath, "tinyproxy.conf");
        await File.WriteAllTextAsync(configuration, string.Create(CultureInfo.InvariantCulture,
            $"Port {port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 10\nConnectPort {sshd.Port}\n{(user.Length > 0 ? "BasicAuth user secret1\n" : "")}"));
        using Process proxy = Process.Start(new ProcessStartInfo("tinyproxy", ["-d", "-c", configuration]) { RedirectStandardOutput = true })!;
        try
        {
            await WaitAsync(port, proxy);
            Task<SshSession> connecting = sshd.ConnectAsync(o => o with { Proxy = new SshProxy(false, "127.0.0.1", port, user, password) });
            if (!allowed)
            {
                TransportException e = await Assert.ThrowsAsync<TransportException>(() => connecting);
                Assert.DoesNotContain("wrong", e.Message, StringComparison.Ordinal);
                return;
            }

            await using SshSession session = await connecting;
            Assert.Equal("out\n", (await session.RunAsync("echo out")).OutputText);
        }
        finally
        {
            proxy.Kill();
        }
    }

    [Fact]
    public async Task AProxyThatIsNotThereIsOneClearLine()
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync();
        TransportException e = await Assert.ThrowsAsync<TransportException>(() => sshd.ConnectAsync(o => o with { Proxy = SshProxy.Parse($"http://u:s3cret@127.0.0.1:{FreePort()}") }));
        Assert.Equal(255, e.ExitCode);
        Assert.DoesNotContain('\n', e.Message);
        Assert.DoesNotContain("s3cret", e.ToString(), StringComparison.Ordinal);
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

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static async Task WaitAsync(int port, Process proxy)
    {
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (await poll.WaitForNextTickAsync(TestContext.Limit()))
        {
            Assert.False(proxy.HasExited, string.Create(CultureInfo.InvariantCulture, $"the proxy ended with {(proxy.HasExited ? proxy.ExitCode : 0)}"));
            using var client = new TcpClient();
            try
            {
                await client.ConnectAsync(IPAddress.Loopback, port);
                return;
            }
            catch (SocketException)
            {
                // Not yet.
            }
        }
    }
}
