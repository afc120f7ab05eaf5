namespace NativeSync.Engine.Session;

/// <summary>
/// How much may be under way on all lanes together. Several connections that each send what their windows allow overrun the queue of the narrowest
/// router, and then a tenth of the line and more goes to what is sent again; and how much fills a line depends on its length, its rate and what it
/// loses. So it is tried: more while no queue stands, or less while one does, for some round trips, and kept when more comes through, or with less no
/// less. What fails is tried again more and more rarely. Guarded by the outbox's monitor.
/// </summary>
/// <param name="frequency">Clock ticks per second.</param>
internal sealed class LineFlow(long frequency)
{
    private const long Least = 1024 * 1024;

    /// <summary>A line of 200 Mbit/s at 200 ms, and half of its queue.</summary>
    private const long Beginning = 6 * 1024 * 1024;

    /// <summary>
    /// So many times what the line holds may be under way in any case. What is lost arrives one or two round trips later and holds up all behind it;
    /// what is more than TCP lets out waits at this end, and overruns no queue.
    /// </summary>
    private const double Recovering = 3;

    /// <summary>More than is ever granted.</summary>
    private const long Most = 64 * 1024 * 1024;

    private const double Step = 1.4;

    /// <summary>What more under way has to bring to be kept.</summary>
    private const double Worthwhile = 1.04;

    /// <summary>What less under way may cost.</summary>
    private const double Harmless = 0.98;

    /// <summary>Of a trial, the first not counted: it still shows what was before.</summary>
    private const int Rounds = 4;

    private const int LongestRest = 32;

    private long _limit = Beginning;
    private long _kept = Beginning;
    private double _keptRate;
    private int _rest = 1;
    private int _resting;
    private long _underWay;
    private long _shortest = long.MaxValue;

    // The round and the trial.
    private long _since;
    private long _bytes;
    private bool _isBound;
    private int _round;
    private double _rates;
    private double _leastQueue = double.MaxValue;
    private double _shallowest = double.MaxValue;
    private double _deepest;

    /// <summary>The shortest that a pack or an answer has taken there and back: clock ticks.</summary>
    public long Shortest => _shortest;

    /// <summary>Whether another pack may go.</summary>
    public bool HasRoom
    {
        get
        {
            var room = _underWay < _limit;
            _isBound |= !room;
            return room;
        }
    }

    /// <summary>A pack goes.</summary>
    public void Add(int bytes) => _underWay += bytes;

    /// <summary>A pack is not under way any more.</summary>
    public void Forget(int bytes) => _underWay -= bytes;

    /// <summary>Something has been there and is back: so long is the line at most.</summary>
    public void Heard(long took) => _shortest = Math.Min(_shortest, took);

    /// <summary>A pack is there.</summary>
    /// <param name="bytes">Of it.</param>
    /// <param name="took">Clock ticks since it went.</param>
    /// <param name="now">Clock ticks.</param>
    /// <param name="isFirst">It came over the first lane: what waits there tells of the line, and a connection that has just begun tells nothing.</param>
    public void Confirm(int bytes, long took, long now, bool isFirst)
    {
        Heard(took);
        _bytes += bytes;
        if (isFirst)
        {
            _leastQueue = Math.Min(_leastQueue, took - _shortest - (_keptRate > 0 ? bytes / _keptRate : 0));
        }

        var length = now - _since;
        if (length < Math.Max(_shortest + _shortest / 2, frequency / 25))
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
        if (!_isBound)
        {
            // Something else held it up: that says nothing.
            BeginTrial();
            return;
        }

        if (_round > 0)
        {
            _rates += rate;
            if (_leastQueue < double.MaxValue)
            {
                _shallowest = Math.Min(_shallowest, _leastQueue);
                _deepest = Math.Max(_deepest, _leastQueue);
            }
        }

        _leastQueue = double.MaxValue;
        if (++_round == Rounds)
        {
            Judge(_rates / (Rounds - 1));
            BeginTrial();
        }
    }

    /// <summary>A trial, or a rest between two of them, is over.</summary>
    private void Judge(double rate)
    {
        if (_limit == _kept)
        {
            // A moment in which the line was not fed is not what it carries.
            _keptRate = Math.Max(rate, (_keptRate + rate) / 2);
            _resting--;
        }
        else if (rate >= _keptRate * (_limit > _kept ? Worthwhile : Harmless))
        {
            (_kept, _keptRate, _rest, _resting) = (_limit, rate, 1, 0);
        }
        else
        {
            _limit = _kept;
            _resting = _rest = Math.Min(2 * _rest, LongestRest);
        }

        if (_resting <= 0 && _limit == _kept && _shallowest < double.MaxValue)
        {
            // In each round that tells a pack met no queue: there is none, whatever losses did to the others. In one round alone, TCP starts or has made a pause.
            _limit = _deepest < _shortest / 8 + frequency / 100 ? Math.Min(Most, (long)(_kept * Step))
                : _shallowest > _shortest / 2 + frequency / 20 ? Math.Max(Math.Max(Least, Math.Min(_kept, (long)(Recovering * rate * _shortest))), (long)(_kept / Step))
                : _kept;
        }
    }

    private void BeginTrial()
    {
        _round = 0;
        _rates = 0;
        _shallowest = double.MaxValue;
        _deepest = 0;
    }
}
