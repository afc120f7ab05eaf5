using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>Whether the other end of a lane lives, and how far away it is.</summary>
/// <remarks>Clocks are interlocked fields: the receive loop, a timer and whoever asks touch them.</remarks>
internal sealed class LanePulse(TimeProvider clock, RecordOutbox outbox, LanePort port) : IAsyncDisposable
{
    private long _shortestRoundTrip = long.MaxValue;
    private long _lastHeard = clock.GetTimestamp();
    private ITimer? _timer;

    /// <summary>The shortest time that an answer has taken so far; endless before there was one.</summary>
    public TimeSpan ShortestRoundTrip => new(Volatile.Read(ref _shortestRoundTrip));

    /// <summary>Asks for a sign of life again and again.</summary>
    /// <param name="timeout">The silence that is too long; zero for none.</param>
    /// <param name="onSilence">What happens then.</param>
    public void Watch(TimeSpan timeout, Action onSilence)
    {
        if (timeout <= TimeSpan.Zero)
        {
            return;
        }

        Heard();
        _timer = clock.CreateTimer(_ => Look(timeout, onSilence), null, timeout / 4, timeout / 4);
    }

    /// <summary>Something came.</summary>
    public void Heard() => Volatile.Write(ref _lastHeard, clock.GetTimestamp());

    /// <summary>Asks for an answer, which shows that the other end lives and how far away it is.</summary>
    public void Ping() => outbox.Control(port, ControlFrames.Encode(new PingFrame((ulong)clock.GetTimestamp())));

    /// <summary>An answer came.</summary>
    /// <param name="asked">When it was asked for, as the peer has it.</param>
    public void Answered(ulong asked)
    {
        // What the peer made up is no time at all.
        if (clock.GetElapsedTime((long)asked).Ticks is >= 0 and var took && took < Volatile.Read(ref _shortestRoundTrip))
        {
            Volatile.Write(ref _shortestRoundTrip, took);
        }
    }

    public ValueTask DisposeAsync() => _timer?.DisposeAsync() ?? ValueTask.CompletedTask;

    private void Look(TimeSpan timeout, Action onSilence)
    {
        if (clock.GetElapsedTime(Volatile.Read(ref _lastHeard)) <= timeout)
        {
            Ping();
        }
        else
        {
            onSilence();
        }
    }
}
