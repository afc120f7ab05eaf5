using NativeSync.Cli.Options;
using NativeSync.Cli.Output;
using NativeSync.Cli.Remote;
using NativeSync.Engine;

namespace NativeSync.Cli.Commands;

/// <summary>Does a transfer, once or again, over lines that may drop.</summary>
/// <param name="plan">Which way.</param>
/// <param name="batch">A record of another run to do instead; null for none.</param>
/// <param name="request">What.</param>
/// <param name="connector">Reaches the other side.</param>
/// <param name="reporter">Is told.</param>
/// <param name="reconnect">How long to try to connect again; zero for not at all.</param>
internal sealed class LineKeeper(
    TransferPlan plan, BatchArguments? batch, SyncRequest request, RemoteConnector connector, ISyncReporter reporter, TimeSpan reconnect)
{
    private bool _started;

    /// <summary>One transfer from end to end.</summary>
    public async Task<SyncReport> TransferAsync(CancellationToken ct)
    {
        if (batch is { Reads: true })
        {
            Start();
            return await Synchronizer.ApplyBatchAsync(batch.Path, request, reporter, ct);
        }

        if (plan.Direction == Direction.Local)
        {
            Start();
            return await Synchronizer.LocalAsync(request, reporter, ct);
        }

        ReconnectOptions options = new() { Limit = reconnect, OnLost = loss => reporter.Lost(loss), OnResumed = reporter.Resumed, OnDone = Tell };
        return await LastingTransfer.RunAsync(ConnectAsync, plan.Direction == Direction.Push, request, reporter, options, ct);
    }

    private async Task<IConnection> ConnectAsync(CancellationToken ct)
    {
        IConnection connection = await connector.ConnectAsync(plan.Remote!, ct);
        Start();
        return connection;
    }

    /// <summary>A warning of the remote shell is for whoever started it; after a failure it is part of the message.</summary>
    private void Tell(IConnection connection)
    {
        if (connection.DiagnosticText is { } said)
        {
            reporter.Remark(said);
        }
    }

    private void Start()
    {
        if (!_started)
        {
            _started = true;
            reporter.Start();
        }
    }
}
