using NativeSync.Engine;
using NativeSync.Migration.Source;

namespace NativeSync.Migration.Stages;

/// <summary>Plans the source's file systems and makes their places ready.</summary>
internal sealed class PrepareDisksStep : Step
{
    public override string Name => "prepare-disks";

    public override string Title => "Prepare the destination's disks";

    public override bool EveryRun => true;

    public override async Task<string> RunAsync(RunContext context, bool begunBefore, CancellationToken ct)
    {
        List<string> notes = [];
        context.SwapFiles = SwapFiles.Read(context.Client.SourceRoot);
        context.Plan = SourcePlan.Make(
            context.User, context.Client, context.Services.ReadExcludes(context.Configuration.Excludes), context.Services.Source.Mounts(), context.Tool.Path, notes, context.SwapFiles);
        foreach (string note in notes)
        {
            context.Observer.Warn(note);
        }

        context.State.Source = SourceIdentity.Read(context.Client.SourceRoot);
        foreach (PlannedFileSystem fs in context.Plan)
        {
            if (context.State.Disks.Find(d => d.Index == fs.Index) is { } disk)
            {
                disk.SourceType = fs.Type;
                (disk.SourceUuid, disk.SourceLabel) = fs.Device.Length > 0 ? context.Services.Source.Names(fs.Device) : (null, null);
            }
        }

        // What the line is cut in goes on in the rescue system, is waited for there, and not done again.
        IDestinationLayout layout = context.Layout;
        foreach (string line in await LastAsync(stop => layout.DescribeAsync(context.System!, context.Plan, context.State.Disks, stop)).ConfigureAwait(false))
        {
            context.Observer.Say("  " + line);
        }

        context.Places = await LastAsync(stop => layout.PrepareAsync(context.System!, context.Plan, context.State.Disks, stop)).ConfigureAwait(false);
        return string.Join(", ", context.Plan.Select((fs, i) => $"{fs.MountPoint} -> {ByteText.Escape(context.Places[i].AsSpan()[..^1])}"));

        Task<IReadOnlyList<T>> LastAsync<T>(Func<CancellationToken, Task<IReadOnlyList<T>>> work)
            => LastingCall.RunAsync(context.System!, LastingCall.Options(context.Client.Reconnect, Title, context.Observer.Warn) with { Clock = context.Time }, work, ct);
    }
}

/// <summary>Lets go of the disks. Belongs to stage 3, but in scenario 1 only the source reaches the rescue system: there it ends stage 2.</summary>
internal sealed class ReleaseDisksStep : Step
{
    public override string Name => "release-disks";

    public override string Title => "Unmount the destination's disks";

    public override async Task<string> RunAsync(RunContext context, bool begunBefore, CancellationToken ct)
    {
        await LastingCall.RunAsync(context.System!, LastingCall.Options(context.Client.Reconnect, Title, context.Observer.Warn), ReleaseAsync, ct).ConfigureAwait(false);
        await context.System!.DisposeAsync().ConfigureAwait(false);
        context.System = null;
        return "written to disk and released";

        async Task<string> ReleaseAsync(CancellationToken stop)
        {
            await context.Layout.ReleaseAsync(context.System!, stop).ConfigureAwait(false);
            return "";
        }
    }
}
