using System.IO.Pipelines;

namespace NativeSync.Engine.Session;

/// <summary>
/// Paces what all lanes of an end send together, in bytes on the wire: those of the frames, and what SSH adds. A schedule rather than a bucket: each
/// slice moves the moment at which the next one may go. Idle time is not saved up, and lateness only so far that no more than a tenth of a second's
/// worth goes at once.
/// </summary>
/// <remarks>
/// Guarded by <c>_gate</c>: the schedule. One lane at a time waits for its turn, and the schedule goes on from the moment at which the bytes went: were
/// turns given beforehand, lanes that a busy machine wakes late would send all at once.
/// </remarks>
internal sealed class RateLimiter(TimeProvider clock)
{
    /// <summary>What an SSH channel carries in one packet.</summary>
    private const int PacketSize = 32 * 1024;

    /// <summary>What SSH adds to a packet: lengths, type and channel (14 bytes), padding (12 on average) and the MAC (16 to 32).</summary>
    private const int PacketOverhead = 48;

    /// <summary>Slices of a second.</summary>
    private const int SlicesPerSecond = 20;

    /// <summary>The part of a second whose worth may go at once: a slice, and what was late.</summary>
    private const int BurstsPerSecond = 10;

    /// <summary>Bytes on the wire. Of smaller ones SSH's part would be more than a twentieth; at 10 KiB/s this is a tenth of a second's worth.</summary>
    private const int SmallestSlice = 1024;

    private const int LargestSlice = 256 * 1024;

    private readonly Lock _gate = new();
    private long _rate;
    private long _next = clock.GetTimestamp();

    // Of the slice whose turn was asked for: cut and reckoned by one look at the rate, or one that was cut for a high rate would hold up all at a low one.
    private long _cost;
    private long _lateness;

    /// <summary>Bytes per second; 0 for no limit. May be changed at any time.</summary>
    public long BytesPerSecond
    {
        get => Volatile.Read(ref _rate);
        set => Volatile.Write(ref _rate, value);
    }

    /// <summary>How long to wait before the next bytes may go; when they have, <see cref="Went"/> is to be called. For one caller at a time.</summary>
    /// <param name="bytes">What is there to go; in return as many as may go at once.</param>
    public TimeSpan Due(ref int bytes)
    {
        var rate = BytesPerSecond;
        _cost = 0;
        if (rate <= 0)
        {
            return TimeSpan.Zero;
        }

        var slice = (int)Math.Clamp(rate / SlicesPerSecond, SmallestSlice, LargestSlice);
        bytes = Math.Min(bytes, slice - Overhead(slice));
        var second = (double)clock.TimestampFrequency;
        _cost = (long)((bytes + Overhead(bytes)) / (double)rate * second);
        _lateness = Math.Max(0, (long)(second / BurstsPerSecond - slice / (double)rate * second));
        var now = clock.GetTimestamp();
        return _next > now ? clock.GetElapsedTime(now, _next) : TimeSpan.Zero;
    }

    /// <summary>They went.</summary>
    public void Went()
    {
        if (_cost > 0)
        {
            _next = Math.Max(_next, clock.GetTimestamp() - _lateness) + _cost;
        }
    }

    /// <summary>Waits until some of a lane's bytes may go, and hands them to it.</summary>
    /// <param name="output">The lane's.</param>
    /// <param name="rest">What is there to go; in return what is left of it.</param>
    /// <param name="ct">Ends the waiting.</param>
    public ValueTask<FlushResult> Write(PipeWriter output, ref ReadOnlyMemory<byte> rest, CancellationToken ct)
    {
        if (BytesPerSecond <= 0)
        {
            var all = rest;
            rest = default;
            return output.WriteAsync(all, ct);
        }

        lock (_gate)
        {
            int bytes;
            while (true)
            {
                ct.ThrowIfCancellationRequested();
                bytes = rest.Length;
                if (Due(ref bytes) is not { Ticks: > 0 } delay)
                {
                    break;
                }

                if (clock == TimeProvider.System)
                {
                    // A thread that may wait needs no timer, and is woken no later for a pool that is busy.
                    ct.WaitHandle.WaitOne((int)Math.Ceiling(delay.TotalMilliseconds));
                }
                else
                {
                    Task.Delay(delay, clock, ct).GetAwaiter().GetResult();
                }
            }

            var slice = rest[..bytes];
            rest = rest[bytes..];
            var flushing = output.WriteAsync(slice, ct);
            Went();
            return flushing;
        }
    }

    /// <summary>The same for one who sends alone, as before there are lanes: waits until as many bytes as it returns may go.</summary>
    public async ValueTask<int> WaitAsync(int bytes, CancellationToken ct)
    {
        int some;
        while (true)
        {
            some = bytes;
            if (Due(ref some) is not { Ticks: > 0 } delay)
            {
                break;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(Math.Ceiling(delay.TotalMilliseconds)), clock, ct).ConfigureAwait(false);
        }

        Went();
        return some;
    }

    private static int Overhead(int bytes) => (bytes + PacketSize - 1) / PacketSize * PacketOverhead;
}
