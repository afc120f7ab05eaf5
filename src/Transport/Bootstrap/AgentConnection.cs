using NativeSync.Engine;

namespace NativeSync.Transport;

/// <summary>A started agent. The first lane is its own; further lanes are further runs of the same command, which join it.</summary>
internal sealed class AgentConnection(IRemoteShell shell, RemoteCommand command, IExecLane agent, bool ownsShell) : IConnection
{
    private readonly Lock _gate = new();
    private readonly List<IExecLane> _lanes = [agent];
    private bool _given;
    private bool _disposed;

    public string Peer => shell.Peer;

    public string? DiagnosticText => agent.DiagnosticText;

    public int? ExitCode => agent.ExitCode;

    public async ValueTask<ILane> OpenLaneAsync(CancellationToken ct = default)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (!_given)
            {
                _given = true;
                return agent;
            }
        }

        IExecLane lane = await shell.StartAsync(command, statusIsFault: true, ct).ConfigureAwait(false);
        lock (_gate)
        {
            if (!_disposed)
            {
                _lanes.Add(lane);
                return lane;
            }
        }

        await lane.DisposeAsync().ConfigureAwait(false);
        throw new ObjectDisposedException(nameof(AgentConnection));
    }

    public async ValueTask DisposeAsync()
    {
        IExecLane[] lanes;
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            lanes = [.. _lanes];
        }

        foreach (IExecLane lane in lanes)
        {
            await lane.DisposeAsync().ConfigureAwait(false);
        }

        if (ownsShell)
        {
            await shell.DisposeAsync().ConfigureAwait(false);
        }
    }
}
