using System.Net;
using System.Net.Sockets;

namespace NativeSync.EndToEnd.Tests.Support;

/// <summary>A port that leads to another one, counts what goes there, and can be cut: what is under way ends, as when a router dies.</summary>
internal sealed class CountedLine : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private const int SOL_TCP = 6;
    private const int TCP_INFO = 11;

    /// <summary>Of <c>tcpi_bytes_received</c>.</summary>
    private const int BytesReceived = 128;

    private readonly List<Socket> _open = [];
    private readonly Dictionary<Socket, (bool Near, long Arrived)> _arrived = [];
    private readonly TaskCompletionSource _silent = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _sent;
    private long _received;
    private long _end = long.MaxValue;

    /// <param name="target">The port that it leads to, where that is known already.</param>
    public CountedLine(int target = 0)
    {
        Target = target;
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _ = AcceptAsync();
    }

    /// <summary>The port that it leads to.</summary>
    public int Target { get; set; }

    /// <summary>Where to connect.</summary>
    public int Port { get; }

    /// <summary>Bytes that went to the other side since the last look.</summary>
    public long TakeSent() => Interlocked.Exchange(ref _sent, 0);

    /// <summary>Bytes that went to the other side so far.</summary>
    public long Sent => Interlocked.Read(ref _sent);

    /// <summary>Bytes that went either way so far.</summary>
    public long Moved => Sent + Interlocked.Read(ref _received);

    /// <summary>
    /// Bytes that the kernel has received of what goes to the other side, or comes from there: told by the kernel, so that it does not depend on how
    /// busy this process is.
    /// </summary>
    public long Arrived(bool there)
    {
        lock (_open)
        {
            _open.ForEach(Note);
            return _arrived.Values.Where(one => one.Near == there).Sum(static one => one.Arrived);
        }
    }

    /// <summary>As a cable that was pulled: nothing goes on, and nobody is told.</summary>
    public void Silence() => _silent.TrySetResult();

    /// <summary>Cuts by itself, once, when so many bytes more have gone either way.</summary>
    public void CutAfter(long bytes) => Interlocked.Exchange(ref _end, Moved + bytes);

    /// <summary>Ends all connections, both ways, without a word.</summary>
    public void Cut()
    {
        lock (_open)
        {
            foreach (Socket socket in _open)
            {
                socket.Close(0);
            }

            _open.Clear();
        }
    }

    public void Dispose()
    {
        _listener.Dispose();
        Cut();
    }

    private void Note(Socket socket)
    {
        byte[] info = new byte[BytesReceived + 8];
        if (socket.GetRawSocketOption(SOL_TCP, TCP_INFO, info) == info.Length)
        {
            _arrived[socket] = (_arrived[socket].Near, BitConverter.ToInt64(info, BytesReceived));
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                Socket near = await _listener.AcceptSocketAsync();
                Socket far = new(SocketType.Stream, ProtocolType.Tcp);
                await far.ConnectAsync(IPAddress.Loopback, Target);
                lock (_open)
                {
                    _open.Add(near);
                    _open.Add(far);
                    _arrived[near] = (true, 0);
                    _arrived[far] = (false, 0);
                }

                _ = PumpAsync(near, far, count: true);
                _ = PumpAsync(far, near, count: false);
            }
        }
        catch (Exception e) when (e is ObjectDisposedException or SocketException)
        {
            // Disposed.
        }
    }

    private async Task PumpAsync(Socket from, Socket to, bool count)
    {
        byte[] buffer = new byte[64 << 10];
        try
        {
            int length;
            while ((length = await from.ReceiveAsync(buffer)) > 0)
            {
                if (_silent.Task.IsCompleted)
                {
                    return; // Both sockets stay open, and nobody reads from them any more.
                }

                // What comes together is as much as the machine is busy: what lies beyond the end does not go.
                int passing = (int)Math.Clamp(Interlocked.Read(ref _end) - Moved, 0, length);
                for (int sent = 0; sent < passing;)
                {
                    sent += await to.SendAsync(buffer.AsMemory(sent, passing - sent));
                }

                Interlocked.Add(ref count ? ref _sent : ref _received, passing);
                if (passing < length || Moved >= Interlocked.Read(ref _end))
                {
                    Interlocked.Exchange(ref _end, long.MaxValue);
                    Cut();
                }
            }

            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is ObjectDisposedException or SocketException)
        {
            // Cut, or the other side is gone.
            lock (_open)
            {
                foreach (Socket socket in (Socket[])[from, to])
                {
                    if (_open.Remove(socket))
                    {
                        Note(socket);
                    }
                }
            }

            from.Close();
            to.Close();
        }
    }
}
