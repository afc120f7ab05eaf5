using System.Globalization;
using NativeSync.Engine;
using NativeSync.Migration.Source;

namespace NativeSync.Migration.Stages;

/// <summary>Logs in to the rescue system; its host key is taken at the first time and demanded from then on.</summary>
internal sealed class ConnectStep : Step
{
    /// <summary>A system that has just booted may not let anyone in yet.</summary>
    private const int MaxAttempts = 12;

    public override string Name => "connect";

    public override string Title => "Connect to the destination";

    public override bool EveryRun => true;

    public override async Task<string> RunAsync(RunContext context, bool begunBefore, CancellationToken ct)
    {
        RescueAccess access = context.State.Rescue
            ?? throw new MigrationException("the state holds no password for the rescue system", "copy the whole tool directory of stage 1, hidden files included, to this server");
        RescueAddress address = new(context.State.Address ?? "", context.Client.SshPort);
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
            catch (TransportException e) when (attempt < MaxAttempts && e.ExitCode is 255 or 35)
            {
                context.Log.Debug($"{e.Message}; trying again ({attempt} of {MaxAttempts})");
                context.Observer.StepProgress(Title, null, context.Time.GetElapsedTime(begin), "waiting for an answer");
                await Task.Delay(context.Client.PollInterval, context.Time, ct).ConfigureAwait(false);
            }
            catch (TransportException e)
            {
                throw RunContext.Translate(e);
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
}

/// <summary>Plans the source's file systems and makes their places ready.</summary>
internal sealed class PrepareDisksStep : Step
{
    public override string Name => "prepare-disks";

    public override string Title => "Prepare the destination's disks";

    public override bool EveryRun => true;

    public override async Task<string> RunAsync(RunContext context, bool begunBefore, CancellationToken ct)
    {
        List<string> notes = [];
        context.Plan = SourcePlan.Make(
            context.User, context.Client, context.Services.ReadExcludes(context.Configuration.Excludes), context.Services.Source.Mounts(), context.Tool.Path, notes);
        foreach (string note in notes)
        {
            context.Observer.Warn(note);
        }

        foreach (PlannedFileSystem fs in context.Plan)
        {
            if (context.State.Disks.Find(d => d.Index == fs.Index) is { } disk)
            {
                disk.SourceType = fs.Type;
                (disk.SourceUuid, disk.SourceLabel) = fs.Device.Length > 0 ? context.Services.Source.Names(fs.Device) : (null, null);
            }
        }

        context.Places = await context.Layout.PrepareAsync(context.System!, context.Plan, context.State.Disks, ct).ConfigureAwait(false);
        return string.Join(", ", context.Plan.Select((fs, i) => $"{fs.MountPoint} -> {ByteText.Escape(context.Places[i].AsSpan()[..^1])}"));
    }
}

/// <summary>Passes over all file systems until one moves little.</summary>
internal sealed class TransferStep : Step
{
    public override string Name => "transfer";

    public override string Title => "Transfer data";

    public override async Task<string> RunAsync(RunContext context, bool begunBefore, CancellationToken ct)
    {
        int first = context.State.Passes.Count == 0 ? 1 : NextPass(context);
        for (int pass = first; ; pass++)
        {
            long sent = await PassAsync(context, pass, Title, ct).ConfigureAwait(false);
            if (sent <= context.Client.UntilBytes || pass >= context.Client.MaxPasses)
            {
                long all = context.State.Passes.Sum(p => p.Result.LiteralBytes);
                return string.Create(CultureInfo.InvariantCulture, $"{pass} pass{(pass == 1 ? "" : "es")}, {all} bytes of content sent, {sent} of them in the last pass");
            }
        }
    }

    /// <summary>One pass over all file systems that this pass has not done yet.</summary>
    /// <returns>Bytes of content that it sent.</returns>
    internal static async Task<long> PassAsync(RunContext context, int pass, string title, CancellationToken ct)
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
            try
            {
                result = await context.Services.Mover.PushAsync(
                    context.System!, context.JobFor(i),
                    p => context.Observer.StepProgress(title, Percent(p), context.Time.GetElapsedTime(begin), Detail(what, p)), ct).ConfigureAwait(false);
            }
            catch (TransportException e)
            {
                throw RunContext.Translate(e);
            }

            Judge(context, what, result);
            context.State.Passes.Add(new PassRecord { Pass = pass, Index = fs.Index, MountPoint = fs.MountPoint, Result = result });
            context.Save();
            context.Log.Info(string.Create(CultureInfo.InvariantCulture, $"{what}: {result.Files} files, {result.FilesSent} sent, {result.LiteralBytes} bytes of content, {result.WireBytes} on the wire, {result.Deleted} deleted, {result.ProblemCount} problems, {result.Elapsed.TotalSeconds:0.0} s"));
        }

        return context.State.Passes.Where(p => p.Pass == pass).Sum(p => p.Result.LiteralBytes);
    }

    private static int NextPass(RunContext context)
    {
        int last = context.State.Passes.Max(p => p.Pass);
        bool complete = context.Plan!.All(fs => context.State.Passes.Exists(p => p.Pass == last && p.Index == fs.Index));
        return complete && last < context.Client.MaxPasses ? last + 1 : last;
    }

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

/// <summary>Compares both sides by digest; what a living source changed meanwhile gets one more pass.</summary>
internal sealed class VerifyStep : Step
{
    public override string Name => "verify";

    public override string Title => "Verify both sides by digest";

    public override async Task<string> RunAsync(RunContext context, bool begunBefore, CancellationToken ct)
    {
        long different = await CompareAsync(context, ct).ConfigureAwait(false);
        if (different > 0)
        {
            context.Log.Info($"{different} entries differ; one more pass");
            await TransferStep.PassAsync(context, context.State.Passes.Count == 0 ? 1 : context.State.Passes.Max(p => p.Pass) + 1, Title, ct).ConfigureAwait(false);
            different = await CompareAsync(context, ct).ConfigureAwait(false);
        }

        if (different == 0)
        {
            return "both sides are equal";
        }

        string first = context.State.Verified.SelectMany(v => v.Result.Differences).FirstOrDefault() ?? "";
        context.Observer.Warn($"{different} entr{(different == 1 ? "y differs" : "ies differ")} after the last pass, the first: {first}; all are in the log. A source that is being written to differs as long as it is; stop its services for the last pass if that matters");
        return $"{different} entries differ";
    }

    private async Task<long> CompareAsync(RunContext context, CancellationToken ct)
    {
        long begin = context.Time.GetTimestamp();
        context.State.Verified.Clear();
        for (int i = 0; i < context.Plan!.Count; i++)
        {
            PlannedFileSystem fs = context.Plan[i];
            context.Observer.StepProgress(Title, 100.0 * i / context.Plan.Count, context.Time.GetElapsedTime(begin), fs.Label);
            VerifyResult result;
            try
            {
                result = await context.Services.Mover.VerifyAsync(context.System!, context.JobFor(i), ct).ConfigureAwait(false);
            }
            catch (TransportException e)
            {
                throw RunContext.Translate(e);
            }

            foreach (string difference in result.Differences)
            {
                context.Log.Info($"{fs.Label}: differs: {difference}");
            }

            context.State.Verified.Add(new VerifyRecord { Index = fs.Index, MountPoint = fs.MountPoint, Result = result });
            context.Log.Info($"{fs.Label}: source {result.SourceDigest}, destination {result.DestinationDigest}");
        }

        return context.State.Verified.Sum(v => v.Result.Equal ? 0 : Math.Max(1, v.Result.DifferenceCount));
    }
}

/// <summary>Lets go of the disks. Belongs to stage 3, but in scenario 1 only the source reaches the rescue system: there it ends stage 2.</summary>
internal sealed class ReleaseDisksStep : Step
{
    public override string Name => "release-disks";

    public override string Title => "Unmount the destination's disks";

    public override async Task<string> RunAsync(RunContext context, bool begunBefore, CancellationToken ct)
    {
        await context.Layout.ReleaseAsync(context.System!, ct).ConfigureAwait(false);
        await context.System!.DisposeAsync().ConfigureAwait(false);
        context.System = null;
        return "written to disk and released";
    }
}
