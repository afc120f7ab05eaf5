using System.Runtime.CompilerServices;
using NativeSync.Migration.Api;
using NativeSync.Migration.Configuration;
using NativeSync.Migration.Logging;

namespace NativeSync.Migration.Stages;

/// <summary>--clean: brings the instance out of migration mode from whatever state it is in, and forgets the migration.</summary>
public static class CleanRun
{
    /// <summary>Does it.</summary>
    /// <exception cref="MigrationException">The instance does not obey.</exception>
    public static async Task RunAsync(ToolDirectory tool, MigrationConfiguration configuration, MigrationServices services, CancellationToken ct)
    {
        LoggedObserver observer = new(services.Observer, services.Log);
        services.Log.Warned = services.Observer.Warn;
        services.Log.Hide(configuration.User.SecretKey);
        using StateStore store = StateStore.Open(tool);
        MigrationState? earlier = Load(store, observer);
        services.Log.Hide(earlier?.Rescue?.Password);
        MigrationState state = earlier ?? new MigrationState { InstanceId = configuration.User.InstanceId, Region = configuration.User.Region };
        if (state.InstanceId != configuration.User.InstanceId)
        {
            throw new MigrationException($"the state belongs to {state.InstanceId}, and user.json names {configuration.User.InstanceId}", "put the old instance back into user.json");
        }

        RunContext context = new() { Configuration = configuration, Tool = tool, Services = services, Observer = observer, Store = store, State = state };
        await using ConfiguredAsyncDisposable disposing = context.ConfigureAwait(false);
        await new HookRunner(context).UndoAsync(givenUp: true).ConfigureAwait(false);
        Instance instance = await context.DescribeAsync(ct).ConfigureAwait(false);
        bool wasInMode = false;
        if (instance.InstanceState == InstanceStates.EnterRescueMode)
        {
            wasInMode = true;
            await StepAsync(observer, services, "Wait until migration mode can be left", title => InstanceWait.ForAsync(context, title, "EnterRescueMode", "enter-migration-mode", InstanceStates.RescueMode, InstanceStates.EnterRescueMode, TimeSpan.FromMinutes(3), ct)).ConfigureAwait(false);
            instance = await context.DescribeAsync(ct).ConfigureAwait(false);
        }

        if (instance.InstanceState is InstanceStates.RescueMode or InstanceStates.ExitRescueMode)
        {
            wasInMode = true;
            state.RequestBefore = instance.LatestOperationRequestId;
            await StepAsync(observer, services, "Bring the instance out of migration mode", _ => InstanceAction.OnceAsync(
                context, "ExitRescueMode", [InstanceStates.ExitRescueMode, InstanceStates.Stopped], begunBefore: true,
                () => context.Cvm.ExitRescueModeAsync(configuration.User.InstanceId, ct), ct)).ConfigureAwait(false);
            await StepAsync(observer, services, "Wait until the instance has left migration mode", title => InstanceWait.ForAsync(context, title, "ExitRescueMode", "exit-migration-mode", InstanceStates.Stopped, InstanceStates.ExitRescueMode, TimeSpan.FromMinutes(2), ct)).ConfigureAwait(false);
            instance = await context.DescribeAsync(ct).ConfigureAwait(false);
        }

        // Stopped between the two halves of stage 3, or just now by us: it runs again unless it was stopped before all this.
        bool entered = earlier?.Steps.Exists(s => s.Name == "enter-migration-mode") == true && earlier.Ended is null;
        bool start = instance.InstanceState is InstanceStates.Stopped or InstanceStates.Starting
            && (wasInMode || entered) && earlier?.StateBefore != InstanceStates.Stopped;
        if (start)
        {
            state.RequestBefore = instance.LatestOperationRequestId;
            await StepAsync(observer, services, "Start the instance", _ => InstanceAction.OnceAsync(
                context, "StartInstances", [InstanceStates.Starting, InstanceStates.Running], begunBefore: true,
                () => context.Cvm.StartInstanceAsync(configuration.User.InstanceId, ct), ct)).ConfigureAwait(false);
            await StepAsync(observer, services, "Wait until the instance runs", title => InstanceWait.ForAsync(context, title, "StartInstances", "start-instance", InstanceStates.Running, InstanceStates.Starting, TimeSpan.FromMinutes(1), ct)).ConfigureAwait(false);
        }

        store.Delete();
        observer.Say(wasInMode || start
            ? $"{configuration.User.InstanceId} has left migration mode; the tool has forgotten the migration."
            : $"{configuration.User.InstanceId} is not in migration mode ({instance.InstanceState}); the tool has forgotten the migration.");
    }

    private static MigrationState? Load(StateStore store, LoggedObserver observer)
    {
        try
        {
            return store.Load();
        }
        catch (MigrationException e)
        {
            // A damaged or foreign state must not stand in the way of cleaning up.
            observer.Warn($"{e.Message}; going on without it");
            return null;
        }
    }

    private static async Task StepAsync(LoggedObserver observer, MigrationServices services, string title, Func<string, Task<string>> body)
    {
        long begin = services.Time.GetTimestamp();
        observer.StepBegins(title);
        string outcome = await body(title).ConfigureAwait(false);
        observer.StepEnds(title, services.Time.GetElapsedTime(begin), outcome, earlier: false);
    }
}
