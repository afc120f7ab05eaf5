namespace NativeSync.Engine.Session;

/// <summary>
/// How much may be under way on all lanes together: what fills the line, and little more. Several connections that each send what their windows allow
/// overrun the queue of the narrowest router, and then a tenth of the line and more goes to what is sent again. Judged by how long packs take beyond
/// the length of the line; what was delivered in that time at the best of late is the least. Guarded by the outbox's monitor.
/// </summary>
/// <param name="frequency">Clock ticks per second.</param>
internal sealed class LineFlow(long frequency)
{
    private const long Least = 1024 * 1024;

    private const long Beginning = 4 * 1024 * 1024;

    /// <summary>More than is ever granted.</summary>
    private const long Most = 64 * 1024 * 1024;

    /// <summary>What the line holds at the best rate, and a quarter more: packs come in lumps.</summary>
    private const double Share = 1.25;

    private readonly double[] _rates = new double[8];
    private long _limit = Beginning;
    private long _underWay;
    private long _shortest = long.MaxValue;
    private long _since;
    private long _bytes;
    private double _leastQueue = double.MaxValue;
    private int _round;
    private bool _rising = true;

    /// <summary>The shortest that a pack or an answer has taken there and back: clock ticks.</summary>
    public long Shortest => _shortest;

    /// <summary>Whether another pack may go.</summary>
    public bool HasRoom => _underWay < _limit;

    /// <summary>A pack goes.</summary>
    public void Add(int bytes) => _underWay += bytes;

    /// <summary>A pack is not under way any more: its lane was lost.</summary>
    public void Forget(int bytes) => _underWay -= bytes;

    /// <summary>Something has been there and is back: so long is the line at most.</summary>
    public void Heard(long took) => _shortest = Math.Min(_shortest, took);

    /// <summary>A pack is there.</summary>
    /// <param name="bytes">Of it.</param>
    /// <param name="took">Clock ticks since it went.</param>
    /// <param name="now">Clock ticks.</param>
    public void Confirm(int bytes, long took, long now)
    {
        Heard(took);
        var best = Best();
        var own = best > 0 ? bytes / best : 0;
        _leastQueue = Math.Min(_leastQueue, took - _shortest - own);
        _bytes += bytes;
        var length = now - _since;
        if (length < Math.Max(2 * _shortest, frequency / 20))
        {
            return;
        }

        var rate = (double)_bytes / length;
        if (_since != 0)
        {
            _rates[_round++ % _rates.Length] = rate;
            Adjust(rate < best * 1.2);
        }

        _since = now;
        _bytes = 0;
        _leastQueue = double.MaxValue;
    }

    private void Adjust(bool levels)
    {
        var holds = (long)(Share * Best() * _shortest);
        if (_rising)
        {
            // As TCP begins: doubled until no more comes through; then what waits in queues is let off.
            _rising = !levels;
            _limit = levels ? holds : 2 * _limit;
        }
        else
        {
            _limit += _leastQueue < _shortest / 8 + frequency / 100 ? _limit / 8 : -_limit / 16;
        }

        _limit = Math.Clamp(_limit, Math.Max(Least, holds), Most);
    }

    /// <summary>Bytes per clock tick, the best of the last rounds.</summary>
    private double Best()
    {
        double best = 0;
        foreach (var rate in _rates)
        {
            best = Math.Max(best, rate);
        }

        return best;
    }
}
