using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests.Cloud;

/// <summary>
/// Network namespaces of a private migration. This process's own network is the gateway's: the API and proxies are on its
/// loopback. "source" and "destination" have loopbacks of their own and a wire between them, and, where a proxy is to be
/// reached, one from the source to the gateway. So the source cannot reach the API, and the gateway cannot reach the data port.
/// </summary>
internal sealed class NetworkLab : IAsyncDisposable
{
    public const string DestinationAddress = "192.0.2.2";
    public const string GatewayAddress = "198.51.100.1";

    private readonly string _tag = Path.GetRandomFileName()[..6];

    private NetworkLab()
    {
    }

    public string Source => "nss" + _tag;

    public string Destination => "nsd" + _tag;

    public static async Task<NetworkLab> CreateAsync(bool gateway)
    {
        NetworkLab lab = new();
        try
        {
            (string s, string d, string t) = (lab.Source, lab.Destination, lab._tag);
            await Command.ShellAsync($"""
                ip netns add {s}; ip netns add {d}
                ip -n {s} link set lo up; ip -n {d} link set lo up
                ip link add a{t} netns {s} type veth peer name b{t} netns {d}
                ip -n {s} address add 192.0.2.1/24 dev a{t}; ip -n {s} link set a{t} up
                ip -n {d} address add {DestinationAddress}/24 dev b{t}; ip -n {d} link set b{t} up
                """);
            if (gateway)
            {
                await Command.ShellAsync($"""
                    ip link add g{t} type veth peer name c{t} netns {s}
                    ip address add {GatewayAddress}/24 dev g{t}; ip link set g{t} up
                    ip -n {s} address add 198.51.100.2/24 dev c{t}; ip -n {s} link set c{t} up
                    """);
            }

            return lab;
        }
        catch
        {
            await lab.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs a program on the source.</summary>
    public Task<CommandResult> OnSourceAsync(params IEnumerable<string> command) => Command.RunAsync(["nsenter", "--net=/run/netns/" + Source, .. command]);

    public async ValueTask DisposeAsync()
    {
        await Command.RunAsync(["ip", "link", "del", "g" + _tag]);
        await Command.RunAsync(["ip", "netns", "del", Source]);
        await Command.RunAsync(["ip", "netns", "del", Destination]);
    }
}
