using System.Globalization;
using NativeSync.Migration.Api;

namespace NativeSync.Migration.Stages;

/// <summary>Waits until an instance is in a state, telling how it goes.</summary>
internal static class InstanceWait
{
    /// <summary>So many looks may show a state from before: the API is consistent only after a while.</summary>
    private const int Grace = 12;

    /// <param name="c">The run.</param>
    /// <param name="title">Step that waits.</param>
    /// <param name="action">The action whose end is awaited, as LatestOperation has it.</param>
    /// <param name="step">Name of the step that called it; forgotten when the operation fails, so that the next run calls it again.</param>
    /// <param name="target">State to reach.</param>
    /// <param name="through">State on the way there.</param>
    /// <param name="usual">How long it takes as a rule: percentages are of this.</param>
    /// <param name="ct">Cancelled by the user.</param>
    public static async Task<string> ForAsync(RunContext c, string title, string action, string step, string target, string through, TimeSpan usual, CancellationToken ct)
    {
        long begin = c.Time.GetTimestamp();
        for (int strange = 0; ;)
        {
            Instance instance = await c.DescribeAsync(ct).ConfigureAwait(false);
            TimeSpan elapsed = c.Time.GetElapsedTime(begin);
            bool operating = string.Equals(instance.LatestOperationState, "OPERATING", StringComparison.Ordinal);
            if (instance.InstanceState == target && !(operating && instance.LatestOperation == action))
            {
                return $"{target} after {elapsed.TotalSeconds.ToString("0", CultureInfo.InvariantCulture)} s";
            }

            if (instance.LatestOperation == action && instance.LatestOperationState == "FAILED" && instance.InstanceState != through
                && !string.Equals(instance.LatestOperationRequestId, c.State.RequestBefore, StringComparison.Ordinal))
            {
                c.State.RequestBefore = instance.LatestOperationRequestId;
                c.State.Steps.RemoveAll(s => s.Name == step);
                c.Save();
                throw new MigrationException(
                    $"{c.User.InstanceId}: {action} failed: {c.Log.Clean(instance.LatestOperationErrorMsg ?? "no reason given")} [request {instance.LatestOperationRequestId}]",
                    "see the instance in the console, then run the tool again");
            }

            if (instance.InstanceState != through && !operating && ++strange > Grace)
            {
                throw new MigrationException($"{c.User.InstanceId} is in the state {instance.InstanceState}, and {target} was expected after {action}", "see in the console who changed it, then run the tool again");
            }

            if (elapsed > c.Client.WaitLimit)
            {
                throw new MigrationException(
                    $"{c.User.InstanceId} is still in the state {instance.InstanceState} after {elapsed.TotalMinutes.ToString("0", CultureInfo.InvariantCulture)} min",
                    "run the tool again to go on waiting (Client.Api.WaitSeconds sets the limit)");
            }

            c.Observer.StepProgress(title, Math.Min(99, 100 * elapsed / usual), elapsed, string.Create(CultureInfo.InvariantCulture, $"{instance.InstanceState}, waiting for {target}, at most {c.Client.WaitLimit.TotalMinutes:0.#} min"));
            await Task.Delay(c.Client.PollInterval, c.Time, ct).ConfigureAwait(false);
        }
    }
}
