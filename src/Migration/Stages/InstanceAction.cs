using NativeSync.Migration.Api;

namespace NativeSync.Migration.Stages;

/// <summary>
/// Carries out an action that must not happen twice. Such actions have no idempotency token: before each attempt after
/// the first the state is read, and what it shows decides.
/// </summary>
internal static class InstanceAction
{
    private const int MaxAttempts = 4;
    private const int MaxLooks = 3;

    /// <param name="c">The run.</param>
    /// <param name="action">Name of the action, as LatestOperation has it.</param>
    /// <param name="done">States that mean it has happened or is happening.</param>
    /// <param name="begunBefore">It may have been called by an earlier run.</param>
    /// <param name="call">Calls it.</param>
    /// <param name="ct">Cancelled by the user.</param>
    /// <returns>What was done, in a few words.</returns>
    public static async Task<string> OnceAsync(RunContext c, string action, string[] done, bool begunBefore, Func<Task<string>> call, CancellationToken ct)
    {
        bool mayHaveHappened = begunBefore;
        for (int attempt = 1; ; attempt++)
        {
            if (mayHaveHappened && await HasHappenedAsync(c, action, done, ct).ConfigureAwait(false))
            {
                return "had been accepted";
            }

            try
            {
                string requestId = await call().ConfigureAwait(false);
                return $"accepted, request {requestId}";
            }
            catch (CloudException e) when (attempt < MaxAttempts && (e.Effect == CallEffect.Unknown || CloudErrors.IsBusyOrWrongState(e.Code)))
            {
                c.Log.Debug($"{e.Message}; reading the state before anything else");
                mayHaveHappened = true;
            }
        }
    }

    /// <summary>Looks more than once: what was accepted a moment ago may not show yet.</summary>
    private static async Task<bool> HasHappenedAsync(RunContext c, string action, string[] done, CancellationToken ct)
    {
        for (int look = 1; ; look++)
        {
            Instance now = await c.DescribeAsync(ct).ConfigureAwait(false);
            bool ours = now.LatestOperation == action && now.LatestOperationState == "OPERATING"
                && !string.Equals(now.LatestOperationRequestId, c.State.RequestBefore, StringComparison.Ordinal);
            if (ours || done.Contains(now.InstanceState))
            {
                return true;
            }

            if (look == MaxLooks)
            {
                return false;
            }

            await Task.Delay(c.Client.PollInterval, c.Time, ct).ConfigureAwait(false);
        }
    }

    /// <summary>Keeps the id of the operation before ours, so that ours can be told from it, also after a crash.</summary>
    public static async Task RememberRequestAsync(RunContext context, CancellationToken ct)
    {
        Instance now = await context.DescribeAsync(ct).ConfigureAwait(false);
        context.State.RequestBefore = now.LatestOperationRequestId;
        context.Save();
    }
}
