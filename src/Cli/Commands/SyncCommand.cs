using NativeSync.Cli.Options;
using NativeSync.Cli.Output;
using NativeSync.Cli.Remote;
using NativeSync.Cli.Startup;
using NativeSync.Engine;
using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session;
using NativeSync.Protocol;

namespace NativeSync.Cli.Commands;

/// <summary><c>nativesync sync</c>: rsync's grammar and meaning.</summary>
internal static class SyncCommand
{
    /// <summary>Runs it.</summary>
    /// <param name="arguments">What stood behind the command, as raw bytes.</param>
    /// <param name="streams">Where to write.</param>
    /// <param name="interruption">Signals.</param>
    /// <param name="asRsync">Started under the name rsync: silent where rsync is.</param>
    /// <returns>rsync's exit code.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<byte[]> arguments, Streams streams, Interruption interruption, bool asRsync = false)
    {
        SyncArguments sync = SyncArgumentsBuilder.Parse(arguments, asRsync: asRsync);
        if (sync.Print is { } text)
        {
            streams.Write(text);
            return 0;
        }

        if (sync.Version || sync.Help)
        {
            streams.Write(sync.Version ? VersionText.For(asRsync) : HelpText.ForCommand(asRsync ? "rsync" : "sync"));
            return 0;
        }

        TransferPlan plan = sync.Batch is { Reads: true } ? TransferPlan.ForBatch(sync.Operands) : TransferPlan.Parse(sync.Operands);
        if (sync.Reconnect > TimeSpan.Zero && plan.Direction == Direction.Local)
        {
            throw new UsageException("--reconnect is for transfers to or from another machine, and both places are on this one");
        }

        SyncRequest request = RequestBuilder.Build(sync, ref plan);
        using ChangeFollower? follower = sync.Passes is { Follow: true } && plan.Direction != Direction.Pull ? new() : null;
        request = request with { Options = request.Options with { Changes = follower } };

        sync = sync with { Output = sync.Output with { Voice = new ProgramVoice(asRsync), Names = NamesFor(sync.Output.Names, asRsync) } };
        Streams targets = sync.Output.AllToError ? streams with { Out = streams.Error } : streams;

        // rsync shows progress on standard output, where scripts look for it.
        using Screen screen = new(targets, TimeProvider.System, statusOnOut: sync.Output.Info[InfoItem.Progress] > 1, sync.Output.Buffer);
        string? noLog = null;
        using LogFile? log = sync.Output.LogFile is { } path ? LogFile.Open(path, TimeProvider.System, out noLog) : null;
        if (noLog is not null)
        {
            screen.WriteError(sync.Output.Voice.Error(noLog));
        }

        ISyncReporter reporter = sync.Output.Json
            ? new JsonReporter(screen, sync.Options.Flags, plan.Direction, TimeProvider.System)
            : new TextReporter(screen, sync, plan, asRsync ? null : streams.ErrorWidth, log, TimeProvider.System) { LikeRsync = asRsync };
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(interruption.Token);
        try
        {
            if (sync.StopAt is { } end)
            {
                stop.CancelAfter(WaitUntil(end));
            }

            if (sync.Batch is { Reads: false } batch && (!sync.Has(JobFlags.DryRun) || sync.Options.BatchOnly) && !sync.Has(JobFlags.ListOnly))
            {
                batch.WriteScript();
            }

            RemoteConnector connector = new(sync.Remote, interruption, sync.Output is { Info.TellsCommand: true, Quiet: false, Json: false } ? screen.WriteLine : null)
            {
                Bandwidth = sync.Options.BandwidthNow ?? (() => sync.Options.BandwidthLimit),
                Sends = plan.Direction == Direction.Push && !sync.Has(JobFlags.DryRun),
                SilenceSeconds = sync.Options.TimeoutSeconds,
                AsksAtOnce = request is not { FilesFrom: { } list, FilesFromIsRemote: false } || NameListFile.IsAtHand(LinuxSystemCalls.Instance, list),
            };
            LineKeeper line = new(plan, sync.Batch, request, connector, reporter, sync.Reconnect);
            SyncReport report = sync.Passes is { } passes
                ? await new PassLoop(passes, follower, reporter, interruption).RunAsync(line.TransferAsync, stop.Token)
                : await line.TransferAsync(stop.Token);
            reporter.Finish(report);
            return report.ExitCode;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested && !interruption.Token.IsCancellationRequested)
        {
            reporter.Fail("stopping at requested limit (what is complete stays; run it again to go on)", ExitCodes.Timeout);
            return ExitCodes.Timeout;
        }
        catch (Exception e)
        {
            Failure failure = Failure.Of(e, interruption);
            reporter.Fail(failure.Message, failure.ExitCode);
            return failure.ExitCode;
        }
    }

    /// <summary>rsync asks the locale; NativeSync's own command always writes UTF-8.</summary>
    private static NameStyle NamesFor(NameStyle given, bool asRsync) => asRsync && given == NameStyle.Utf8 ? NameText.OfLocale() : given;

    /// <summary>A timer waits at most 49 days; who asks for more is not kept waiting by us.</summary>
    private static TimeSpan WaitUntil(DateTimeOffset end)
    {
        TimeSpan left = end - TimeProvider.System.GetUtcNow();
        return left < TimeSpan.Zero ? TimeSpan.Zero : left < TimeSpan.FromDays(49) ? left : Timeout.InfiniteTimeSpan;
    }
}
