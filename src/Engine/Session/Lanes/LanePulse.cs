using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>Whether the other end of a lane lives, and how far away it is.</summary>
/// <remarks>Interlocked fields: the receive loop, a timer and whoever asks touch them.</remarks>
internal sealed class LanePulse(TimeProvider clock, RecordOutbox outbox, LanePort port) : IAsyncDisposable
{
    /// <summary>
    /// A sign of life is asked for so often within the time-out, and so many times in a row there must have been none. Counted and not timed:
    /// a process that was stopped for a while has not heard anything, and its peer may well be there.
    /// </summary>
    private const int AsksPerTimeout = 4;

    private long _shortestRoundTrip = long.MaxValue;
    private int _asked;
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
        _timer = clock.CreateTimer(_ => Look(onSilence), null, timeout / AsksPerTimeout, timeout / AsksPerTimeout);
    }

    /// <summary>Something came.</summary>
    public void Heard() => Volatile.Write(ref _asked, 0);

    /// <summary>Asks for an answer, which shows that the other end lives and how far away it is.</summary>
    public void Ping() => outbox.Dispatch.Control(port, ControlFrames.Encode(new PingFrame((ulong)clock.GetTimestamp())));

    /// <summary>An answer came.</summary>
    /// <param name="asked">When it was asked for, as the peer has it.</param>
    public void Answered(ulong asked)
    {
        // What the peer made up is no time at all.
        if (clock.GetElapsedTime((long)asked) is var took && took > TimeSpan.Zero)
        {
            Volatile.Write(ref _shortestRoundTrip, Math.Min(took.Ticks, Volatile.Read(ref _shortestRoundTrip)));
            outbox.Dispatch.NoteAnswer((long)(took.TotalSeconds * clock.TimestampFrequency));
        }
    }

    public ValueTask DisposeAsync() => _timer?.DisposeAsync() ?? ValueTask.CompletedTask;

    private void Look(Action onSilence)
    {
        if (Interlocked.Increment(ref _asked) <= AsksPerTimeout)
        {
            Ping();
        }
        else
        {
            onSilence();
        }
    }
}
