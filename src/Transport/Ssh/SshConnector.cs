using System.Net;
using System.Net.Sockets;
using NativeSync.Engine;
using Renci.SshNet;
using Renci.SshNet.Common;

namespace NativeSync.Transport;

/// <summary>Connects to SSH servers with SSH.NET.</summary>
/// <remarks>
/// SSH.NET applies one time-out to everything: to the answer of a key exchange, and also to a writer that waits for the
/// window of a slow receiver. So it is short until logged in and infinite afterwards; opening channels has a limit of ours,
/// and a silent peer is the protocol's business (Ping).
/// </remarks>
public static class SshConnector
{
    /// <summary>A person may have to answer; sshd itself gives two minutes.</summary>
    private static readonly TimeSpan PromptTime = TimeSpan.FromMinutes(2);

    /// <summary>Channels on one connection. More than any server allows: it should refuse, not SSH.NET block.</summary>
    private const int MaxChannels = 1000;

    /// <summary>Connects, checks the host key and logs in; through other hosts where ProxyJump says so.</summary>
    /// <exception cref="TransportException">One clear line about what failed; exit code 255, or 1 for options that make no sense.</exception>
    public static Task<SshSession> ConnectAsync(SshTarget target, SshOptions options, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(options);
        return ConnectAsync(target, options, depth: 0, ct);
    }

    private static async Task<SshSession> ConnectAsync(SshTarget target, SshOptions options, int depth, CancellationToken ct)
    {
        const int maxJumps = 8;
        if (depth > maxJumps)
        {
            throw new TransportException(1, $"more than {maxJumps} hosts to jump through", "Does the configuration jump in a circle?");
        }

        ResolvedHost host = ResolvedHost.Resolve(target, options);
        SshJump? jump = null;
        if (host.Jumps.Count > 0)
        {
            // The last jump reaches the target, and itself goes through those before it.
            // Before the first there is what the configuration says of that one, as with ssh.
            string? before = host.Jumps.Count == 1 ? null : string.Join(',', host.Jumps.SkipLast(1).Select(static j =>
                $"{(j.User is null ? "" : j.User + "@")}[{j.Host}]{(j.Port is null ? "" : ":" + j.Port)}"));
            SshOptions jumpOptions = (options.Jump ?? options) with { Proxy = options.Proxy, ProxyJump = before, PinnedHostKey = null, PrimesWindow = false };
            try
            {
                SshSession through = await ConnectAsync(host.Jumps[^1], jumpOptions, depth + 1, ct).ConfigureAwait(false);
                jump = await SshJump.OpenAsync(through, host.HostName, host.Port).ConfigureAwait(false);
            }
            catch (TransportException e) when (!e.IsOnTheWay)
            {
                throw new TransportException(e.ExitCode, $"on the way to {host.Peer}: {e.Message}", e.Hint, e) { Fault = e.Fault, IsOnTheWay = true };
            }
        }

        try
        {
            return await ConnectOneAsync(host, options, jump, ct).ConfigureAwait(false);
        }
        catch
        {
            if (jump is not null)
            {
                await jump.DisposeAsync().ConfigureAwait(false);
            }

            throw;
        }
    }

    private static async Task<SshSession> ConnectOneAsync(ResolvedHost host, SshOptions options, SshJump? jump, CancellationToken ct)
    {
        string address = jump is not null ? "127.0.0.1" : options.IpVersion == 0 ? host.HostName : await AddressAsync(host, options.IpVersion, ct).ConfigureAwait(false);
        var judge = new HostKeyJudge(host.HostKeyName, host.HostKeyName == host.HostName ? host.Port : 22, host.HostKeyCheck,
            host.UserKnownHosts, host.SystemKnownHosts, options.PinnedHostKey, options.ConfirmHostKey, options.Logger);
        var keys = new LoginKeys(host, options);
        var login = new LoginSession(options.PrimesWindow);
        AuthenticationMethod[] methods = [.. Methods(host, options, keys, login)];
        ConnectionInfo info = jump is null && options.Proxy is { } proxy
            ? new ConnectionInfo(address, host.Port, host.User, proxy.Type, proxy.Host, proxy.Port, proxy.User, proxy.Password, methods)
            : new ConnectionInfo(address, jump?.Port ?? host.Port, host.User, methods);
        info.Timeout = host.Timeout;
        info.MaxSessions = MaxChannels;
        info.RetryAttempts = 1;
        SshAlgorithms.Apply(info, judge.KnownTypes, options.Ciphers);

        var client = new SshClient(info);
        TransportException? refusal = null;
        bool greeted = false;
        HostKey? accepted = null;
        bool mayAsk = options.ConfirmHostKey is not null || options.InteractiveProvider is not null || options.PasswordProvider is not null;
        client.ServerIdentificationReceived += (_, _) =>
        {
            greeted = true;
            info.Timeout = mayAsk && host.Timeout < PromptTime ? PromptTime : host.Timeout;
        };
        client.HostKeyReceived += (_, e) =>
        {
            try
            {
                accepted = HostKey.FromBlob(e.HostKey);
                refusal = accepted is null
                    ? new TransportException(SshErrors.ConnectionFailed, $"{host.Peer} shows a host key that makes no sense")
                    : judge.Judge(accepted);
            }
            catch (Exception error)
            {
                refusal = error as TransportException ?? new TransportException(SshErrors.ConnectionFailed, $"{host.Peer}: its host key could not be checked", innerException: error);
            }

            e.CanTrust = refusal is null;
        };

        // Connecting blocks a thread from the key exchange on, so it gets one of its own.
        Task connecting = Task.Factory.StartNew(client.Connect, CancellationToken.None, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);
        try
        {
            await connecting.WaitAsync(ct).ConfigureAwait(false);
            if (accepted is null || !client.IsConnected)
            {
                throw new SshConnectionException("the connection was closed during the login");
            }

            info.Timeout = Timeout.InfiniteTimeSpan;
            return new SshSession(client, login.Session, login.Primer, jump, isDirect: jump is null && options.Proxy is null, host.Peer, accepted, host.Timeout);
        }
        catch (Exception e)
        {
            login.Primer?.Stop();
            SshSocket.Cut(login.Session);
            _ = connecting.ContinueWith(t =>
            {
                _ = t.Exception;
                client.Dispose();
            }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            if (e is OperationCanceledException)
            {
                throw;
            }

            throw refusal ?? (!greeted && jump is not null
                ? SshErrors.NotThrough(e, jump.Peer, host)
                : !greeted && options.Proxy is { } door
                ? SshProxyErrors.Connecting(e, door, host)
                : SshErrors.Connecting(e, host, keys, options.PasswordProvider is not null || options.InteractiveProvider is not null));
        }
    }

    /// <summary>The first address of one version of IP; the host key is still that of the name.</summary>
    private static async Task<string> AddressAsync(ResolvedHost host, int version, CancellationToken ct)
    {
        try
        {
            IPAddress[] addresses = await Dns.GetHostAddressesAsync(host.HostName, version == 4 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6, ct).ConfigureAwait(false);
            if (addresses is [var first, ..])
            {
                return first.ToString();
            }
        }
        catch (SocketException)
        {
            // No address of this version.
        }

        throw new TransportException(SshErrors.ConnectionFailed, $"host {Printable.Line(host.HostName)} has no address of IPv{version}", $"Leave -{version} out.");
    }

    /// <summary>OpenSSH's order: keys, then questions, then the password. (SSH.NET asks with "none" first, which tells what is allowed.)</summary>
    private static IEnumerable<AuthenticationMethod> Methods(ResolvedHost host, SshOptions options, LoginKeys keys, LoginSession login)
    {
        yield return new KeyLogin(host.User, keys, login);
        Func<string, bool, string?>? interactive = options.InteractiveProvider
            ?? (options.PasswordProvider is { } hidden ? (prompt, echo) => echo ? null : hidden(prompt) : null);
        if (interactive is not null)
        {
            // The server chooses the question: who asks is ours to say, so that no answer is taken for that to another host's.
            yield return new InteractiveLogin(host.User, login, options.MaxPrompts, (prompt, echo) => interactive($"({host.Peer}) {prompt}", echo));
        }

        if (options.PasswordProvider is { } provider)
        {
            yield return new PasswordLogin(host.User, login, $"{host.Peer}'s password: ", options.MaxPrompts, provider);
        }
    }
}
