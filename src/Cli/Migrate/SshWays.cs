using NativeSync.Engine;
using NativeSync.Migration.Configuration;
using NativeSync.Migration.Logging;
using NativeSync.Migration.Stages;
using NativeSync.Transport;

namespace NativeSync.Cli.Migrate;

/// <summary><c>Client.Ssh.ProxyJump</c> and <c>Client.Ssh.Proxy</c>: how the migration's connections get out of here.</summary>
internal static class SshWays
{
    /// <summary>Checks what is written there before anything is done, and keeps the password out of the log.</summary>
    /// <exception cref="ConfigException">It makes no sense.</exception>
    public static void Check(SshWay? way, MigrationLog log)
    {
        try
        {
            log.Hide(way?.Proxy is { } proxy ? SshProxy.Parse(proxy).Password : null);
        }
        catch (TransportException e)
        {
            throw new ConfigException(ClientSettings.FileName, 0, "Client.Ssh.Proxy", e.Message);
        }

        if (way?.ProxyJump?.Split(',').FirstOrDefault(static jump => SshTarget.Parse(jump) is null) is { } wrong)
        {
            throw new ConfigException(ClientSettings.FileName, 0, "Client.Ssh.ProxyJump", $"\"{wrong}\" is no [user@]host[:port]; several stand with commas between them");
        }
    }

    /// <summary>
    /// Adds the way to what is said of its end. Who stands on the way is asked for in the user's ~/.ssh and known there; the end's password is not for him.
    /// </summary>
    public static SshOptions Apply(SshOptions end, SshWay? way) => end with
    {
        ProxyJump = way?.ProxyJump ?? "none",
        Proxy = way?.Proxy is { } proxy ? SshProxy.Parse(proxy) : null,
        Jump = new SshOptions { ConnectTimeout = end.ConnectTimeout },
    };
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
        catch (TransportException)
        {
            // Refused, by us when there was a key.
        }

        return answers;
    }

    /// <inheritdoc/>
    public System.Net.IPAddress? LocalAddress(string host, int port) => null;
}
