namespace NativeSync.Engine.Session;

/// <summary>
/// How much may be under way on all lanes together: so much that TCP never waits for us while it looks for the line's rate, or mends what was lost
/// (a kernel that now and then has nothing to send takes what came through for what it was given, and goes on at three times the line's rate); and
/// no more, since what is under way can no longer be overtaken. Guarded by the outbox's monitor.
/// </summary>
/// <param name="frequency">Clock ticks per second.</param>
internal sealed class LineFlow(long frequency)
{
    private const long Least = 1024 * 1024;

    /// <summary>
    /// TCP begins with up to three times what the line holds, and what is lost arrives one or two round trips later and holds up all behind it: so many
    /// times what the line holds may be under way.
    /// </summary>
    public const double Share = 3;

    /// <summary>
    /// While nothing is known. It bounds what TCP's beginning overruns the queue by: 200 Mbit/s at 200 ms hold 5 MB, and such a queue half of that.
    /// </summary>
    private const long Beginning = 8 * 1024 * 1024;

    /// <summary>More than is ever granted.</summary>
    private const long Most = 64 * 1024 * 1024;

    /// <summary>More than so much above the best yet, and TCP is still looking.</summary>
    private const double Growing = 1.1;

    /// <summary>The best yet loses so much of itself in a round that does not come up to it: a line may become slower.</summary>
    private const double Forgetting = 1.0 / 32;

    private readonly LineLength _length = new(frequency);
    private long _limit = Beginning;
    private long _underWay;
    private double _best;

    // The round.
    private long _since;
    private long _bytes;
    private bool _isBound;

    /// <summary>The least that a pack or an answer takes there and back: clock ticks.</summary>
    public long Shortest => _length.Ticks;

    /// <summary>Whether another pack may go.</summary>
    public bool HasRoom
    {
        get
        {
            if (_underWay < _limit)
            {
                return true;
            }

            _isBound = true;
            _length.HoldsUp();
            return false;
        }
    }

    /// <summary>A pack goes.</summary>
    public void Add(int bytes) => _underWay += bytes;

    /// <summary>A pack is not under way any more.</summary>
    public void Forget(int bytes) => _underWay -= bytes;

    /// <summary>Something has been there and is back: so long is the line at most.</summary>
    public void Heard(long took) => _length.Heard(took);

    /// <summary>A lane has as much under way as it may, and there is more.</summary>
    public void HoldsUpALane() => _length.HoldsUp();

    /// <summary>A pack is there.</summary>
    /// <param name="bytes">Of it.</param>
    /// <param name="took">Clock ticks since it went.</param>
    /// <param name="now">Clock ticks.</param>
    public void Confirm(int bytes, long took, long now)
    {
        if (_length.Confirm(bytes, took, now))
        {
            SetLimit();
        }

        _bytes += bytes;
        var length = now - _since;
        if (length < Math.Max(Shortest + Shortest / 2, frequency / 25))
        {
            return;
        }

        if (_since != 0)
        {
            EndRound((double)_bytes / length);
        }

        _since = now;
        _bytes = 0;
        _isBound = false;
    }

    private void EndRound(double rate)
    {
        var grows = rate > _best * Growing;
        _best = Math.Max(rate, _best - _best * Forgetting);

        // A round that something else held up, or in which TCP was still looking, says nothing.
        if (_isBound && !grows && !_length.IsTried)
        {
            SetLimit();
        }
    }

    private void SetLimit() => _limit = (long)Math.Clamp(_length.IsTried ? 2 * _limit : Share * _best * Shortest, Least, Most);
}
