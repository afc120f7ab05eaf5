using NativeSync.Engine;
using NativeSync.Migration.Source;

namespace NativeSync.Migration.Stages;

/// <summary>Compares both sides by digest; what a living source changed meanwhile gets one more pass.</summary>
internal sealed class VerifyStep : Step
{
    public const string StepName = "verify";

    public override string Name => StepName;

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
