using NativeSync.Migration.Api;

namespace NativeSync.Migration.Stages;

/// <summary>Asks the API to leave the rescue system.</summary>
internal sealed class ExitRescueStep : Step
{
    public override string Name => "exit-migration-mode";

    public override string Title => "Bring the instance out of migration mode";

    public override async Task<string> RunAsync(RunContext context, bool begunBefore, CancellationToken ct)
    {
        if (!begunBefore)
        {
            await InstanceAction.RememberRequestAsync(context, ct).ConfigureAwait(false);
        }

        return await InstanceAction.OnceAsync(
            context, "ExitRescueMode", [InstanceStates.ExitRescueMode, InstanceStates.Stopped], begunBefore,
            () => context.Cvm.ExitRescueModeAsync(context.User.InstanceId, ct), ct).ConfigureAwait(false);
    }
}

/// <summary>Waits until it is stopped: leaving the rescue system ends there.</summary>
internal sealed class WaitStoppedStep : Step
{
    public override string Name => "wait-stopped";

    public override string Title => "Wait until the instance has left migration mode";

    public override Task<string> RunAsync(RunContext context, bool begunBefore, CancellationToken ct)
        => InstanceWait.ForAsync(context, Title, "ExitRescueMode", "exit-migration-mode", InstanceStates.Stopped, InstanceStates.ExitRescueMode, TimeSpan.FromMinutes(2), ct);
}

/// <summary>Starts the instance with what was migrated.</summary>
internal sealed class StartStep : Step
{
    public override string Name => "start-instance";

    public override string Title => "Start the instance";

    public override async Task<string> RunAsync(RunContext context, bool begunBefore, CancellationToken ct)
    {
        if (!begunBefore)
        {
            await InstanceAction.RememberRequestAsync(context, ct).ConfigureAwait(false);
        }

        return await InstanceAction.OnceAsync(
            context, "StartInstances", [InstanceStates.Starting, InstanceStates.Running], begunBefore,
            () => context.Cvm.StartInstanceAsync(context.User.InstanceId, ct), ct).ConfigureAwait(false);
    }
}

/// <summary>Waits until it runs.</summary>
internal sealed class WaitRunningStep : Step
{
    public override string Name => "wait-running";

    public override string Title => "Wait until the instance runs";

    public override Task<string> RunAsync(RunContext context, bool begunBefore, CancellationToken ct)
        => InstanceWait.ForAsync(context, Title, "StartInstances", "start-instance", InstanceStates.Running, InstanceStates.Starting, TimeSpan.FromMinutes(1), ct);
}

/// <summary>Looks whether the started instance answers. It may well not: a gateway cannot reach it, its sshd may listen elsewhere.</summary>
internal sealed class WaitAnswerStep : Step
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    public override string Name => "check-answer";

    public override string Title => "Check that the instance answers";

    public override async Task<string> RunAsync(RunContext context, bool begunBefore, CancellationToken ct)
    {
        RescueAddress address = new(context.State.Address ?? "", context.Client.SshPort);
        if (context.Client.Mode == Configuration.NetworkMode.Gateway)
        {
            return "skipped: the gateway need not reach it";
        }

        long begin = context.Time.GetTimestamp();
        TimeSpan limit = context.Client.WaitLimit < Limit ? context.Client.WaitLimit : Limit;
        while (true)
        {
            if (await context.Services.Reachability.AnswersAsync(address.Host, address.Port, TimeSpan.FromSeconds(5), ct).ConfigureAwait(false))
            {
                return $"{address} answers";
            }

            TimeSpan elapsed = context.Time.GetElapsedTime(begin);
            if (elapsed > limit)
            {
                context.Observer.Warn($"the instance runs, but {address} does not answer; look at it through VNC in the console");
                return $"{address} does not answer";
            }

            context.Observer.StepProgress(Title, Math.Min(99, 100 * elapsed / limit), elapsed, $"{address} does not answer yet");
            await Task.Delay(context.Client.PollInterval, context.Time, ct).ConfigureAwait(false);
        }
    }
}

/// <summary>Asks the started system itself, by the cloud's automation agent, when the source had it. Never ends the run: the data has arrived.</summary>
internal sealed class AskAgentStep : Step
{
    private const string Script = "uname -sr; systemctl is-system-running 2>/dev/null || true";
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    public override string Name => "ask-agent";

    public override string Title => "Ask the started system";

    public override async Task<string> RunAsync(RunContext context, bool begunBefore, CancellationToken ct)
    {
        if (!context.State.HasTatAgent)
        {
            return "skipped: the source has no automation agent";
        }

        try
        {
            return await AskAsync(context, ct).ConfigureAwait(false);
        }
        catch (CloudException e)
        {
            context.Observer.Warn($"the started system was not asked: {e.Message}");
            return "not asked";
        }
    }

    private async Task<string> AskAsync(RunContext context, CancellationToken ct)
    {
        TatClient tat = new(context.Api);
        long begin = context.Time.GetTimestamp();
        TimeSpan limit = context.Client.WaitLimit < Limit ? context.Client.WaitLimit : Limit;
        string? invocation = null;
        while (context.Time.GetElapsedTime(begin) <= limit)
        {
            if (invocation is null && await tat.IsAgentOnlineAsync(context.User.InstanceId, ct).ConfigureAwait(false))
            {
                invocation = await tat.RunAsync(context.User.InstanceId, Script, ct).ConfigureAwait(false);
            }

            if (invocation is not null && await tat.ResultAsync(invocation, ct).ConfigureAwait(false) is { } result)
            {
                return $"it says: {result.Output.Trim().ReplaceLineEndings(", ")}";
            }

            context.Observer.StepProgress(Title, null, context.Time.GetElapsedTime(begin), invocation is null ? "the agent does not answer yet" : "waiting for its answer");
            await Task.Delay(context.Client.PollInterval, context.Time, ct).ConfigureAwait(false);
        }

        context.Observer.Warn("the instance runs, but its automation agent does not answer; look at it through VNC in the console");
        return "no answer";
    }
}

/// <summary>Removes every secret from the state, and writes the report.</summary>
internal sealed class ScrubStep : Step
{
    public override string Name => "scrub-secrets";

    public override string Title => "Remove the secrets of the migration";

    public override Task<string> RunAsync(RunContext context, bool begunBefore, CancellationToken ct)
    {
        context.State.Rescue = null;
        context.State.Ended = context.Time.GetUtcNow();
        MigrationReport.Write(context.Tool, context.State);
        context.Save();
        return Task.FromResult($"the password of the rescue system is forgotten; the report is in {MigrationReport.TextFile} and {MigrationReport.JsonFile}");
    }
}
