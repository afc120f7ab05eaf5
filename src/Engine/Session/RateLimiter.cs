namespace NativeSync.Engine.Session;

/// <summary>
/// Paces what a lane sends, in bytes on the wire. A schedule rather than a bucket: each slice moves the moment at which
/// the next one may go, and idle time is not saved up beyond one slice, so that there are no bursts.
/// </summary>
internal sealed class RateLimiter(long bytesPerSecond, TimeProvider clock)
{
    private readonly double _ticksPerByte = (double)clock.TimestampFrequency / bytesPerSecond;
    private long _next = clock.GetTimestamp();

    /// <summary>The most bytes to hand over at once: a twentieth of a second's worth.</summary>
    public int Slice { get; } = (int)Math.Clamp(bytesPerSecond / 20, 512, 256 * 1024);

    /// <summary>Waits until <paramref name="bytes"/> more may go.</summary>
    public void Wait(int bytes, CancellationToken ct)
    {
        var now = clock.GetTimestamp();
        if (_next > now)
        {
            var delay = clock.GetElapsedTime(now, _next);
            ct.WaitHandle.WaitOne(delay);
            ct.ThrowIfCancellationRequested();
        }
        else
        {
            _next = now;
        }

        _next += (long)(bytes * _ticksPerByte);
    }
}
