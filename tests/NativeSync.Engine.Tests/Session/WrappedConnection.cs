namespace NativeSync.Engine.Tests.Session;

/// <summary>A connection whose lanes are wrapped at this end.</summary>
internal sealed class WrappedConnection(IConnection inner, Func<ILane, ILane> wrap) : IConnection
{
    public string Peer => inner.Peer;

    public string? DiagnosticText => inner.DiagnosticText;

    public int? ExitCode => inner.ExitCode;

    public async ValueTask<ILane> OpenLaneAsync(CancellationToken ct = default) => wrap(await inner.OpenLaneAsync(ct));

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
