using System.Net.Sockets;
using NativeSync.Engine;
using Renci.SshNet.Common;

namespace NativeSync.Transport;

/// <summary>One clear line for each way in which connecting and talking can fail.</summary>
internal static class SshErrors
{
    /// <summary>rsync's code for a connection that fails, which is ssh's own.</summary>
    public const int ConnectionFailed = 255;

    /// <summary>rsync's code for a stream that breaks off.</summary>
    public const int StreamBroken = 12;

    public static TransportException Connecting(Exception error, ResolvedHost host, LoginKeys keys, bool hasPassword) => error switch
    {
        TransportException known => known,
        SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain } =>
            Failed(host, $"host {Printable.Line(host.HostName)} cannot be resolved", "Check the name, or give the address.", error),
        SocketException { SocketErrorCode: SocketError.ConnectionRefused } =>
            Failed(host, $"{host.Peer} refuses the connection", "Is sshd running there, and is this its port?", error),
        SocketException { SocketErrorCode: SocketError.TimedOut } or SshOperationTimeoutException =>
            Failed(host, $"{host.Peer} does not answer within {host.Timeout.TotalSeconds:0.#} s", "Check the address, the port and the firewall or security group in between.", error),
        SocketException socket => Failed(host, $"{host.Peer} cannot be reached: {Printable.Line(socket.Message)}", "Check the address and the network.", error),
        SshAuthenticationException => NotLoggedIn(host, keys, hasPassword, error),
        SshConnectionException { Message: var m } when m.Contains("authentication failures", StringComparison.OrdinalIgnoreCase) =>
            Failed(host, $"{host.Peer} broke off: too many keys were tried", "Name the right one with --identity, and set IdentitiesOnly.", error),
        SshConnectionException { Message: var m } when m.Contains("algorithm", StringComparison.OrdinalIgnoreCase) =>
            Failed(host, $"{host.Peer} has no algorithm in common with us: {Printable.Line(m)}", "", error),
        SshException ssh => Failed(host, $"{host.Peer}: {Printable.Line(ssh.Message)}", "Is this an SSH server? Its log may say more.", error),
        _ => Failed(host, $"{host.Peer}: {Printable.Line(error.Message)}", "", error),
    };

    /// <summary>Nothing came through a host on the way: it closes, and SSH.NET does not tell why.</summary>
    public static TransportException NotThrough(Exception error, string jump, ResolvedHost host) => Failed(
        host, $"{host.Peer} does not answer through {jump}",
        $"Does {jump} forward at all (AllowTcpForwarding, PermitOpen in its sshd_config), and does it reach {Printable.Line(host.HostName)} port {host.Port}?", error);

    private static TransportException NotLoggedIn(ResolvedHost host, LoginKeys keys, bool hasPassword, Exception error)
    {
        string tried = keys.Notes.Count == 0 ? "no key was found" : string.Join("; ", keys.Notes);
        if (hasPassword)
        {
            tried += "; the password was refused, not asked for, or is not allowed";
        }

        return new TransportException(ConnectionFailed, $"{host.Peer} refuses the login ({Printable.Line(error.Message)}: {tried})",
            "Check the user and the key (--identity), or give a password.", error) { Fault = TransportFault.Login };
    }

    private static TransportException Failed(ResolvedHost host, string message, string hint, Exception error)
    {
        _ = host;
        return new TransportException(ConnectionFailed, message, hint, error);
    }

    /// <summary>A connection that was there and is lost.</summary>
    public static TransportException Lost(string peer, Exception? error) => error as TransportException
        ?? new TransportException(StreamBroken, $"connection to {peer} was lost" + (error is null ? "" : $": {Printable.Line(error.Message)}"),
            "Run again: what was transferred is kept.", error);

    /// <summary>A remote command that ended before its time; null status when the server did not tell it.</summary>
    public static TransportException Ended(string peer, int? status, string? signal, string? diagnostics)
    {
        string said = Printable.LastLine(diagnostics) is { } line ? ": " + line : "";
        return status switch
        {
            124 => new TransportException(124, $"the remote shell failed on {peer}{said}"),
            125 => new TransportException(125, $"the remote shell was killed on {peer}{said}"),
            126 => new TransportException(126, $"the remote command cannot be run on {peer}{said}", "Its file system may be mounted noexec, or it is for another kind of machine."),
            127 => new TransportException(127, $"the remote command was not found on {peer}{said}", "Check the path given with --rsync-path."),
            255 => new TransportException(255, $"the connection to {peer} failed{said}", "The message above is the remote shell's."),
            { } other => new TransportException(StreamBroken, $"the remote command on {peer} ended with status {other}{said}"),
            null when signal is not null => new TransportException(StreamBroken, $"the remote command on {peer} was ended by signal {Printable.Line(signal)}{said}",
                signal == "KILL" ? "The machine may be out of memory." : ""),
            null => Lost(peer, null),
        };
    }
}
