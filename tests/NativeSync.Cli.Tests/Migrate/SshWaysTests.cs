using System.Net;
using System.Net.Sockets;
using System.Text;
using NativeSync.Cli.Migrate;
using NativeSync.Engine;
using NativeSync.Migration.Configuration;

namespace NativeSync.Cli.Tests.Migrate;

/// <summary>The ways on which a migration's SSH connections get out.</summary>
public sealed class SshWaysTests
{
    [Fact]
    public void WhatIsWrongWithTheWayIsToldWithAllElseAndNothingOfAProxyIsRepeated()
    {
        string directory = Directory.CreateTempSubdirectory("ns-way-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(directory, "user.json"), "{}");
            File.WriteAllText(Path.Combine(directory, "client.json"), """
                { "Client.Net.Mode": 9,
                  "Client.Ssh.ProxyJump": "me@gate,:22",
                  "Client.Ssh.Proxy": "ftp://u:s3cret@gate" }
                """);
            ConfigException e = Assert.Throws<ConfigException>(() => new ToolDirectory(directory).Load(SshWays.Check));
            Assert.Equal([(1, "Client.Net.Mode"), (3, "Client.Ssh.Proxy"), (2, "Client.Ssh.ProxyJump")], e.Problems.Where(p => p.File == "client.json").Select(p => (p.Line, p.Key)));
            Assert.Contains(e.Problems, p => p.File == "user.json");
            Assert.DoesNotContain("s3cret", e.Message, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>Silence of the end is an answer; a jump host or a proxy that fails is not.</summary>
    [Theory]
    [InlineData("HTTP/1.0 407 Who are you\r\n\r\n", "refuses the login", TransportFault.Login)]
    [InlineData("HTTP/1.0 403 Forbidden\r\n\r\n", "does not connect to", TransportFault.Other)]
    [InlineData("HTTP/1.0 503 Service Unavailable\r\n\r\n", null, TransportFault.Other)]
    [InlineData("HTTP/1.0 200 OK\r\n\r\n", null, TransportFault.Other)]
    public async Task AProxyThatFailsIsNotTakenForTheEnd(string answer, string? expected, TransportFault fault)
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        Task serving = ServeAsync();
        string proxy = $"127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}";
        Task<bool> looking = LookAsync(new SshWay(null, $"http://u:s3cret@{proxy}"));
        if (expected is null)
        {
            Assert.False(await looking);
        }
        else
        {
            TransportException e = await Assert.ThrowsAsync<TransportException>(() => looking);
            Assert.StartsWith($"the proxy http://{proxy} {expected}", e.Message, StringComparison.Ordinal);
            Assert.Equal((fault, true), (e.Fault, e.IsOnTheWay));
        }

        await serving;

        async Task ServeAsync()
        {
            using TcpClient client = await listener.AcceptTcpClientAsync();
            // All of the request: what is left unread when a connection is closed resets it, and takes the answer along.
            var request = new StringBuilder();
            byte[] buffer = new byte[1024];
            while (!request.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal) && await client.GetStream().ReadAsync(buffer) is > 0 and var count)
            {
                request.Append(Encoding.ASCII.GetString(buffer, 0, count));
            }

            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(answer));
        }
    }

    [Fact]
    public async Task AJumpHostThatFailsIsNotTakenForTheEnd()
    {
        using Socket silent = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        silent.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        int closed = ((IPEndPoint)silent.LocalEndPoint!).Port;
        TransportException e = await Assert.ThrowsAsync<TransportException>(() => LookAsync(new SshWay($"me@127.0.0.1:{closed}", null)));
        Assert.EndsWith($"@192.0.2.1:22: me@127.0.0.1:{closed} refuses the connection", e.Message, StringComparison.Ordinal);
    }

    /// <summary>Whoever is asked here answers at once, however busy the machine is: the limit only keeps what stands still from being endless.</summary>
    private static Task<bool> LookAsync(SshWay way) => new ReachabilityOnAWay(way).AnswersAsync("192.0.2.1", 22, TimeSpan.FromMinutes(2), CancellationToken.None);
}
