using NativeSync.Engine.Session;

namespace NativeSync.Cli.Remote;

/// <summary>The bandwidth limit for what goes before there is a session: the upload of the agent.</summary>
internal static class UploadPace
{
    /// <summary>Keeps to the limit of the moment.</summary>
    /// <param name="bandwidth">Bytes per second, 0 for no limit; asked before each slice.</param>
    public static Func<int, CancellationToken, ValueTask<int>> Of(Func<long> bandwidth)
    {
        RateLimiter limiter = new(TimeProvider.System);
        return (bytes, ct) =>
        {
            limiter.BytesPerSecond = bandwidth();
            return limiter.WaitAsync(bytes, ct);
        };
    }
}
