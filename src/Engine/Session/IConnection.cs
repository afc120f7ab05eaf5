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

    /// <summary>Says which end sends most, before further lanes are opened, and asks how they are best opened.</summary>
    /// <param name="sends">This end does.</param>
    /// <param name="fillsLine">
    /// They share a connection that fills the line by itself, as long as the lanes may have enough under way: another one would only take from it.
    /// </param>
    /// <returns>How many to open at once.</returns>
    int PlanLanes(bool sends, out bool fillsLine)
    {
        fillsLine = false;
        return 3;
    }

    /// <summary>A moment ago what this end sent waited in a queue on the way: more lanes would only wait, too. False where that is not known.</summary>
    bool IsFull => false;

    /// <summary>The shortest round trip to the other end that was seen while connecting; zero where that is not known.</summary>
    TimeSpan RoundTrip => TimeSpan.Zero;

    /// <summary>Opens a lane: the first call gives the lane to the agent, later calls give additional ones.</summary>
    /// <exception cref="NotSupportedException">This connection has only one lane.</exception>
    /// <exception cref="TransportException">The connection is lost or refuses.</exception>
    ValueTask<ILane> OpenLaneAsync(CancellationToken ct = default);
}
