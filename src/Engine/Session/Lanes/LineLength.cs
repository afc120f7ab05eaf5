namespace NativeSync.Engine.Session;

/// <summary>
/// How long the line is there and back: the shortest that anything has taken, until it becomes longer (another route, somebody else's queue). That looks
/// just as a line that has become slower: less comes through, and packs take long because others of ours wait before them. So it is tried: twice as much
/// under way brings more on a line that is longer, and nothing on one that is slower. Guarded by the outbox's monitor.
/// </summary>
/// <param name="frequency">Clock ticks per second.</param>
internal sealed class LineLength(long frequency)
{
    /// <summary>Less than so much of the best period, and something has changed.</summary>
    private const double Fallen = 0.8;

    /// <summary>What is granted is under way for <see cref="LineFlow.Share"/> times the length, if it waits for itself; this is longer.</summary>
    private const double Longer = 1.2 * LineFlow.Share;

    /// <summary>Twice as much under way brings so much, in so many periods. What comes by chance brings less, and then the packs take longer instead.</summary>
    private const double Brings = 1.6;

    /// <inheritdoc cref="Brings"/>
    private const int Periods = 3;

    private long _shortest = long.MaxValue;
    private long _longer;
    private long _longerBefore;
    private double _best;
    private double _before;
    private int _left;

    // The period.
    private long _since;
    private long _bytes;
    private long _quickest = long.MaxValue;
    private bool _isBound;

    /// <summary>Clock ticks.</summary>
    public long Ticks => Math.Max(_shortest, _longer);

    /// <summary>A greater length is being tried.</summary>
    public bool IsTried => _left > 0;

    /// <summary>Something has been there and is back: so long is the line at most.</summary>
    public void Heard(long took)
    {
        _shortest = Math.Min(_shortest, took);
        _longer = Math.Min(_longer, took);
    }

    /// <summary>More could go, but too much is under way.</summary>
    public void HoldsUp() => _isBound = true;

    /// <summary>A pack is there. True when a trial begins or ends.</summary>
    public bool Confirm(int bytes, long took, long now)
    {
        Heard(took);
        _bytes += bytes;
        _quickest = Math.Min(_quickest, took);
        if (now - _since < Math.Max(frequency, 2 * _quickest))
        {
            return false;
        }

        var changes = _since != 0 && EndPeriod((double)_bytes / (now - _since));
        (_since, _bytes, _quickest, _isBound) = (now, 0, long.MaxValue, false);
        return changes;
    }

    private bool EndPeriod(double rate)
    {
        _best = Math.Max(rate, _best);
        if (IsTried)
        {
            if (rate >= _before * Brings)
            {
                // No queue of ours could form, so the quickest shows how long it is.
                (_left, _longer) = (0, Math.Max(_longer, _quickest));
            }
            else if (--_left == 0)
            {
                // The line is as long as it was, and slower.
                (_longer, _best) = (Math.Min(_longer, _longerBefore), rate);
            }

            return _left == 0;
        }

        if (!_isBound || rate >= _best * Fallen || _quickest < Longer * Ticks)
        {
            return false;
        }

        (_left, _before, _longerBefore, _longer) = (Periods, rate, _longer, _quickest);
        return true;
    }
}
