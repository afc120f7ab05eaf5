using System.Globalization;
using NativeSync.Engine;

namespace NativeSync.Migration.Stages;

/// <summary>What is done in the rescue system and may be done twice: when the line drops it is connected again, and it is done from the beginning.</summary>
internal static class LastingCall
{
    /// <summary>Work that went on for so long shows that the line is good again.</summary>
    private static readonly TimeSpan Good = TimeSpan.FromMinutes(1);

    /// <summary>Nothing is kept of work that breaks off. Where it always does, that must not go on for ever.</summary>
    private const int MostAnew = 20;

    /// <summary>How a line is taken up again, and told of.</summary>
    public static ReconnectOptions Options(TimeSpan limit, string label, Action<string>? tell) => new()
    {
        Limit = limit,
        WasReached = true,
        OnLost = loss => tell?.Invoke(string.Create(CultureInfo.InvariantCulture, $"{label}: {loss.Reason}; connecting again in {loss.Wait.TotalSeconds:0} s")),
        OnResumed = () => tell?.Invoke($"{label}: connected again, going on"),
    };

    /// <summary>Does it until it is done, or the line stays away for longer than the limit.</summary>
    public static async Task<T> RunAsync<T>(IRescueSystem system, ReconnectOptions options, Func<CancellationToken, Task<T>> work, CancellationToken ct)
    {
        LineBackoff backoff = new(options);
        for (int losses = 0; ; losses++)
        {
            long? begun = null;
            Exception failure;
            try
            {
                if (losses > 0)
                {
                    await system.ReconnectAsync(ct).ConfigureAwait(false);
                    options.OnResumed?.Invoke();
                }

                begun = options.Clock.GetTimestamp();
                return await work(ct).ConfigureAwait(false);
            }
            catch (Exception e) when (options.Limit > TimeSpan.Zero && LastingTransfer.IsPassing(e) && !ct.IsCancellationRequested)
            {
                failure = e;
            }

            bool progressed = losses < MostAnew && begun is { } since && options.Clock.GetElapsedTime(since) >= Good;
            await backoff.WaitAsync(failure, progressed, ct).ConfigureAwait(false);
        }
    }
}
