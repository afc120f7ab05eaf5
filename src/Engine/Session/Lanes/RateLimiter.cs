namespace NativeSync.Engine.Session;

/// <summary>
/// Paces what all lanes of an end send together, in bytes on the wire. A schedule rather than a bucket: each slice moves the moment at
/// which the next one may go. Idle time is not saved up, and lateness only as far as one slice, so that there are no bursts.
/// </summary>
internal sealed class RateLimiter(TimeProvider clock)
{
    /// <summary>Slices of a second: with one that was late a burst is at most a tenth of a second's worth.</summary>
    private const int SlicesPerSecond = 20;

    private const int SmallestSlice = 512;
    private const int LargestSlice = 256 * 1024;

    private readonly Lock _gate = new();
    private long _rate;
    private long _next = clock.GetTimestamp();

    /// <summary>Bytes per second; 0 for no limit. May be changed at any time.</summary>
    public long BytesPerSecond
    {
        get => Volatile.Read(ref _rate);
        set => Volatile.Write(ref _rate, value);
    }

    /// <summary>
    /// Takes the next turn: how long to wait before the next bytes may go. Cut and reckoned by one look at the rate, or a pack that was let through
    /// whole would wait for its length at a tiny rate that was set that moment.
    /// </summary>
    /// <param name="bytes">What is there to go; in return as many as may go at once.</param>
    public TimeSpan Reserve(ref int bytes)
    {
        var rate = BytesPerSecond;
        if (rate <= 0)
        {
            return TimeSpan.Zero;
        }

        bytes = Math.Min(bytes, (int)Math.Clamp(rate / SlicesPerSecond, SmallestSlice, LargestSlice));
        lock (_gate)
        {
            var now = clock.GetTimestamp();
            var start = Math.Max(_next, now - clock.TimestampFrequency / SlicesPerSecond);
            _next = start + (long)((double)bytes / rate * clock.TimestampFrequency);
            return start > now ? clock.GetElapsedTime(now, start) : TimeSpan.Zero;
        }
    }

    /// <summary>Waits until some of <paramref name="bytes"/> may go: as many as are returned.</summary>
    public int Wait(int bytes, CancellationToken ct)
    {
        if (Reserve(ref bytes) is var delay && delay > TimeSpan.Zero)
        {
            if (clock == TimeProvider.System)
            {
                // A thread that may wait needs no timer, and is woken no later for a pool that is busy.
                ct.WaitHandle.WaitOne(delay);
                ct.ThrowIfCancellationRequested();
            }
            else
            {
                Task.Delay(delay, clock, ct).GetAwaiter().GetResult();
            }
        }

        return bytes;
    }
}
