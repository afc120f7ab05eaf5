using NativeSync.Engine;

namespace NativeSync.Migration.Stages;

/// <summary>Logs in to the rescue system; its host key is taken at the first time and demanded from then on.</summary>
internal sealed class ConnectStep : Step
{
    /// <summary>A system that has just booted may not let anyone in yet.</summary>
    private const int MaxAttempts = 12;

    /// <summary>Its sshd may be there before its password is; where we have been in before, a refusal is final at once.</summary>
    private const int MaxRefusals = 3;

    public override string Name => "connect";

    public override string Title => "Connect to the destination";

    public override bool EveryRun => true;

    public override async Task<string> RunAsync(RunContext context, bool begunBefore, CancellationToken ct)
    {
        RescueAccess access = context.State.Rescue
            ?? throw new MigrationException("the state holds no password for the rescue system", "copy the whole tool directory of stage 1, hidden files included, to this server");
        RescueAddress address = new(context.State.Address ?? "", context.Client.SshPort) { Way = context.Client.SshWay, Bandwidth = context.Bandwidth.Now, Silence = TimeSpan.FromSeconds(context.Client.TimeoutSeconds) };
        string? identity = context.Client.SshIdentityFile is { } file ? context.Tool.File(file) : null;
        RescueCredentials credentials = new(access.User, access.Password, identity, access.HostKey);
        long begin = context.Time.GetTimestamp();
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                context.System = await context.Services.Connector.ConnectAsync(address, credentials, ct).ConfigureAwait(false);
                break;
            }
            catch (TransportException e) when (attempt < AttemptsFor(e, access) && e.ExitCode is 255 or 35)
            {
                context.Log.Debug($"{e.Message}; trying again ({attempt} of {MaxAttempts})");
                context.Observer.StepProgress(Title, null, context.Time.GetElapsedTime(begin), "waiting for an answer");
                await Task.Delay(context.Client.PollInterval, context.Time, ct).ConfigureAwait(false);
            }
            catch (TransportException e)
            {
                throw new MigrationException(e.Message, AdviceFor(e, context), e);
            }
        }

        if (access.HostKey is null && context.System.HostKey.Length > 0)
        {
            access.HostKey = context.System.HostKey;
            context.Save();
            return $"{address}, host key {context.System.HostKeyFingerprint} (taken on trust now, demanded from now on)";
        }

        return context.System.HostKey.Length > 0 ? $"{address}, host key as before" : $"{address}";
    }

    private static int AttemptsFor(TransportException e, RescueAccess access) => e.Fault switch
    {
        TransportFault.HostKey => 1,
        TransportFault.Login => access.HostKey is null && !e.IsOnTheWay ? MaxRefusals : 1,
        _ => MaxAttempts,
    };

    private static string AdviceFor(TransportException e, RunContext context) => e.Fault switch
    {
        _ when e.IsOnTheWay => $"{Configuration.SshWay.Advice}, then run the tool again",
        TransportFault.HostKey => "somebody may be in between, or the rescue system was set up anew: see the instance in the console; if it is the right one, run the tool with --clean and begin anew",
        TransportFault.Login => "somebody may have reset the password in the console: run the tool with --clean and begin anew",
        _ when e.ExitCode is not (255 or 35) => e.Hint,
        _ => $"see whether the instance is in rescue mode, and whether TCP port {context.Client.SshPort.ToString(System.Globalization.CultureInfo.InvariantCulture)} is open on the way from this server to it, then run the tool again",
    };
}
