using NativeSync.Engine;
using NativeSync.Migration.Api;

namespace NativeSync.Migration.Stages;

/// <summary>
/// Asks the started system itself: by SSH with a key that the source lets in, else by the cloud's automation agent, when the
/// source had it. That nobody could ask never ends the run: the data has arrived.
/// </summary>
internal sealed class AskStartedStep : Step
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    public override string Name => "ask-agent";

    public override string Title => "Ask the started system";

    public override async Task<string> RunAsync(RunContext context, bool begunBefore, CancellationToken ct)
    {
        try
        {
            string? answer = context.Client.Check.IdentityFile is { } key ? await BySshAsync(context, key, ct).ConfigureAwait(false) : null;
            if (answer is null && context.State.HasTatAgent)
            {
                answer = await ByAgentAsync(context, ct).ConfigureAwait(false);
            }
            else if (answer is null && context.Client.Check.IdentityFile is null)
            {
                return "skipped: no Client.Check.IdentityFile to log in with, and the source has no automation agent";
            }

            return answer is null ? "not asked" : StartedSystem.Judge(context, answer);
        }
        catch (CloudException e)
        {
            context.Observer.Warn($"the started system was not asked: {e.Message}");
            return "not asked";
        }
    }

    private static async Task<string?> BySshAsync(RunContext context, string key, CancellationToken ct)
    {
        RescueAddress address = new(context.State.Address ?? "", context.State.AnswerPort ?? WaitAnswerStep.Addresses(context)[0].Port) { Way = context.Client.SshWay, Silence = TimeSpan.FromSeconds(context.Client.TimeoutSeconds) };
        RescueCredentials credentials = new(context.Client.Check.User, "", context.Tool.File(key), null);
        try
        {
            IRescueSystem system = await context.Services.Connector.ConnectAsync(address, credentials, ct).ConfigureAwait(false);
            await using (system.ConfigureAwait(false))
            {
                if (!context.Client.Fixups.NewHostKeys && !StartedSystem.IsCopy(context.State.Source, system.HostKey))
                {
                    throw new MigrationException($"what answers at {address} has none of the source's host keys: {system.HostKeyFingerprint}", "see in the console which disk the instance boots from, then run the tool again");
                }

                return (await system.RunAsync(StartedSystem.ScriptFor(context.State), ct).ConfigureAwait(false)).Output;
            }
        }
        catch (TransportException e)
        {
            context.Observer.Warn($"the started system could not be asked by SSH: {e.Message}");
            return null;
        }
    }

    private async Task<string?> ByAgentAsync(RunContext context, CancellationToken ct)
    {
        TatClient tat = new(context.Api);
        long begin = context.Time.GetTimestamp();
        TimeSpan limit = context.Client.WaitLimit < Limit ? context.Client.WaitLimit : Limit;
        string? invocation = null;
        while (context.Time.GetElapsedTime(begin) <= limit)
        {
            if (invocation is null && await tat.IsAgentOnlineAsync(context.User.InstanceId, ct).ConfigureAwait(false))
            {
                invocation = await tat.RunAsync(context.User.InstanceId, StartedSystem.ScriptFor(context.State), ct).ConfigureAwait(false);
            }

            if (invocation is not null && await tat.ResultAsync(invocation, ct).ConfigureAwait(false) is { } result)
            {
                if (result.ExitCode != 0)
                {
                    context.Observer.Warn($"the look at the started system by its automation agent ended with exit code {result.ExitCode}; what it did not tell is not in the report");
                }

                return result.Output;
            }

            context.Observer.StepProgress(Title, null, context.Time.GetElapsedTime(begin), invocation is null ? "the agent does not answer yet" : "waiting for its answer");
            await Task.Delay(context.Client.PollInterval, context.Time, ct).ConfigureAwait(false);
        }

        context.Observer.Warn("the instance runs, but its automation agent does not answer; look at it through VNC in the console");
        return null;
    }
}
