using System.Net;
using System.Net.Sockets;

namespace NativeSync.Migration.Stages;

/// <summary>Tells whether an SSH server answers.</summary>
public interface IReachability
{
    /// <summary>Tries once.</summary>
    /// <exception cref="Engine.TransportException">A host or a proxy on the way there fails, so that it cannot be told.</exception>
    Task<bool> AnswersAsync(string host, int port, TimeSpan timeout, CancellationToken ct);

    /// <summary>The address that packets to a host would bear, by this machine's routes; null without one. Nothing is sent.</summary>
    IPAddress? LocalAddress(string host, int port)
    {
        try
        {
            IPAddress to = IPAddress.Parse(host);
            using Socket socket = new(to.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            socket.Connect(to, port);
            return (socket.LocalEndPoint as IPEndPoint)?.Address;
        }
        catch (Exception e) when (e is SocketException or FormatException)
        {
            return null;
        }
    }
}

/// <summary>By connecting and reading the greeting: what forwards ports on the way may accept a connection for a system that is not there.</summary>
public sealed class SshReachability : IReachability
{
    /// <inheritdoc/>
    public async Task<bool> AnswersAsync(string host, int port, TimeSpan timeout, CancellationToken ct)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(timeout);
        using TcpClient client = new();
        byte[] greeting = new byte[4];
        try
        {
            await client.ConnectAsync(host, port, limit.Token).ConfigureAwait(false);
            await client.GetStream().ReadExactlyAsync(greeting, limit.Token).ConfigureAwait(false);
            return greeting.AsSpan().SequenceEqual("SSH-"u8);
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return false;
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return false;
        }
    }
}
