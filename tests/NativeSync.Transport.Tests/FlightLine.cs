using System.Buffers;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace NativeSync.Transport.Tests;

/// <summary>
/// A port that leads to a server. From a moment on everything flies together: what both sides write is held back until neither writes any more, and then
/// delivered at once. The flights are twice the round trips on a line whose length is all that matters.
/// </summary>
internal sealed class FlightLine : IDisposable
{
    /// <summary>Long enough for a side to have said all that it can say without hearing anything. A busy machine may make it one flight more.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(400);

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private int _flights;

    public FlightLine(int target)
    {
        _listener.Start();
        _ = RunAsync(target);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Flights since <see cref="Holds"/> was set.</summary>
    public int Flights => Volatile.Read(ref _flights);

    /// <summary>Everything flies together from now on.</summary>
    public bool Holds { get; set; }

    public void Dispose()
    {
        _stop.Cancel();
        _listener.Dispose();
    }

    private async Task RunAsync(int target)
    {
        try
        {
            using Socket near = await _listener.AcceptSocketAsync(_stop.Token);
            using Socket far = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            near.NoDelay = true;
            await far.ConnectAsync(IPAddress.Loopback, target, _stop.Token);
            Direction there = new(near, far), back = new(far, near);
            Task collecting = Task.WhenAll(there.CollectAsync(_stop.Token), back.CollectAsync(_stop.Token));
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                bool counts = Holds;
                if ((!counts || (there.IsQuiet && back.IsQuiet)) && await there.DeliverAsync() | await back.DeliverAsync() && counts)
                {
                    Interlocked.Increment(ref _flights);
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // Over.
        }
    }

    private sealed class Direction(Socket from, Socket to)
    {
        private readonly Lock _gate = new();
        private readonly ArrayBufferWriter<byte> _held = new();
        private long _last = Stopwatch.GetTimestamp();

        public bool IsQuiet
        {
            get
            {
                lock (_gate)
                {
                    return Stopwatch.GetElapsedTime(_last) > Quiet;
                }
            }
        }

        public async Task CollectAsync(CancellationToken ct)
        {
            byte[] buffer = new byte[64 << 10];
            while (await from.ReceiveAsync(buffer, ct) is > 0 and var count)
            {
                lock (_gate)
                {
                    _held.Write(buffer.AsSpan(0, count));
                    _last = Stopwatch.GetTimestamp();
                }
            }
        }

        public async Task<bool> DeliverAsync()
        {
            byte[] bytes;
            lock (_gate)
            {
                bytes = _held.WrittenSpan.ToArray();
                _held.ResetWrittenCount();
            }

            for (int sent = 0; sent < bytes.Length;)
            {
                sent += await to.SendAsync(bytes.AsMemory(sent));
            }

            return bytes.Length > 0;
        }
    }
}
