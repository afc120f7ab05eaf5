using System.Diagnostics;
using System.Net.Sockets;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests.Cloud;

/// <summary>A squid that asks for a user and a password and tunnels to some ports only.</summary>
internal sealed class Squid : IAsyncDisposable
{
    public const string User = "migration";
    public const string Password = "right_password";

    private readonly string _directory;
    private readonly Process _process;

    private Squid(string directory, Process process)
    {
        _directory = directory;
        _process = process;
    }

    public static async Task<Squid> StartAsync(int port, int[] allowed)
    {
        // Not below a directory of the tests: squid becomes another user, who must get there.
        string directory = Directory.CreateTempSubdirectory("ns-squid-").FullName;
        await Command.ShellAsync($"chmod 755 '{directory}'; printf '{User}:%s\\n' \"$(openssl passwd -apr1 {Password})\" >'{directory}/passwords'; mkdir '{directory}/run'; chown proxy:proxy '{directory}/run' '{directory}/passwords'");
        await File.WriteAllTextAsync(Path.Combine(directory, "squid.conf"), $"""
            http_port {NetworkLab.GatewayAddress}:{port}
            auth_param basic program /usr/lib/squid/basic_ncsa_auth {directory}/passwords
            auth_param basic children 1
            acl known proxy_auth REQUIRED
            acl allowed port {string.Join(' ', allowed)}
            http_access deny !known
            http_access deny !allowed
            http_access allow known
            http_access deny all
            cache deny all
            cache_mem 8 MB
            pinger_enable off
            shutdown_lifetime 0 seconds
            coredump_dir {directory}/run
            pid_filename none
            visible_hostname proxy.test
            access_log stdio:{directory}/run/access.log
            cache_log {directory}/run/cache.log

            """);
        Squid squid = new(directory, Process.Start(Command.StartInfo(["squid", "-N", "-f", Path.Combine(directory, "squid.conf")]))!);
        squid._process.StandardInput.Close();
        using PeriodicTimer poll = new(TimeSpan.FromMilliseconds(20));
        while (!squid._process.HasExited)
        {
            try
            {
                using TcpClient client = new();
                await client.ConnectAsync(NetworkLab.GatewayAddress, port);
                return squid;
            }
            catch (SocketException)
            {
                await poll.WaitForNextTickAsync();
            }
        }

        throw new InvalidOperationException("squid ended: " + await squid._process.StandardError.ReadToEndAsync());
    }

    /// <summary>Where it tunnelled to.</summary>
    public async Task<string[]> TunnelsAsync()
        => [.. (await File.ReadAllLinesAsync(Path.Combine(_directory, "run/access.log"))).Where(l => l.Contains(" TCP_TUNNEL/200 ", StringComparison.Ordinal)).Select(l => l.Split("CONNECT ")[1].Split(' ')[0])];

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_directory, recursive: true);
    }
}
