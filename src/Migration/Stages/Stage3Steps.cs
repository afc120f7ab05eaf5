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
