using NativeSync.Protocol;

namespace NativeSync.Engine.Tests.Session;

/// <summary>The door of agents in this process.</summary>
internal sealed class InProcessDoor : ILaneDoor
{
    private readonly Lock _gate = new();
    private readonly Dictionary<UInt128, Func<JoinFrame, ILane, Task<bool>>> _sessions = [];
    private int _joined;

    /// <summary>Lanes that were taken and have ended.</summary>
    public int Joined => Volatile.Read(ref _joined);

    /// <summary>Changes what a lane says before the agent hears it.</summary>
    public Func<JoinFrame, JoinFrame> Tamper { get; init; } = join => join;

    public IAsyncDisposable? Open(UInt128 session, Func<JoinFrame, ILane, Task<bool>> take)
    {
        lock (_gate)
        {
            _sessions.Add(session, take);
        }

        return new Opened(this, session);
    }

    public async Task<bool> PassOnAsync(JoinFrame join, ILane lane)
    {
        Func<JoinFrame, ILane, Task<bool>>? take;
        lock (_gate)
        {
            take = _sessions.GetValueOrDefault(join.Session);
        }

        if (take is null || !await take(Tamper(join), lane))
        {
            return false;
        }

        Interlocked.Increment(ref _joined);
        return true;
    }

    private sealed class Opened(InProcessDoor door, UInt128 session) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            lock (door._gate)
            {
                door._sessions.Remove(session);
            }

            return ValueTask.CompletedTask;
        }
    }
}
