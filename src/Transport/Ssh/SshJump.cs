using NativeSync.Engine;
using Renci.SshNet;
using Renci.SshNet.Common;

namespace NativeSync.Transport;

/// <summary>
/// A way through another host: a port of 127.0.0.1 that it forwards. While it is open, other users of this machine can
/// reach the target's SSH port through it, and nothing else; the target's host key is checked under its real name.
/// </summary>
internal sealed class SshJump : IAsyncDisposable
{
    private readonly SshSession _session;
    private readonly ForwardedPortLocal _port;

    private SshJump(SshSession session, ForwardedPortLocal port)
    {
        _session = session;
        _port = port;
    }

    /// <summary>The host on the way, for people.</summary>
    public string Peer => _session.Peer;

    /// <summary>The local port.</summary>
    public int Port => (int)_port.BoundPort;

    /// <summary>Forwards a local port through a session, which the jump then owns.</summary>
    public static async Task<SshJump> OpenAsync(SshSession session, string host, int port)
    {
        var forwarded = new ForwardedPortLocal("127.0.0.1", 0, host, (uint)port);
        try
        {
            session.Client.AddForwardedPort(forwarded);
            forwarded.Start();
            return new SshJump(session, forwarded);
        }
        catch (Exception e) when (e is SshException or System.Net.Sockets.SocketException or InvalidOperationException)
        {
            forwarded.Dispose();
            await session.DisposeAsync().ConfigureAwait(false);
            throw new TransportException(SshErrors.ConnectionFailed, $"{session.Peer} cannot be jumped through: {Printable.Line(e.Message)}", innerException: e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task stopping = Task.Run(() =>
        {
            try
            {
                _port.Dispose();
            }
            catch (Exception e) when (e is SshException or ObjectDisposedException or InvalidOperationException)
            {
                // Gone with its connection.
            }
        });
        await Task.WhenAny(stopping, Task.Delay(TimeSpan.FromSeconds(1))).ConfigureAwait(false);
        await _session.DisposeAsync().ConfigureAwait(false);
    }
}
