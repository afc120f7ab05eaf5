namespace NativeSync.Transport;

/// <summary>
/// Lets the lanes of one connection send in turns: first what has waited longest. A lock hands itself to whoever comes first, which is the thread that
/// has just left it: a lane would keep the line for a tenth of a second and more, with all that it has, while the packs of the others, which the peer
/// needs first, wait for it. Were each given the same, one that was filled before the others were there would be emptied last. Now and then it is the
/// turn of who has asked first, so that none is silent for long while others have much that is older.
/// </summary>
/// <remarks>Safe for use by several threads; nobody may wait for anything but the line while it is theirs.</remarks>
internal sealed class SendTurns
{
    /// <summary>One turn of so many is that of who has asked first.</summary>
    private const int AskedOneIn = 8;

    private readonly Lock _gate = new();

    /// <summary>Those that wait, in the order in which they asked: as many as a connection has channels at most.</summary>
    private readonly List<(Turn Turn, long Since)> _waiting = [];
    private int _given;
    private bool _taken;

    /// <summary>Waits until it is one's turn.</summary>
    /// <param name="turn">Of the thread that asks.</param>
    /// <param name="since">Since when its bytes wait: the smallest comes first, and of equal ones who has asked first.</param>
    public void Enter(Turn turn, long since)
    {
        lock (_gate)
        {
            if (!_taken)
            {
                _taken = true;
                return;
            }

            _waiting.Add((turn, since));
        }

        turn.Wait();
    }

    /// <summary>One's turn is over, and one asks for the next, which may be one's own again.</summary>
    /// <inheritdoc cref="Enter"/>
    public void Again(Turn turn, long since)
    {
        lock (_gate)
        {
            _waiting.Add((turn, since));
            Turn next = TakeNext();
            if (next == turn)
            {
                return;
            }

            next.Come();
        }

        turn.Wait();
    }

    /// <summary>One's turn is over.</summary>
    public void Leave()
    {
        lock (_gate)
        {
            if (_waiting.Count > 0)
            {
                TakeNext().Come();
            }
            else
            {
                _taken = false;
            }
        }
    }

    private Turn TakeNext()
    {
        int next = 0;
        if (++_given % AskedOneIn != 0)
        {
            for (int i = 1; i < _waiting.Count; i++)
            {
                next = _waiting[i].Since < _waiting[next].Since ? i : next;
            }
        }

        Turn turn = _waiting[next].Turn;
        _waiting.RemoveAt(next);
        return turn;
    }

    /// <summary>Where a thread waits. One for each thread that sends.</summary>
    public sealed class Turn
    {
        private readonly object _gate = new();
        private bool _come;

        internal void Come()
        {
            lock (_gate)
            {
                _come = true;
                Monitor.Pulse(_gate);
            }
        }

        internal void Wait()
        {
            lock (_gate)
            {
                while (!_come)
                {
                    Monitor.Wait(_gate);
                }

                _come = false;
            }
        }
    }
}
