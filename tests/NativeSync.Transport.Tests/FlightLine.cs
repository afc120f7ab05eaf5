using System.Buffers;
using System.Net;
using System.Net.Sockets;

namespace NativeSync.Transport.Tests;

/// <summary>
/// A port that leads to a server. From a moment on everything flies together: what both sides write is held back until neither writes any more, and then
/// delivered at once. What a side writes is one flight later than what it has heard, so a flight that a busy machine cuts in two is still one. On a line
/// whose length is all that matters the same takes as many round trips as the near side has waited for.
/// </summary>
internal sealed class FlightLine : IDisposable
{
    /// <summary>
    /// So many looks in a row that find nothing new, 5 ms apart, are long enough for a side to have said all that it can say without hearing anything.
    /// They are counted and not timed, on the threads that the near side runs on: while those get no processor, nobody looks either.
    /// </summary>
    private const int QuietLooks = 140;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private int _heard;

    public FlightLine(int target)
    {
        _listener.Start();
        _ = RunAsync(target);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Round trips that the near side has waited for since <see cref="Holds"/> was set.</summary>
    public int RoundTrips => Volatile.Read(ref _heard) / 2;

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
            (there.Opposite, back.Opposite) = (back, there);
            Task collecting = Task.WhenAll(there.CollectAsync(_stop.Token), back.CollectAsync(_stop.Token));
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                bool counts = Holds;
                if (!counts || (there.IsQuiet() & back.IsQuiet()))
                {
                    await Task.WhenAll(there.DeliverAsync(counts), back.DeliverAsync(counts));
                    Volatile.Write(ref _heard, back.Heard);
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
        private int _looks;
        private int _flight;
        private int _heard;

        public Direction Opposite { get; set; } = null!;

        /// <summary>The flight in which what arrived last came, counted in both directions together.</summary>
        public int Heard => Volatile.Read(ref _heard);

        /// <summary>One more look.</summary>
        public bool IsQuiet()
        {
            lock (_gate)
            {
                return ++_looks > QuietLooks;
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
                    _flight = Math.Max(_flight, Opposite.Heard + 1);
                    _looks = 0;
                }
            }
        }

        public async Task DeliverAsync(bool counts)
        {
            byte[] bytes;
            lock (_gate)
            {
                bytes = _held.WrittenSpan.ToArray();
                _held.ResetWrittenCount();
                if (!counts)
                {
                    _flight = 0;
                }
                else if (bytes.Length > 0)
                {
                    Volatile.Write(ref _heard, _flight);
                }
            }

            for (int sent = 0; sent < bytes.Length;)
            {
                sent += await to.SendAsync(bytes.AsMemory(sent));
            }
        }
    }
}
