namespace NativeSync.Engine;

/// <summary>A way to a started agent. The first lane talks to it; further lanes join the same session.</summary>
public interface IConnection : IAsyncDisposable
{
    /// <summary>The other end, for messages: already escaped, e.g. <c>root@host:22</c>.</summary>
    string Peer { get; }

    /// <summary>
    /// The tail of what the other end wrote to its standard error, already escaped; null when it wrote nothing or has none.
    /// </summary>
    string? DiagnosticText { get; }

    /// <summary>The exit status of the remote command, once it is known.</summary>
    int? ExitCode { get; }

    /// <summary>Opens a lane: the first call gives the lane to the agent, later calls give additional ones.</summary>
    /// <exception cref="NotSupportedException">This connection has only one lane.</exception>
    /// <exception cref="TransportException">The connection is lost or refuses.</exception>
    ValueTask<ILane> OpenLaneAsync(CancellationToken ct = default);
}
