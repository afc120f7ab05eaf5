using System.Runtime.CompilerServices;
using NativeSync.Engine;
using NativeSync.Migration.Api;
using NativeSync.Migration.Configuration;
using NativeSync.Migration.Logging;
using NativeSync.Migration.Source;

namespace NativeSync.Migration.Stages;

/// <summary>How a run ended that did not fail.</summary>
public enum RunOutcome
{
    /// <summary>All three stages are done.</summary>
    Migrated,

    /// <summary>A stage of scenario 1 is done; the next runs elsewhere.</summary>
    StageFinished,
}

/// <summary>
/// The three stages. What runs is decided by the mode and by the state file alone, so that a run can be repeated, go on
/// after a crash, and in scenario 1 be carried from machine to machine.
/// </summary>
public sealed class MigrationRun
{
    private readonly ToolDirectory _tool;
    private readonly MigrationConfiguration _configuration;
    private readonly MigrationServices _services;
    private readonly LoggedObserver _observer;

    /// <summary>Prepares a run; nothing is done yet.</summary>
    public MigrationRun(ToolDirectory tool, MigrationConfiguration configuration, MigrationServices services)
    {
        _tool = tool;
        _configuration = configuration;
        _services = services;
        _observer = new LoggedObserver(services.Observer, services.Log);
        services.Log.Warned = services.Observer.Warn;
        services.Log.Hide(configuration.User.SecretKey);
        services.Log.Hide(configuration.User.Token);
        services.Log.Hide(configuration.Client.Proxy?.Password);
    }

    /// <summary>Called after each state record, for tests.</summary>
    internal Action<MigrationState>? Saved { get; init; }

    /// <summary>See <see cref="StateStore.Durable"/>.</summary>
    internal bool Durable { get; init; } = true;

    private NetworkMode Mode => _configuration.Client.Mode;

    /// <summary>Runs what is to be run here and now.</summary>
    /// <exception cref="MigrationException">It cannot go on.</exception>
    /// <exception cref="CloudException">The API refuses.</exception>
    public async Task<RunOutcome> RunAsync(CancellationToken ct)
    {
        using StateStore store = StateStore.Open(_tool);
        MigrationState state = store.Load() ?? new MigrationState
        {
            InstanceId = _configuration.User.InstanceId,
            Region = _configuration.User.Region,
            Began = _services.Time.GetUtcNow(),
        };
        DemandSameInstance(state);
        _observer.State = state;
        foreach (ConfigProblem warning in _configuration.Warnings)
        {
            _observer.Warn(warning.ToString());
        }

        store.Saved = Saved;
        store.Durable = Durable;
        _services.Log.Hide(state.Rescue?.Password);
        RunContext context = new()
        {
            Configuration = _configuration,
            Tool = _tool,
            Services = _services,
            Observer = _observer,
            Store = store,
            State = state,
        };
        await using ConfiguredAsyncDisposable disposing = context.ConfigureAwait(false);
        if (Mode != NetworkMode.Gateway)
        {
            new HookRunner(context).WarnOfOtherBoot();
        }

        for (int stage = 1; stage <= 3; stage++)
        {
            Step[] steps = StepsOf(stage);
            if (steps.All(s => s.EveryRun || state.IsDone(s.Name)))
            {
                continue;
            }

            if (Mode == NetworkMode.Gateway && stage > 1 && IsPlaceOfStageBefore(state, stage))
            {
                _observer.Say(stage == 2 ? Prompts.Stage1Finished : Prompts.Stage2Finished);
                return RunOutcome.StageFinished;
            }

            try
            {
                await RunStageAsync(context, stage, steps, ct).ConfigureAwait(false);
            }
            catch (Exception e) when (e is MigrationException or CloudException or TransportException or SessionException or IOException or UnauthorizedAccessException or OperationCanceledException)
            {
                await new HookRunner(context).UndoAsync(givenUp: false).ConfigureAwait(false);
                throw;
            }

            if (Mode == NetworkMode.Gateway && stage < 3)
            {
                _observer.Say(stage == 1 ? Prompts.Stage1Finished : Prompts.Stage2Finished);
                return RunOutcome.StageFinished;
            }
        }

        _observer.Say(Prompts.Success);
        return RunOutcome.Migrated;
    }

    /// <summary>The state as the last run left it; null when there is none.</summary>
    public static MigrationState? ReadState(ToolDirectory tool)
    {
        using StateStore store = StateStore.Open(tool);
        return store.Load();
    }

    /// <summary>The steps of a stage, in order.</summary>
    internal Step[] StepsOf(int stage) => stage switch
    {
        1 => Mode == NetworkMode.Gateway
            ? [new FindInstanceStep(), new CheckPortsStep(), new EnterRescueStep(), new WaitRescueStep()]
            : [new FindInstanceStep(), new CheckPortsStep(), new CheckSourceStep(), new EnterRescueStep(), new WaitRescueStep()],
        2 => Mode == NetworkMode.Gateway
            ? [new CheckSourceStep(), new ConnectStep(), new PrepareDisksStep(), new TransferStep(), new VerifyStep(), .. BootSteps, new ReleaseDisksStep()]
            : [new ConnectStep(), new PrepareDisksStep(), new TransferStep(), new VerifyStep(), .. BootSteps],
        _ => Mode == NetworkMode.Gateway
            ? [new ExitRescueStep(), new WaitStoppedStep(), new StartStep(), new WaitRunningStep(), new WaitAnswerStep(), new AskStartedStep(), new ScrubStep()]
            : [new ReleaseDisksStep(), new ExitRescueStep(), new WaitStoppedStep(), new StartStep(), new WaitRunningStep(), new WaitAnswerStep(), new AskStartedStep(), new ScrubStep()],
    };

    /// <summary>What makes the copied system boot, after the last pass is verified and before the disks are let go.</summary>
    internal static IReadOnlyList<Step> BootSteps { get; } = [new FixupStep()];

    private async Task RunStageAsync(RunContext context, int stage, Step[] steps, CancellationToken ct)
    {
        _observer.StageBegins(stage, Prompts.StageTitle(stage));
        context.State.Places[stage.ToString(System.Globalization.CultureInfo.InvariantCulture)] = _services.Source.Place(_tool.Path);
        foreach (Step step in steps)
        {
            StepRecord? record = context.State.Steps.Find(s => s.Name == step.Name);
            if (record?.DoneAt is not null && !step.EveryRun && step.IsStillDone(context))
            {
                _observer.StepEnds(step.Title, TimeSpan.Zero, record.Outcome ?? "", earlier: true);
                continue;
            }

            if (step is ReleaseDisksStep && context.System is null)
            {
                // A run that begins here has no connection yet.
                await RunStepAsync(context, new ConnectStep(), ct).ConfigureAwait(false);
            }

            await RunStepAsync(context, step, ct).ConfigureAwait(false);
        }
    }

    private async Task RunStepAsync(RunContext context, Step step, CancellationToken ct)
    {
        StepRecord? record = context.State.Steps.Find(s => s.Name == step.Name);
        bool begunBefore = record is { DoneAt: null };
        if (record is null)
        {
            record = new StepRecord { Name = step.Name };
            context.State.Steps.Add(record);
        }

        record.BegunAt = _services.Time.GetUtcNow();
        record.DoneAt = null;
        context.Save();
        long begin = _services.Time.GetTimestamp();
        _observer.StepBegins(step.Title);
        string outcome = await step.RunAsync(context, begunBefore, ct).ConfigureAwait(false);
        record.DoneAt = _services.Time.GetUtcNow();
        record.Outcome = outcome;
        context.Save();
        _observer.StepEnds(step.Title, _services.Time.GetElapsedTime(begin), outcome, earlier: false);
    }

    private void DemandSameInstance(MigrationState state)
    {
        if (state.InstanceId != _configuration.User.InstanceId || state.Region != _configuration.User.Region)
        {
            throw new MigrationException(
                $"the state in {_tool.StateDirectory} belongs to {state.InstanceId} in {state.Region}, and user.json names {_configuration.User.InstanceId} in {_configuration.User.Region}",
                "use another copy of the tool for another instance, or put the old instance back into user.json and run the tool with --clean");
        }
    }

    private bool IsPlaceOfStageBefore(MigrationState state, int stage)
        => state.Places.TryGetValue((stage - 1).ToString(System.Globalization.CultureInfo.InvariantCulture), out RunPlace? before)
            && !state.Places.ContainsKey(stage.ToString(System.Globalization.CultureInfo.InvariantCulture))
            && before.IsSameAs(_services.Source.Place(_tool.Path));
}
