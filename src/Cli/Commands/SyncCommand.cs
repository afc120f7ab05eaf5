using NativeSync.Cli.Options;
using NativeSync.Cli.Output;
using NativeSync.Cli.Remote;
using NativeSync.Cli.Startup;
using NativeSync.Engine;

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
        SyncArguments sync = SyncArgumentsBuilder.Parse(arguments);
        if (sync.Version || sync.Help)
        {
            streams.Write(sync.Version ? VersionText.Text : HelpText.ForCommand("sync"));
            return 0;
        }

        TransferPlan plan = TransferPlan.Parse(sync.Operands);
        SyncRequest request = new() { Sources = plan.Sources, Destination = plan.Destination, Options = sync.Options };

        // rsync shows progress on standard output, where scripts look for it.
        using Screen screen = new(streams, TimeProvider.System, statusOnOut: sync.Output.Progress);
        ISyncReporter reporter = sync.Output.Json
            ? new JsonReporter(screen, sync.Options.Flags, plan.Direction, TimeProvider.System)
            : new TextReporter(screen, sync, plan, asRsync ? null : streams.ErrorWidth, TimeProvider.System);
        try
        {
            SyncReport report = await TransferAsync(plan, request, sync.Remote, reporter, interruption);
            reporter.Finish(report);
            return report.ExitCode;
        }
        catch (Exception e)
        {
            Failure failure = Failure.Of(e, interruption);
            reporter.Fail(failure.Message, failure.ExitCode);
            return failure.ExitCode;
        }
    }

    private static async Task<SyncReport> TransferAsync(TransferPlan plan, SyncRequest request, RemoteArguments remote, ISyncReporter reporter, Interruption interruption)
    {
        CancellationToken ct = interruption.Token;
        if (plan.Direction == Direction.Local)
        {
            reporter.Start();
            return await Synchronizer.LocalAsync(request, reporter, ct);
        }

        await using IConnection connection = await new RemoteConnector(remote, interruption).ConnectAsync(plan.Remote!, ct);
        reporter.Start();
        return plan.Direction == Direction.Push
            ? await Synchronizer.PushAsync(connection, request, reporter, ct)
            : await Synchronizer.PullAsync(connection, request, reporter, ct);
    }
}
