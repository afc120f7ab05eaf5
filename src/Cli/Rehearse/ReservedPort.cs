using System.Net;
using System.Net.Sockets;

namespace NativeSync.Cli.Rehearse;

/// <summary>
/// A port of 127.0.0.1 that is bound and not listened on: nobody is given it by the kernel meanwhile, and a server that sets
/// SO_REUSEADDR, as sshd and .NET's listeners do, can still listen on it. Without this, what was free when it was chosen is
/// taken by somebody else when the server starts, minutes later.
/// </summary>
internal sealed class ReservedPort : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public ReservedPort() => _socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));

    /// <summary>The port.</summary>
    public int Number => ((IPEndPoint)_socket.LocalEndPoint!).Port;

    public void Dispose() => _socket.Dispose();
}
