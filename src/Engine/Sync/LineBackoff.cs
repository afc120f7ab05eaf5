using System.Runtime.ExceptionServices;

namespace NativeSync.Engine;

/// <summary>Decides after each failure of a line how long to wait, until it has been in vain for too long.</summary>
/// <param name="options">For how long, and who is told.</param>
public sealed class LineBackoff(ReconnectOptions options)
{
    private long? _lost;
    private int _attempt;

    /// <summary>Waits until the next attempt.</summary>
    /// <param name="failure">What happened; thrown when the limit is reached.</param>
    /// <param name="progressed">What was done over the line got somewhere: the limit counts anew from now.</param>
    /// <param name="ct">Ends the waiting.</param>
    public async Task WaitAsync(Exception failure, bool progressed, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(failure);
        var now = options.Clock.GetTimestamp();
        if (progressed || _lost is null)
        {
            _lost = now;
            _attempt = 0;
        }

        var doubled = options.FirstWait * Math.Pow(2, Math.Min(_attempt++, 30));
        var wait = doubled < options.LongestWait ? doubled : options.LongestWait;
        if (options.Clock.GetElapsedTime(_lost.Value, now) + wait > options.Limit)
        {
            ExceptionDispatchInfo.Throw(failure);
        }

        options.OnLost?.Invoke(new LineLoss(_attempt, wait, failure.Message));
        await Task.Delay(wait, options.Clock, ct).ConfigureAwait(false);
    }
}
