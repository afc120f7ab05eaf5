namespace NativeSync.Transport;

/// <summary>
/// Lets the lanes of one connection send in turns: first what has waited longest. A lock hands itself to whoever comes first, which is the thread that
/// has just left it: a lane would keep the line for a tenth of a second and more, with all that it has, while the packs of the others, which the peer
/// needs first, wait for it. Were each given the same, one that was filled before the others were there would be emptied last.
/// </summary>
/// <remarks>Safe for use by several threads; nobody may wait for anything but the line while it is theirs.</remarks>
internal sealed class SendTurns
{
    private readonly Lock _gate = new();
    private readonly PriorityQueue<Turn, (long Since, long Asked)> _waiting = new();
    private long _asked;
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

            _waiting.Enqueue(turn, (since, _asked++));
        }

        turn.Wait();
    }

    /// <summary>The next one's turn has come.</summary>
    public void Leave()
    {
        lock (_gate)
        {
            if (_waiting.TryDequeue(out Turn? next, out _))
            {
                next.Come();
            }
            else
            {
                _taken = false;
            }
        }
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
