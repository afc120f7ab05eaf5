using NativeSync.Engine;

namespace NativeSync.Transport;

/// <summary>An agent as a child process on this machine; every lane is another child.</summary>
public sealed class ChildProcessConnection : IConnection
{
    private readonly IReadOnlyList<string> _argv;
    private readonly Lock _gate = new();
    private readonly List<ChildProcessLane> _lanes = [];
    private bool _disposed;

    /// <param name="argv">The program and its arguments, e.g. this executable and <c>serve</c>.</param>
    public ChildProcessConnection(IReadOnlyList<string> argv)
    {
        ArgumentNullException.ThrowIfNull(argv);
        ArgumentOutOfRangeException.ThrowIfZero(argv.Count);
        _argv = argv;
        Peer = "local agent";
    }

    /// <summary>Runs <c>serve</c> of an executable.</summary>
    public static ChildProcessConnection Serve(AgentImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return new ChildProcessConnection([image.Path == "/proc/self/exe" ? Environment.ProcessPath ?? image.Path : image.Path, "serve"]);
    }

    /// <inheritdoc/>
    public string Peer { get; }

    /// <inheritdoc/>
    public string? DiagnosticText => First?.DiagnosticText;

    /// <inheritdoc/>
    public int? ExitCode => First?.ExitCode;

    private ChildProcessLane? First
    {
        get { lock (_gate) { return _lanes.FirstOrDefault(); } }
    }

    /// <inheritdoc/>
    public ValueTask<ILane> OpenLaneAsync(CancellationToken ct = default)
    {
        ct.ThrowIfCancellationRequested();
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            var lane = ChildProcessLane.Launch(_lanes.Count == 0 ? _argv : [.. _argv, "join"], Peer, statusIsFault: true);
            _lanes.Add(lane);
            return ValueTask.FromResult<ILane>(lane);
        }
    }

    /// <summary>Ends the children: by the end of their input, then by force.</summary>
    public async ValueTask DisposeAsync()
    {
        ChildProcessLane[] lanes;
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            lanes = [.. _lanes];
        }

        foreach (ChildProcessLane lane in lanes)
        {
            await lane.DisposeAsync().ConfigureAwait(false);
        }
    }
}
