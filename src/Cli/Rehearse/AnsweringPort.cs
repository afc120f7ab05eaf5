using System.Net;
using System.Net.Sockets;

namespace NativeSync.Cli.Rehearse;

/// <summary>The place of a started instance in a rehearsal: greets as an SSH server does, and hangs up.</summary>
internal sealed class AnsweringPort : IDisposable
{
    private readonly TcpListener _listener;
    private readonly Task _greeting;

    /// <param name="port">Of 127.0.0.1.</param>
    public AnsweringPort(int port)
    {
        _listener = new TcpListener(IPAddress.Loopback, port);
        _listener.Start();
        _greeting = GreetAsync();
    }

    public void Dispose()
    {
        _listener.Dispose();
        _greeting.Wait();
    }

    private async Task GreetAsync()
    {
        while (true)
        {
            try
            {
                using TcpClient client = await _listener.AcceptTcpClientAsync();
                await client.GetStream().WriteAsync("SSH-2.0-rehearsal\r\n"u8.ToArray());
            }
            catch (IOException)
            {
                // It has hung up first.
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return; // No longer listening.
            }
        }
    }
}
