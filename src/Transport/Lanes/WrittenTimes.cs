using System.Diagnostics;

namespace NativeSync.Transport;

/// <summary>Since when the bytes that a lane has taken, and not yet passed on, wait.</summary>
/// <remarks>Safe for use by two threads: one that writes, and one that passes on, and speaks of positions in rising order.</remarks>
internal sealed class WrittenTimes
{
    /// <summary>Bytes that share the time of the first of them, so that what is written in crumbs leaves few marks.</summary>
    private const int Grain = 32 * 1024;

    /// <summary>How long they do.</summary>
    private static readonly long MostShared = Stopwatch.Frequency / 100;

    private readonly Lock _gate = new();
    private readonly Queue<(long Position, long Time)> _marks = new();
    private (long Position, long Time) _newest = (-Grain, 0);
    private (long Position, long Time) _asked;
    private long _written;

    /// <summary>So many bytes are written now.</summary>
    public void Add(int count)
    {
        long now = Stopwatch.GetTimestamp();
        lock (_gate)
        {
            if (_written - _newest.Position >= Grain || now - _newest.Time > MostShared)
            {
                _newest = (_written, now);
                _marks.Enqueue(_newest);
            }

            _written += count;
        }
    }

    /// <summary>When the byte at a position was written, in ticks of <see cref="Stopwatch"/>.</summary>
    public long At(long position)
    {
        lock (_gate)
        {
            Forget(position);
            return _asked.Time;
        }
    }

    /// <summary>All before a position has been passed on.</summary>
    public void Passed(long position)
    {
        lock (_gate)
        {
            Forget(position);
        }
    }

    /// <summary>Times that are known.</summary>
    internal int Marks
    {
        get
        {
            lock (_gate)
            {
                return _marks.Count;
            }
        }
    }

    private void Forget(long position)
    {
        while (_marks.TryPeek(out (long Position, long Time) next) && next.Position <= position)
        {
            _asked = _marks.Dequeue();
        }
    }
}
