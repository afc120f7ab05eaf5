using NativeSync.Engine;

namespace NativeSync.Cli.Output;

/// <summary>What a progress line can say at one moment.</summary>
/// <param name="Progress">The counts behind it.</param>
/// <param name="Percent">0 to 100; null as long as the totals still grow. Never falls.</param>
/// <param name="BytesPerSecond">Of file content settled, over the last seconds.</param>
/// <param name="Remaining">Null as long as it cannot be told. Never grows: when the line slows down, it stands still instead.</param>
internal readonly record struct ProgressView(SyncProgress Progress, int? Percent, double BytesPerSecond, TimeSpan? Remaining);

/// <summary>Turns counts into a rate and a time that remains, neither of which jumps. Not safe for several threads.</summary>
internal sealed class ProgressEstimate(TimeProvider clock)
{
    /// <summary>Time in which an old rate loses about two thirds of its weight.</summary>
    private static readonly TimeSpan Memory = TimeSpan.FromSeconds(5);

    /// <summary>A rate over less than this says nothing.</summary>
    private static readonly TimeSpan LeastStep = TimeSpan.FromMilliseconds(50);

    private readonly long _start = clock.GetTimestamp();
    private long _last = clock.GetTimestamp();
    private long _lastBytes;
    private double _rate;
    private bool _hasRate;
    private int _percent;
    private TimeSpan? _remaining;

    /// <summary>Since this object was made.</summary>
    public TimeSpan Elapsed => clock.GetElapsedTime(_start);

    /// <summary>Takes new counts.</summary>
    public ProgressView Update(in SyncProgress progress)
    {
        long now = clock.GetTimestamp();
        TimeSpan step = clock.GetElapsedTime(_last, now);
        if (step >= LeastStep)
        {
            double current = Math.Max(0, progress.Bytes - _lastBytes) / step.TotalSeconds;
            double weight = _hasRate ? 1 - Math.Exp(-step / Memory) : 1;
            _rate += weight * (current - _rate);
            _hasRate = true;
            _last = now;
            _lastBytes = progress.Bytes;
        }

        if (!progress.TotalsFinal)
        {
            return new ProgressView(progress, null, _rate, null);
        }

        double share = progress.TotalBytes > 0 ? (double)progress.Bytes / progress.TotalBytes
            : progress.TotalEntries > 0 ? (double)progress.Entries / progress.TotalEntries : 1;
        _percent = Math.Max(_percent, (int)(100 * Math.Clamp(share, 0, 1)));
        return new ProgressView(progress, _percent, _rate, Remaining(progress));
    }

    private TimeSpan? Remaining(in SyncProgress progress)
    {
        long left = Math.Max(0, progress.TotalBytes - progress.Bytes);

        // The average of the whole run steadies the last seconds' rate.
        double rate = (_rate + (progress.Bytes / Math.Max(0.001, Elapsed.TotalSeconds))) / 2;
        if (rate <= 0 && left > 0)
        {
            return _remaining;
        }

        TimeSpan estimate = left == 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(Math.Min(left / rate, 359_999));
        _remaining = _remaining is { } before && before < estimate ? before : estimate;
        return _remaining;
    }
}
