using NativeSync.Migration.Api;

namespace NativeSync.Migration.Stages;

/// <summary>
/// Carries out an action that must not happen twice. Such actions have no idempotency token: before each attempt after
/// the first the state is read, and what it shows decides.
/// </summary>
internal static class InstanceAction
{
    private const int MaxAttempts = 4;

    /// <param name="c">The run.</param>
    /// <param name="action">Name of the action, as LatestOperation has it.</param>
    /// <param name="done">States that mean it has happened or is happening.</param>
    /// <param name="begunBefore">It may have been called by an earlier run.</param>
    /// <param name="call">Calls it.</param>
    /// <param name="ct">Cancelled by the user.</param>
    /// <returns>What was done, in a few words.</returns>
    public static async Task<string> OnceAsync(RunContext c, string action, string[] done, bool begunBefore, Func<Task<string>> call, CancellationToken ct)
    {
        for (int attempt = 1; ; attempt++)
        {
            if (begunBefore || attempt > 1)
            {
                Instance now = await c.DescribeAsync(ct).ConfigureAwait(false);
                bool ours = now.LatestOperation == action && now.LatestOperationState == "OPERATING"
                    && !string.Equals(now.LatestOperationRequestId, c.State.RequestBefore, StringComparison.Ordinal);
                if (ours || done.Contains(now.InstanceState))
                {
                    return "had been accepted";
                }
            }

            try
            {
                string requestId = await call().ConfigureAwait(false);
                return $"accepted, request {requestId}";
            }
            catch (CloudException e) when (attempt < MaxAttempts && (e.Effect == CallEffect.Unknown || CloudErrors.IsBusyOrWrongState(e.Code)))
            {
                c.Log.Debug($"{e.Message}; reading the state before anything else");
                await Task.Delay(c.Client.PollInterval, c.Time, ct).ConfigureAwait(false);
            }
        }
    }
}
