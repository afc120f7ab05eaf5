using NativeSync.Engine;

namespace NativeSync.Transport;

/// <summary>
/// A started agent. The first lane is its own; a further lane is a run of <c>serve join</c>, which joins it: on the same connection, then on
/// further ones, as far as the server allows.
/// </summary>
/// <remarks>Guarded by <c>_gate</c>: the ways, how many lanes each carries and is to carry.</remarks>
internal sealed class AgentConnection : IConnection
{
    /// <summary>
    /// Lanes where one connection fills the line: they take no login, and together may have 16 MiB under way, three times what 200 Mbit/s at 200 ms hold.
    /// OpenSSH's server allows ten channels as it comes.
    /// </summary>
    private const int LanesOnOne = 8;

    /// <summary>
    /// Connections at first where packets that are lost hold one up, or the other end sends and its kernel's buffers (4 MiB) bound each. A lane on each:
    /// the window of its channel is about what those buffers hold, and where losses bound a connection only another one helps.
    /// </summary>
    private const int Connections = 4;

    /// <summary>Connections with a lane each in the end.</summary>
    private const int MostConnections = 16;

    /// <summary>Lanes on each connection beyond those, and beside one that fills the line.</summary>
    private const int LanesOnFurther = 2;

    /// <summary>Milliseconds after a connection that could not be made until another is tried.</summary>
    private const int RefusedFor = 3000;

    /// <summary>Milliseconds after a refused channel until another is asked for on the same connection: longer than one attempt, which ends when all have refused.</summary>
    private const int FullFor = 60_000;

    private readonly Lock _gate = new();
    private readonly RemoteCommand _join;
    private readonly IExecLane _agent;
    private readonly List<Way> _ways;
    private readonly List<IExecLane> _lanes;
    private readonly bool _ownsShell;
    private readonly Func<CancellationToken, Task<IRemoteShell>>? _another;
    private TransportException? _refusal;
    private long _refusedUntil;
    private int _apart = 1;
    private bool _given;
    private bool _disposed;

    public AgentConnection(IRemoteShell shell, RemoteCommand join, IExecLane agent, bool ownsShell, Func<CancellationToken, Task<IRemoteShell>>? another)
    {
        _join = join;
        _agent = agent;
        _ownsShell = ownsShell;
        _another = another;
        _lanes = [agent];
        _ways = [new Way(Task.FromResult(shell)) { Lanes = 1 }];
        Peer = shell.Peer;
    }

    public string Peer { get; }

    public string? DiagnosticText => _agent.DiagnosticText;

    public int? ExitCode => _agent.ExitCode;

    public int PlanLanes(bool sends, out bool fillsLine)
    {
        lock (_gate)
        {
            fillsLine = sends && _ways[0].Shell is { IsCompletedSuccessfully: true, Result.FillsLine: true };
            (_ways[0].Room, _apart) = fillsLine ? (LanesOnOne, 1) : (1, MostConnections);
            return (fillsLine ? LanesOnOne : Connections) - 1;
        }
    }

    public bool IsFull
    {
        get
        {
            lock (_gate)
            {
                return _ways.Exists(static way => way.Shell is { IsCompletedSuccessfully: true, Result.IsFull: true });
            }
        }
    }

    public TimeSpan RoundTrip
    {
        get
        {
            lock (_gate)
            {
                return _ways[0].Shell is { IsCompletedSuccessfully: true, Result.RoundTrip: var roundTrip } ? roundTrip : TimeSpan.Zero;
            }
        }
    }

    public async ValueTask<ILane> OpenLaneAsync(CancellationToken ct = default)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (!_given)
            {
                _given = true;
                return _agent;
            }
        }

        while (true)
        {
            Way way = Choose(ct);
            try
            {
                IRemoteShell shell = await way.Shell.ConfigureAwait(false);
                IExecLane lane = await shell.StartAsync(_join, statusIsFault: true, ct).ConfigureAwait(false);
                Keep(lane, way);
                return lane;
            }
            catch (TransportException e)
            {
                // No further connection, or no further channel on it: what else is there has to do.
                await RefuseAsync(way, e).ConfigureAwait(false);
            }
            catch
            {
                await LeaveAsync(way).ConfigureAwait(false);
                throw;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        IExecLane[] lanes;
        Way[] ways;
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            lanes = [.. _lanes];
            ways = [.. _ways];
        }

        await Task.WhenAll(lanes.Select(lane => lane.DisposeAsync().AsTask())).ConfigureAwait(false);
        await Task.WhenAll(ways.Skip(_ownsShell ? 0 : 1).Select(way => way.CloseAsync())).ConfigureAwait(false);
    }

    /// <summary>A connection with room, else a new one, else the one with the fewest lanes of those that did not refuse one.</summary>
    /// <exception cref="TransportException">All did.</exception>
    private Way Choose(CancellationToken ct)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            Way? best = _ways.Where(static way => Environment.TickCount64 >= way.FullUntil).MinBy(static way => way.Lanes - way.Room);
            if (_another is { } another && (best is null || best.Lanes >= best.Room) && Environment.TickCount64 >= _refusedUntil)
            {
                best = new Way(another(ct)) { Room = _ways.Count < _apart ? 1 : LanesOnFurther };
                _ways.Add(best);
            }

            if (best is null)
            {
                throw _refusal!;
            }

            best.Lanes++;
            return best;
        }
    }

    private Task RefuseAsync(Way way, TransportException refusal)
    {
        lock (_gate)
        {
            _refusal = refusal;
            way.FullUntil = Environment.TickCount64 + FullFor;
            if (!way.Shell.IsCompletedSuccessfully || way.Lanes == 1)
            {
                // What is made anew would be refused again.
                _refusedUntil = Environment.TickCount64 + RefusedFor;
            }
        }

        return LeaveAsync(way);
    }

    private void Keep(IExecLane lane, Way way)
    {
        lock (_gate)
        {
            if (!_disposed)
            {
                _lanes.Add(lane);
                _ = lane.Ended.ContinueWith(_ => ForgetAsync(lane, way), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
                return;
            }
        }

        _ = lane.DisposeAsync().AsTask();
        throw new ObjectDisposedException(nameof(AgentConnection));
    }

    private Task ForgetAsync(IExecLane lane, Way way)
    {
        lock (_gate)
        {
            _lanes.Remove(lane);
        }

        return LeaveAsync(way, makesRoom: true);
    }

    /// <summary>A lane has left a connection: one of ours that carries nothing any more is closed.</summary>
    private async Task LeaveAsync(Way way, bool makesRoom = false)
    {
        lock (_gate)
        {
            way.FullUntil = makesRoom ? 0 : way.FullUntil;
            if (--way.Lanes > 0 || _disposed || way == _ways[0] || !_ways.Remove(way))
            {
                return;
            }
        }

        await way.CloseAsync().ConfigureAwait(false);
    }

    /// <summary>One connection to the machine, perhaps still being made.</summary>
    private sealed class Way(Task<IRemoteShell> shell)
    {
        public Task<IRemoteShell> Shell => shell;

        /// <summary>Lanes that it is to have before there is another.</summary>
        public int Room { get; set; } = 1;

        /// <summary>The server refused another lane on it: until then (milliseconds of the system) none is asked for.</summary>
        public long FullUntil { get; set; }

        /// <summary>Lanes that use it, or are about to.</summary>
        public int Lanes { get; set; }

        public async Task CloseAsync()
        {
            try
            {
                await (await shell.ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
            }
            catch (Exception e) when (e is TransportException or OperationCanceledException)
            {
                // It was never made.
            }
        }
    }
}
