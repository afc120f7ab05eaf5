using System.IO.Pipelines;

namespace NativeSync.Engine;

/// <summary>
/// A connection inside one process: each lane is a pair of bounded pipes, and the far end of it is handed to a function that serves it.
/// </summary>
/// <remarks>
/// What serves a lane and fails faults that lane's near end with a <see cref="TransportException"/> (exit code 12).
/// </remarks>
public sealed class InProcessConnection : IConnection
{
    /// <summary>A writer pauses when this many bytes wait to be read.</summary>
    private const long PauseAt = 2 * 1024 * 1024;

    /// <summary>It goes on when no more than this many wait.</summary>
    private const long ResumeAt = 1024 * 1024;

    /// <summary>Memory is taken in pieces of this size, so that one pack of records spans few of them.</summary>
    private const int SegmentSize = 64 * 1024;

    private readonly Func<ILane, CancellationToken, Task> _serve;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly List<(PipeLane Near, PipeLane Far, Task Served)> _lanes = [];
    private bool _disposed;

    /// <summary>A connection whose lanes are served by a function, e.g. the agent's.</summary>
    /// <param name="serve">Serves the far end of one lane until it is done; runs on the thread pool.</param>
    /// <param name="peer">The name of the other end in messages.</param>
    public InProcessConnection(Func<ILane, CancellationToken, Task> serve, string peer = "this process")
    {
        ArgumentNullException.ThrowIfNull(serve);
        _serve = serve;
        Peer = peer;
    }

    /// <inheritdoc/>
    public string Peer { get; }

    /// <inheritdoc/>
    public string? DiagnosticText => null;

    /// <inheritdoc/>
    public int? ExitCode => null;

    /// <summary>Two lanes, each of which reads what the other one writes.</summary>
    public static (ILane Near, ILane Far) CreateLanePair()
    {
        (PipeLane near, PipeLane far) = Pair();
        return (near, far);
    }

    /// <inheritdoc/>
    public ValueTask<ILane> OpenLaneAsync(CancellationToken ct = default)
    {
        ct.ThrowIfCancellationRequested();
        (PipeLane near, PipeLane far) = Pair();
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _lanes.Add((near, far, Task.Run(() => ServeAsync(far), CancellationToken.None)));
        }

        return ValueTask.FromResult<ILane>(near);
    }

    /// <summary>Ends every lane and waits until what served them has returned.</summary>
    public async ValueTask DisposeAsync()
    {
        (PipeLane Near, PipeLane Far, Task Served)[] lanes;
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            lanes = [.. _lanes];
            _lanes.Clear();
        }

        foreach ((PipeLane near, _, _) in lanes)
        {
            await near.DisposeAsync().ConfigureAwait(false);
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        foreach ((_, _, Task served) in lanes)
        {
            await served.ConfigureAwait(false);
        }

        _stop.Dispose();
    }

    private async Task ServeAsync(PipeLane far)
    {
        try
        {
            await _serve(far, _stop.Token).ConfigureAwait(false);
            await far.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // The near end learns of it; there is nobody else to tell.
            far.Fail(e as TransportException ?? new TransportException(12, $"{Peer}: {e.Message}", innerException: e));
        }
    }

    private static (PipeLane Near, PipeLane Far) Pair()
    {
        var options = new PipeOptions(pauseWriterThreshold: PauseAt, resumeWriterThreshold: ResumeAt,
            minimumSegmentSize: SegmentSize, useSynchronizationContext: false);
        var there = new Pipe(options);
        var back = new Pipe(options);
        return (new PipeLane(back.Reader, there.Writer), new PipeLane(there.Reader, back.Writer));
    }

    private sealed class PipeLane(PipeReader input, PipeWriter output) : ILane
    {
        private int _ended;

        public PipeReader Input => input;

        public PipeWriter Output => output;

        public ValueTask DisposeAsync()
        {
            End(null);
            return ValueTask.CompletedTask;
        }

        public void Fail(TransportException reason) => End(reason);

        private void End(TransportException? reason)
        {
            if (Interlocked.Exchange(ref _ended, 1) == 0)
            {
                output.Complete(reason);
                input.Complete(reason);
            }
        }
    }
}
