using System.Diagnostics;
using System.Text.Json.Nodes;
using NativeSync.Migration.Api;
using NativeSync.TestKit;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests.Cloud;

/// <summary>
/// Migrations whose SSH connections need help to get to the destination: it answers in a network where this machine is not, and there is nothing but a jump host,
/// an HTTP proxy or a SOCKS proxy, each with a login.
/// </summary>
public sealed class SshWayTests
{
    private const string Relay = "198.51.100.2";
    private const string Secret = "secret_of_the_proxy";

    [Trait("Category", "Slow")]
    [Fact]
    public async Task AMigrationGoesThroughJumpHostsAndProxies()
    {
        await using NetworkLab network = await NetworkLab.CreateAsync(gateway: true);
        await using CloudLab lab = await CloudLab.CreateAsync(network: network.Destination, address: NetworkLab.DestinationAddress);
        using SmallServer source = new();
        string[] inside = ["nsenter", "--net=/run/netns/" + network.Source];
        await using PrivateSshd gate = await PrivateSshd.StartAsync(new PrivateSshdOptions { Inside = inside, ListenAddress = Relay });
        string configuration = lab.Scratch["tinyproxy.conf"], home = lab.Scratch["home"];
        Directory.CreateDirectory(home + "/.ssh");
        await File.WriteAllTextAsync(home + "/.ssh/config", $"Host gate\n HostName {Relay}\n Port {gate.Port}\n IdentityFile {gate.ClientKeyPath}\n UserKnownHostsFile {gate.KnownHostsPath}\n");
        await File.WriteAllTextAsync(configuration, $"Port 3128\nListen {Relay}\nTimeout 60\nMaxClients 20\nConnectPort 22\nBasicAuth migration {Secret}\n");
        using Process http = Process.Start(Command.StartInfo([.. inside, "tinyproxy", "-d", "-c", configuration]))!;
        using Process socks = Process.Start(Command.StartInfo([.. inside, "microsocks", "-i", Relay, "-p", "1080", "-u", "migration", "-P", Secret]))!;
        try
        {
            await ListeningAsync(inside, 3128, 1080);

            // Directly nobody gets there.
            CommandResult direct = await Command.RunAsync(["timeout", "1", "/bin/bash", "-c", $"exec 3<>/dev/tcp/{NetworkLab.DestinationAddress}/22"]);
            Assert.NotEqual(0, direct.ExitCode);

            await MigrateAsync("jump", new JsonObject { ["Client.Ssh.ProxyJump"] = $"{PrivateSshd.User}@gate" });
            Assert.NotEqual(0, await gate.LoggedAsync("Accepted publickey", 1));
            await MigrateAsync("socks", new JsonObject { ["Client.Ssh.Proxy"] = $"socks5://migration:{Secret}@{Relay}:1080" });
            await MigrateAsync("http", new JsonObject { ["Client.Ssh.Proxy"] = $"http://migration:{Secret}@{Relay}:3128" });

            CommandResult refused = await RunAsync("refused", new JsonObject { ["Client.Ssh.Proxy"] = $"socks5://migration:wrong_{Secret}@{Relay}:1080" });
            Assert.Equal(1, refused.ExitCode);
            Assert.DoesNotContain(Secret, refused.Output + refused.Error, StringComparison.Ordinal);
            CommandResult nonsense = await RunAsync("nonsense", new JsonObject { ["Client.Ssh.Proxy"] = $"ftp://migration:{Secret}@{Relay}" });
            Assert.Equal(1, nonsense.ExitCode);
            Assert.Matches("^nativesync: client\\.json, line [1-9][0-9]*: Client\\.Ssh\\.Proxy: the proxy for SSH is neither", nonsense.ErrorLines[0]);
        }
        finally
        {
            foreach (Process proxy in new[] { http, socks })
            {
                proxy.Kill(entireProcessTree: true);
                await proxy.WaitForExitAsync();
            }
        }

        async Task MigrateAsync(string name, JsonObject way)
        {
            await using ProcessWatch watch = new(Environment.ProcessId);
            CommandResult done = (await RunAsync(name, way)).MustExit(0);
            await watch.StopAsync();
            Assert.EndsWith("\nMigrate successfully.\n", done.Output, StringComparison.Ordinal);
            Assert.Equal(InstanceStates.Running, lab.Instance.State);
            string look = await lab.LookAsync(0);
            await TreeJudge.MustBeEqualAsync(source.Root, look);
            await LoopDisk.UnmountAsync(look);

            // The password stands in client.json and nowhere else.
            Assert.DoesNotContain(watch.Peaks, p => p.CommandLine.Contains("nativesync", StringComparison.Ordinal) && p.CommandLine.Contains(Secret, StringComparison.Ordinal));
            CommandResult kept = await Command.RunAsync(["grep", "-rl", "--exclude=client.json", "--exclude=nativesync", Secret, lab.Scratch[name]]);
            Assert.Equal("", kept.Output);
            Assert.DoesNotContain(Secret, done.Output + done.Error, StringComparison.Ordinal);
        }

        Task<CommandResult> RunAsync(string name, JsonObject way)
        {
            way["Client.Source.Root"] = source.Root;
            lab.WriteTool(lab.Scratch[name], mode: 2, client: way);
            return Command.RunAsync([lab.Scratch[name] + "/nativesync", "--log-level=3"], environment: new Dictionary<string, string?> { ["HOME"] = home });
        }
    }

    private static async Task ListeningAsync(string[] inside, params int[] ports)
    {
        using PeriodicTimer poll = new(TimeSpan.FromMilliseconds(20));
        using CancellationTokenSource limit = new(TimeSpan.FromMinutes(1));
        foreach (int port in ports)
        {
            while ((await Command.RunAsync([.. inside, "/bin/bash", "-c", $"exec 3<>/dev/tcp/{Relay}/{port}"])).ExitCode != 0)
            {
                await poll.WaitForNextTickAsync(limit.Token);
            }
        }
    }
}
