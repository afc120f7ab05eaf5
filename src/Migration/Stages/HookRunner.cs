using System.Diagnostics;
using System.Globalization;
using NativeSync.Migration.Configuration;
using NativeSync.Migration.Source;

namespace NativeSync.Migration.Stages;

/// <summary>Runs the user's commands on the source, and knows whether its services are stopped by one of them.</summary>
internal sealed class HookRunner(RunContext context)
{
    private const string OutputFile = "hook.out";
    private const int ShownCharacters = 400;

    /// <summary>
    /// Output goes to a file and not through a pipe: a service that the command starts keeps it open, and nobody may wait
    /// for the service's end.
    /// </summary>
    private const string Script = """eval "$1" >"$2" 2>&1 </dev/null""";

    private TransferHooks Hooks => context.Client.Hooks;

    /// <summary>What <see cref="TransferHooks.BeforeLastPass"/> stopped is stopped still; after a boot of this server it is not.</summary>
    public bool IsQuiet => context.State.Quiet is { Done: true } quiet && quiet.BootId == BootId;

    /// <summary>Another boot of the source has started again what was stopped: it is to be stopped once more.</summary>
    public void ForgetOtherBoot()
    {
        if (context.State.Quiet is { } quiet && quiet.BootId != BootId)
        {
            context.State.Quiet = null;
        }
    }

    /// <summary>Once the destination holds the last state no pass may follow: fix-ups have changed it.</summary>
    public void WarnOfOtherBoot()
    {
        if (context.State is { Quiet: { Done: true } quiet, Ended: null } && quiet.BootId != BootId && context.State.IsDone(VerifyStep.StepName))
        {
            context.Observer.Warn("this server was booted after its last pass, which has started again what was stopped for it: what was written since is not at the destination. If that matters, run the tool with --clean and begin anew");
        }
    }

    private string BootId => context.Services.Source.Place(context.Tool.Path).BootId;

    public Task BeforePassAsync(int pass, CancellationToken ct) => RunAsync("BeforePass", Hooks.BeforePass, pass, ct);

    public Task AfterPassAsync(int pass, CancellationToken ct) => RunAsync("AfterPass", Hooks.AfterPass, pass, ct);

    /// <summary>What BeforePass set up is taken down after a pass that failed, too. Its own failure is a warning: the pass's is what the user must see.</summary>
    public async Task AfterFailedPassAsync(int pass)
    {
        try
        {
            await RunAsync("AfterPass", Hooks.AfterPass, pass, CancellationToken.None).ConfigureAwait(false);
        }
        catch (MigrationException e)
        {
            context.Observer.Warn(e.Message);
        }
    }

    /// <summary>Stops what writes, before the pass that is to be the last. Its intent is in the state before, so that it is undone in any case.</summary>
    public async Task QuietenAsync(int pass, CancellationToken ct)
    {
        context.State.Quiet = new QuietRecord { Pass = pass, BootId = BootId };
        context.Save();
        await RunAsync("BeforeLastPass", Hooks.BeforeLastPass, pass, ct).ConfigureAwait(false);
        context.State.Quiet.Done = true;
        context.Save();
    }

    /// <summary>Takes it back after a failure. Never throws: the failure is what the user must see.</summary>
    /// <param name="givenUp">The migration is given up, and not only this run.</param>
    public async Task UndoAsync(bool givenUp)
    {
        if (context.State.Quiet is not { } quiet)
        {
            return;
        }

        if (context.State.IsDone(VerifyStep.StepName) && !givenUp)
        {
            context.Observer.Warn($"what {TransferHooks.Key}.BeforeLastPass stopped on the source stays stopped, since the destination holds its last state: run the tool again to go on, or with --clean to give up, which runs {TransferHooks.Key}.Undo");
            return;
        }

        if (quiet.BootId != BootId)
        {
            if (givenUp && Hooks.Undo is { } command)
            {
                context.Observer.Warn($"what {TransferHooks.Key}.BeforeLastPass stopped is on the source, and this is another machine or another boot of it; if it is stopped still, run there: {command}");
            }
        }
        else if (Hooks.Undo is not null)
        {
            // Killed from here on, nothing is known to be stopped: the next run does it again.
            quiet.Done = false;
            TrySave();
            try
            {
                // Whatever cancelled the run must not cancel this.
                await RunAsync("Undo", Hooks.Undo, quiet.Pass, CancellationToken.None).ConfigureAwait(false);
                context.Observer.Say($"{TransferHooks.Key}.Undo was run: what was stopped for the last pass runs again.");
            }
            catch (MigrationException e)
            {
                context.Observer.Warn($"{e.Message}; what was stopped for the last pass is stopped still");
                return;
            }
        }

        context.State.Quiet = null;
        TrySave();
    }

    private void TrySave()
    {
        try
        {
            context.Save();
        }
        catch (MigrationException e)
        {
            context.Observer.Warn(e.Message);
        }
    }

    private async Task RunAsync(string name, string? command, int pass, CancellationToken ct)
    {
        if (command is null)
        {
            return;
        }

        string key = $"{TransferHooks.Key}.{name}", file = Path.Combine(context.Tool.StateDirectory, OutputFile);
        context.Log.Info($"{key}: {command}");
        context.Observer.StepProgress("Transfer data", null, TimeSpan.Zero, $"running {key}");
        ProcessStartInfo start = new("/bin/sh", ["-c", Script, "sh", command, file]) { WorkingDirectory = "/" };
        start.Environment["NATIVESYNC_PASS"] = pass.ToString(CultureInfo.InvariantCulture);
        start.Environment["NATIVESYNC_INSTANCE"] = context.User.InstanceId;
        using Process process = Process.Start(start) ?? throw new MigrationException($"{key}: /bin/sh did not start", "");
        using CancellationTokenSource limit = new(Hooks.Limit, context.Time);
        using CancellationTokenSource both = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        try
        {
            await process.WaitForExitAsync(both.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
            string before = Take(file);
            ct.ThrowIfCancellationRequested();
            throw new MigrationException(
                $"{key} did not end within {Hooks.Limit.TotalSeconds.ToString("0.#", CultureInfo.InvariantCulture)} s and was killed{before}",
                $"try the command by hand, or raise {TransferHooks.Key}.TimeoutSeconds, then run the tool again");
        }

        string said = Take(file);
        if (process.ExitCode != 0)
        {
            throw new MigrationException($"{key} ended with {process.ExitCode}{said}", "try the command by hand, then run the tool again");
        }
    }

    /// <summary>Moves what the command wrote to the log.</summary>
    /// <returns>Its end, for a message.</returns>
    private string Take(string file)
    {
        string said = "";
        try
        {
            said = File.ReadAllText(file).Trim();
            File.Delete(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It wrote nothing that could be shown.
        }

        if (said.Length == 0)
        {
            return "";
        }

        context.Log.Info(said);
        string line = said[^Math.Min(ShownCharacters, said.Length)..].ReplaceLineEndings(" ");
        return ": " + string.Concat(line.Select(c => char.IsControl(c) ? ' ' : c));
    }
}
