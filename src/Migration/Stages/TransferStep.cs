using System.Globalization;
using NativeSync.Engine;
using NativeSync.Migration.Source;

namespace NativeSync.Migration.Stages;

/// <summary>Passes over all file systems until one moves little.</summary>
internal sealed class TransferStep : Step
{
    public override string Name => "transfer";

    public override string Title => "Transfer data";

    /// <summary>What a command has stopped for the last pass must be stopped still while both sides are compared; else more passes follow.</summary>
    public override bool IsStillDone(RunContext context)
        => context.Client.Hooks.BeforeLastPass is null || context.State.IsDone(VerifyStep.StepName) || new HookRunner(context).IsQuiet;

    public override async Task<string> RunAsync(RunContext context, bool begunBefore, CancellationToken ct)
    {
        HookRunner hooks = new(context);
        using Followers followers = new(context.Client.FollowChanges ? context.Plan!.Count : 0);
        bool wantsQuiet = context.Client.Hooks.BeforeLastPass is not null;
        hooks.ForgetOtherBoot();
        int pass = FirstPass(context, wantsQuiet);
        bool little = pass > 1 && Sent(context, pass - 1) <= context.Client.UntilBytes;
        for (; ; pass++)
        {
            bool last = little || pass >= context.Client.MaxPasses;
            if (wantsQuiet && last && !hooks.IsQuiet)
            {
                TellForecast(context, pass);

                // Of a pass that was cut off, what was done before the command is to be done behind it.
                context.State.Passes.RemoveAll(p => p.Pass == pass);
                await hooks.QuietenAsync(pass, ct).ConfigureAwait(false);
            }

            long sent = await PassAsync(context, pass, Title, ct, followers).ConfigureAwait(false);
            little = sent <= context.Client.UntilBytes;
            if (wantsQuiet ? hooks.IsQuiet : little || last)
            {
                long all = context.State.Passes.Sum(p => p.Result.LiteralBytes);
                return string.Create(CultureInfo.InvariantCulture, $"{pass} pass{(pass == 1 ? "" : "es")}, {all} bytes of content sent, {sent} of them in the last pass");
            }
        }
    }

    /// <summary>How long the services will be stopped is what the user must plan for.</summary>
    private static void TellForecast(RunContext context, int pass)
    {
        List<PassResult> done = [];
        for (int earlier = 1; earlier < pass; earlier++)
        {
            done.Add(new PassResult(Sent(context, earlier), TimeSpan.FromTicks(context.State.Passes.Where(p => p.Pass == earlier).Sum(p => p.Result.Elapsed.Ticks))));
        }

        if (done.Count > 0)
        {
            context.Observer.Say(string.Create(CultureInfo.InvariantCulture, $"The last pass will take about {Math.Max(1, Math.Ceiling(PassForecast.Next(done).TotalSeconds)):0} s."));
        }
    }

    /// <summary>One pass over all file systems that this pass has not done yet.</summary>
    /// <returns>Bytes of content that it sent.</returns>
    internal static async Task<long> PassAsync(RunContext context, int pass, string title, CancellationToken ct, Followers? followers = null)
    {
        if (IsComplete(context, pass))
        {
            return Sent(context, pass);
        }

        HookRunner hooks = new(context);
        await hooks.BeforePassAsync(pass, ct).ConfigureAwait(false);
        try
        {
            await MoveAsync(context, pass, title, followers, ct).ConfigureAwait(false);
        }
        catch (Exception e) when (e is MigrationException or OperationCanceledException)
        {
            await hooks.AfterFailedPassAsync(pass).ConfigureAwait(false);
            throw;
        }

        await hooks.AfterPassAsync(pass, ct).ConfigureAwait(false);
        return Sent(context, pass);
    }

    private static async Task MoveAsync(RunContext context, int pass, string title, Followers? followers, CancellationToken ct)
    {
        long begin = context.Time.GetTimestamp();
        for (int i = 0; i < context.Plan!.Count; i++)
        {
            PlannedFileSystem fs = context.Plan[i];
            if (context.State.Passes.Exists(p => p.Pass == pass && p.Index == fs.Index))
            {
                continue;
            }

            string what = $"pass {pass}, {fs.Label}";
            TransferResult result;
            ChangeFollower? follower = followers?.Of(i);
            Task<TransferResult> MoveOnceAsync() => context.Services.Mover.PushAsync(
                context.System!, context.JobFor(i) with { Changes = follower },
                p => context.Observer.StepProgress(title, Percent(p), context.Time.GetElapsedTime(begin), Detail(what, p)), ct);
            try
            {
                result = await MoveOnceAsync().ConfigureAwait(false);
                if (follower is { NeedsAnother: true })
                {
                    context.Log.Info($"{what}: {follower.Account}, and another one does");
                    Judge(context, what, result);
                    TransferResult narrow = result;
                    result = await MoveOnceAsync().ConfigureAwait(false);
                    result = result with
                    {
                        FilesSent = result.FilesSent + narrow.FilesSent,
                        LiteralBytes = result.LiteralBytes + narrow.LiteralBytes,
                        WireBytes = result.WireBytes + narrow.WireBytes,
                        Deleted = result.Deleted + narrow.Deleted,
                        Elapsed = result.Elapsed + narrow.Elapsed,
                    };
                }
            }
            catch (TransportException e)
            {
                throw RunContext.Translate(e);
            }

            follower?.Passed(result.ExitCode);
            Judge(context, what, result);
            context.State.Passes.Add(new PassRecord { Pass = pass, Index = fs.Index, MountPoint = fs.MountPoint, Result = result });
            context.Save();
            context.Log.Info(string.Create(CultureInfo.InvariantCulture, $"{what}: {result.Files} files, {result.FilesSent} sent, {result.LiteralBytes} bytes of content, {result.WireBytes} on the wire, {result.Deleted} deleted, {result.ProblemCount} problems, {result.Elapsed.TotalSeconds:0.0} s"));
            if (pass > 1 && follower is not null)
            {
                context.Log.Info($"{what}: {follower.Account}");
            }
        }
    }

    /// <summary>The pass to go on with: the one that was cut off, else the next. Without a pass to come after a command, the most passes are the most.</summary>
    private static int FirstPass(RunContext context, bool wantsQuiet)
    {
        int last = context.State.Passes.Count == 0 ? 0 : context.State.Passes.Max(p => p.Pass);
        bool another = last == 0 || (IsComplete(context, last) && (wantsQuiet ? context.State.Quiet?.Pass != last : last < context.Client.MaxPasses));
        return another ? last + 1 : last;
    }

    private static bool IsComplete(RunContext context, int pass)
        => context.Plan!.All(fs => context.State.Passes.Exists(p => p.Pass == pass && p.Index == fs.Index));

    private static long Sent(RunContext context, int pass)
        => context.State.Passes.Where(p => p.Pass == pass).Sum(p => p.Result.LiteralBytes);

    /// <summary>Vanished and unreadable entries are warnings; trouble of the destination ends the run.</summary>
    private static void Judge(RunContext context, string what, TransferResult result)
    {
        foreach (string problem in result.Problems)
        {
            context.Log.Error($"{what}: {problem}");
        }

        if (result.DestinationTrouble is { } trouble)
        {
            throw new MigrationException($"{what}: the destination cannot take the data: {trouble}", "see the log; when the disk is too small, exclude what is not needed or enlarge it, then run the tool again");
        }

        if (result.ExitCode is not (0 or 23 or 24 or 25))
        {
            string why = result.Problems.Count > 0 ? result.Problems[0] : $"exit code {result.ExitCode}";
            throw new MigrationException($"{what}: the transfer broke off: {why}", "run the tool again: it goes on where it stopped");
        }

        if (result.ProblemCount > 0)
        {
            context.Observer.Warn($"{what}: {result.ProblemCount} entr{(result.ProblemCount == 1 ? "y was" : "ies were")} in trouble, the first: {result.Problems.FirstOrDefault()}; all are in the log");
        }
    }

    private static double? Percent(TransferProgress p)
        => p.TotalBytes > 0 ? Math.Min(100, 100.0 * p.Bytes / p.TotalBytes) : p.TotalFiles > 0 ? Math.Min(100, 100.0 * p.Files / p.TotalFiles) : null;

    private static string Detail(string what, TransferProgress p)
        => string.Create(CultureInfo.InvariantCulture, $"{what}: {p.Files}/{p.TotalFiles}{(p.Final ? "" : "+")} files, {p.Bytes / 1048576.0:0.0}/{p.TotalBytes / 1048576.0:0.0} MiB");
}
