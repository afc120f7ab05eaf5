using NativeSync.Engine;
using NativeSync.Migration.Configuration;
using NativeSync.Migration.Stages;
using NativeSync.Transport;

namespace NativeSync.Cli.Migrate;

/// <summary><c>Client.Ssh.ProxyJump</c> and <c>Client.Ssh.Proxy</c>: how the migration's connections get out of here.</summary>
internal static class SshWays
{
    /// <summary>Checks the form of what is written there, and repeats nothing of a proxy, which may hold a password.</summary>
    public static void Check(SshWay way, Action<string, string> wrong)
    {
        try
        {
            _ = ProxyOf(way);
        }
        catch (TransportException e)
        {
            wrong(SshWay.ProxyKey, e.Message);
        }

        if (way.ProxyJump?.Split(',').FirstOrDefault(static jump => SshTarget.Parse(jump) is null) is { } jump)
        {
            wrong(SshWay.JumpKey, $"\"{jump}\" is no [user@]host[:port]; several stand with commas between them");
        }
    }

    /// <summary>What the log must not show.</summary>
    public static string? PasswordOf(SshWay? way) => ProxyOf(way)?.Password;

    /// <summary>
    /// Adds the way to what is said of its end. Who stands on the way is asked for in the user's ~/.ssh and known there; the end's password is not for him.
    /// </summary>
    public static SshOptions Apply(SshOptions end, SshWay? way) => end with
    {
        ProxyJump = way?.ProxyJump ?? "none",
        Proxy = ProxyOf(way),
        Jump = new SshOptions { ConnectTimeout = end.ConnectTimeout },
    };

    private static SshProxy? ProxyOf(SshWay? way) => way?.Proxy is { } proxy ? SshProxy.Parse(proxy) : null;
}

/// <summary>Whether an SSH server answers at the end of a way: it does when it shows a host key.</summary>
internal sealed class ReachabilityOnAWay(SshWay way) : IReachability
{
    /// <summary>Logging in on the way takes its time.</summary>
    private static readonly TimeSpan Least = TimeSpan.FromSeconds(20);

    /// <inheritdoc/>
    public async Task<bool> AnswersAsync(string host, int port, TimeSpan timeout, CancellationToken ct)
    {
        bool answers = false;
        SshOptions end = new()
        {
            IdentitiesOnly = true,
            AgentSocket = "",
            HostKeyCheck = HostKeyCheck.Yes,
            ConfirmHostKey = _ =>
            {
                answers = true;
                return false;
            },
            KnownHostsFiles = ["/dev/null"],
            UseSystemKnownHosts = false,
            ConfigFile = "none",
            ConnectTimeout = timeout > Least ? timeout : Least,
        };
        try
        {
            await (await SshConnector.ConnectAsync(new SshTarget(host, port), SshWays.Apply(end, way), ct)).DisposeAsync();
        }
        catch (TransportException e) when (answers || !e.IsOnTheWay)
        {
            // Refused, by us when there was a key. What fails on the way says nothing about the end.
        }

        return answers;
    }

    /// <inheritdoc/>
    public System.Net.IPAddress? LocalAddress(string host, int port) => null;
}
