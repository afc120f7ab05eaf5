using System.Net.Sockets;
using NativeSync.Engine;
using Renci.SshNet.Common;

namespace NativeSync.Transport;

/// <summary>One clear line for each way in which a proxy can fail. Each names it, without its password.</summary>
internal static class SshProxyErrors
{
    /// <summary>What went wrong before the server greeted.</summary>
    public static TransportException Connecting(Exception error, SshProxy proxy, ResolvedHost host) => error switch
    {
        SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain } =>
            OfTheProxy($"the proxy {proxy} cannot be resolved", "Check its name, or give its address.", error),
        SocketException { SocketErrorCode: SocketError.ConnectionRefused } =>
            OfTheProxy($"the proxy {proxy} refuses the connection", "Does it run there, and is this its port?", error),
        SocketException { SocketErrorCode: SocketError.TimedOut } => Silent(proxy, host, error),

        // SSH.NET's words for a connection that does not come about; a proxy that waits for the server is silent in another way.
        SshOperationTimeoutException { Message: var m } when m.Contains("establish", StringComparison.Ordinal) => Silent(proxy, host, error),
        SshOperationTimeoutException => OfTheServer($"{host.Peer} does not answer through the proxy {proxy} within {host.Timeout.TotalSeconds:0.#} s", error),

        // The connection was there: most often it is the server behind it that hung up.
        SocketException { SocketErrorCode: SocketError.Shutdown or SocketError.ConnectionReset or SocketError.ConnectionAborted } =>
            OfTheServer($"{host.Peer}: the connection through the proxy {proxy} was closed", error),
        SocketException socket => OfTheProxy($"the proxy {proxy} cannot be reached: {Printable.Line(socket.Message)}", "Check its address and the network.", error),
        ProxyException { Message: var m } when IsOfTheServer(m) => OfTheServer($"the proxy {proxy} does not reach {host.Peer}: {Printable.Line(m)}", error),
        ProxyException { Message: var m } when IsLogin(m) =>
            OfTheProxy($"the proxy {proxy} refuses the login: {Printable.Line(m)}", "Check the user and the password that stand in its address.", error, TransportFault.Login),
        ProxyException { Message: var m } =>
            OfTheProxy($"the proxy {proxy} does not connect to {host.Peer}: {Printable.Line(m)}", "Is it a proxy of this kind, and does it allow this host and port?", error),
        _ => OfTheServer($"{host.Peer}, through the proxy {proxy}: {Printable.Line(error.Message)}", error),
    };

    /// <summary>HTTP's 5xx, and SOCKS' codes 1 and 3 to 6, tell of what lies behind the proxy.</summary>
    private static bool IsOfTheServer(string message) => message.StartsWith("HTTP: Status code 5", StringComparison.Ordinal)
        || message.Contains("General failure", StringComparison.Ordinal) || message.Contains("unreachable", StringComparison.Ordinal)
        || message.Contains("refused by destination", StringComparison.Ordinal) || message.Contains("TTL", StringComparison.Ordinal);

    /// <summary>By HTTP, 407; tinyproxy says 401 when the password is wrong.</summary>
    private static bool IsLogin(string message) => message.Contains("Status code 407", StringComparison.Ordinal) || message.Contains("Status code 401", StringComparison.Ordinal)
        || message.Contains("authentication", StringComparison.Ordinal);

    private static TransportException Silent(SshProxy proxy, ResolvedHost host, Exception error) =>
        OfTheProxy($"the proxy {proxy} does not answer within {host.Timeout.TotalSeconds:0.#} s", "Check its address and port, and the firewall in between.", error);

    private static TransportException OfTheProxy(string message, string hint, Exception error, TransportFault fault = TransportFault.Other) =>
        new(SshErrors.ConnectionFailed, message, hint, error) { Fault = fault, IsOnTheWay = true };

    private static TransportException OfTheServer(string message, Exception error) =>
        new(SshErrors.ConnectionFailed, message, "Is an SSH server running there, and does the proxy reach it?", error);
}
