using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using NativeSync.Migration.Api;
using NativeSync.TestKit;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests.Cloud;

/// <summary>The guide's private modes, where who reaches what is decided by the network and not by us.</summary>
public sealed class NetworkModeTests
{
    [Fact]
    public async Task InScenario1OnlyTheGatewayReachesTheApiAndOnlyTheSourceTheDataPort()
    {
        await using NetworkLab network = await NetworkLab.CreateAsync(gateway: false);
        await using CloudLab lab = await CloudLab.CreateAsync(network: network.Destination, address: NetworkLab.DestinationAddress);
        using SmallServer source = new();
        string gateway = lab.Scratch["gateway"], server = lab.Scratch["source"], back = lab.Scratch["back"];
        lab.WriteTool(gateway, mode: 1, client: new JsonObject { ["Client.Source.Root"] = source.Root });

        CommandResult first = (await Command.RunAsync([gateway + "/nativesync"])).MustExit(0);
        Assert.EndsWith("\nStage 1 is finished and please run next stage at source machine.\n", first.Output, StringComparison.Ordinal);
        Assert.Equal(InstanceStates.RescueMode, lab.Instance.State);
        Assert.Equal(0, (await network.OnSourceAsync("/bin/bash", "-c", $"exec 3<>/dev/tcp/{NetworkLab.DestinationAddress}/22")).ExitCode);
        Assert.NotEqual(0, (await network.OnSourceAsync("/bin/bash", "-c", $"exec 3<>/dev/tcp/127.0.0.1/{lab.Simulator.Port}")).ExitCode);

        Assert.False(await ReachesAsync(NetworkLab.DestinationAddress, 22));

        await CopyAsync(gateway, server);
        CommandResult second = (await network.OnSourceAsync(server + "/nativesync")).MustExit(0);
        Assert.EndsWith("\nStage 2 is finished and please run next stage at gateway machine.\n", second.Output, StringComparison.Ordinal);

        await CopyAsync(server, back);
        CommandResult third = (await Command.RunAsync([back + "/nativesync"])).MustExit(0);
        Assert.EndsWith("\nMigrate successfully.\n", third.Output, StringComparison.Ordinal);
        await JudgeAsync(lab, source);
    }

    [Fact]
    public async Task InScenario2TheDataGoesToThePrivateAddress()
    {
        await using CloudLab lab = await CloudLab.CreateAsync(address: "127.0.0.1");
        using SmallServer source = new();
        lab.WriteTool(lab.Scratch["tool"], mode: 2, client: new JsonObject { ["Client.Source.Root"] = source.Root });
        CommandResult done = (await Command.RunAsync([lab.Scratch["tool"] + "/nativesync"])).MustExit(0);
        Assert.EndsWith("\nMigrate successfully.\n", done.Output, StringComparison.Ordinal);
        await JudgeAsync(lab, source);
    }

    [Fact]
    public async Task InScenario3TheApiIsReachedThroughTinyproxyWithAPasswordAndTheDataIsNot()
    {
        await using NetworkLab network = await NetworkLab.CreateAsync(gateway: true);
        await using CloudLab lab = await CloudLab.CreateAsync(network: network.Destination, address: NetworkLab.DestinationAddress);
        using SmallServer source = new();
        string tool = lab.Scratch["tool"], log = lab.Scratch["tinyproxy.log"];
        await using TlsFront api = new(lab.Simulator.Port, lab.Scratch["ca.pem"]);
        using Process proxy = await StartTinyproxyAsync(lab, log, out int port);
        try
        {
            WriteTool("wrong_password");
            CommandResult refused = await network.OnSourceAsync(tool + "/nativesync");
            Assert.Equal(1, refused.ExitCode);
            Assert.Equal("nativesync: " + DocumentedMessages.Of("proxy refuses the password"), refused.ErrorLines[0]);

            WriteTool("right_password");
            CommandResult done = (await network.OnSourceAsync(tool + "/nativesync")).MustExit(0);
            Assert.EndsWith("\nMigrate successfully.\n", done.Output, StringComparison.Ordinal);
            await JudgeAsync(lab, source);
            string[] asked = [.. File.ReadLines(log).Where(l => l.Contains("Request (file descriptor", StringComparison.Ordinal))];
            Assert.NotEmpty(asked);
            Assert.All(asked, l => Assert.Contains($"CONNECT {api.Endpoint["https://".Length..]} HTTP", l, StringComparison.Ordinal));
        }
        finally
        {
            proxy.Kill();
            await proxy.WaitForExitAsync();
        }

        void WriteTool(string password) => lab.WriteTool(tool, mode: 3, client: new JsonObject
        {
            ["Client.Api.Endpoint"] = api.Endpoint,
            ["Client.Api.CaFile"] = lab.Scratch["ca.pem"],
            ["Client.Source.Root"] = source.Root,
            ["Client.Net.Proxy.Ip"] = NetworkLab.GatewayAddress,
            ["Client.Net.Proxy.Port"] = port.ToString(CultureInfo.InvariantCulture),
            ["Client.Net.Proxy.User"] = "migration",
            ["Client.Net.Proxy.Password"] = password,
        });
    }

    [Fact]
    public async Task InScenario3SquidIsAProxyLikeAnyOtherAndWhatItRefusesIsTold()
    {
        await using NetworkLab network = await NetworkLab.CreateAsync(gateway: true);
        await using CloudLab lab = await CloudLab.CreateAsync(network: network.Destination, address: NetworkLab.DestinationAddress);
        using SmallServer source = new();
        string tool = lab.Scratch["tool"];
        await using TlsFront api = new(lab.Simulator.Port, lab.Scratch["ca.pem"]);
        int closed = FreePort(), port = FreePort();
        await using (Squid squid = await Squid.StartAsync(port, allowed: [new Uri(api.Endpoint).Port, closed]))
        {
            await RefusedAsync("wrong_password", api.Endpoint, "proxy refuses the password");
            await RefusedAsync(Squid.Password, $"https://{NetworkLab.GatewayAddress}:{closed}", "proxy cannot reach the API by HTTPS");
            await RefusedAsync(Squid.Password, "https://127.0.0.1:9", "proxy does not allow the API");

            WriteTool(Squid.Password, api.Endpoint);
            CommandResult done = (await network.OnSourceAsync(tool + "/nativesync")).MustExit(0);
            Assert.EndsWith("\nMigrate successfully.\n", done.Output, StringComparison.Ordinal);
            await JudgeAsync(lab, source);
            string[] asked = await squid.TunnelsAsync();
            Assert.Contains(api.Endpoint["https://".Length..], asked);
            Assert.DoesNotContain(asked, a => a.StartsWith(NetworkLab.DestinationAddress, StringComparison.Ordinal));
        }

        await Command.RunAsync(["rm", "-rf", tool]);
        await RefusedAsync(Squid.Password, api.Endpoint, "proxy down");

        async Task RefusedAsync(string password, string endpoint, string situation)
        {
            WriteTool(password, endpoint);
            CommandResult refused = await network.OnSourceAsync(tool + "/nativesync");
            Assert.Equal(1, refused.ExitCode);
            string documented = "nativesync: " + DocumentedMessages.Of(situation);
            Assert.True(DocumentedMessages.Fits(documented, refused.ErrorLines[0]), $"page: {documented}\n{refused}");
        }

        void WriteTool(string password, string endpoint) => lab.WriteTool(tool, mode: 3, client: new JsonObject
        {
            ["Client.Api.Endpoint"] = endpoint,
            ["Client.Api.CaFile"] = lab.Scratch["ca.pem"],
            ["Client.Source.Root"] = source.Root,
            ["Client.Net.Proxy.Ip"] = NetworkLab.GatewayAddress,
            ["Client.Net.Proxy.Port"] = port.ToString(CultureInfo.InvariantCulture),
            ["Client.Net.Proxy.User"] = Squid.User,
            ["Client.Net.Proxy.Password"] = password,
        });
    }

    /// <summary>Whether something answers there from this process's own network, which is the gateway's. Silence is no.</summary>
    private static async Task<bool> ReachesAsync(string address, int port)
    {
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(1));
        using TcpClient client = new();
        try
        {
            await client.ConnectAsync(address, port, limit.Token);
            return true;
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>A port of an address that this test alone has: nobody else takes it meanwhile.</summary>
    private static int FreePort()
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Parse(NetworkLab.GatewayAddress), 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    private static async Task JudgeAsync(CloudLab lab, SmallServer source)
    {
        Assert.Equal(InstanceStates.Running, lab.Instance.State);
        Assert.Equal([], lab.Rescue.MountedAtExit!);
        await TreeJudge.MustBeEqualAsync(source.Root, await lab.LookAsync(0));
    }

    private static Task CopyAsync(string from, string to) => Command.ShellAsync($"cp -a '{from}' '{to}'");

    private static Task<Process> StartTinyproxyAsync(CloudLab lab, string log, out int port)
    {
        port = FreePort();
        string configuration = lab.Scratch["tinyproxy.conf"];
        File.WriteAllText(configuration, $"Port {port}\nListen {NetworkLab.GatewayAddress}\nTimeout 60\nMaxClients 20\nLogFile \"{log}\"\nLogLevel Connect\nBasicAuth migration right_password\n");
        return WaitAsync(port);

        async Task<Process> WaitAsync(int at)
        {
            Process process = Process.Start(Command.StartInfo(["tinyproxy", "-d", "-c", configuration]))!;
            using PeriodicTimer poll = new(TimeSpan.FromMilliseconds(20));
            while (!process.HasExited)
            {
                try
                {
                    using TcpClient client = new();
                    await client.ConnectAsync(NetworkLab.GatewayAddress, at);
                    return process;
                }
                catch (SocketException)
                {
                    await poll.WaitForNextTickAsync();
                }
            }

            throw new InvalidOperationException("tinyproxy ended: " + await process.StandardError.ReadToEndAsync());
        }
    }
}
