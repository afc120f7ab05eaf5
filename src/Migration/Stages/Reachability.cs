using System.Net.Sockets;

namespace NativeSync.Migration.Stages;

/// <summary>Tells whether a TCP port answers.</summary>
public interface IReachability
{
    /// <summary>Tries once.</summary>
    Task<bool> AnswersAsync(string host, int port, TimeSpan timeout, CancellationToken ct);
}

/// <summary>By connecting.</summary>
public sealed class TcpReachability : IReachability
{
    /// <inheritdoc/>
    public async Task<bool> AnswersAsync(string host, int port, TimeSpan timeout, CancellationToken ct)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(timeout);
        using TcpClient client = new();
        try
        {
            await client.ConnectAsync(host, port, limit.Token).ConfigureAwait(false);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return false;
        }
    }
}
