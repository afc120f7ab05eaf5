using NativeSync.Cli.Options;
using NativeSync.Cli.Output;
using NativeSync.Cli.Startup;
using NativeSync.Engine;

namespace NativeSync.Cli.Commands;

/// <summary>
/// <c>--until-converged</c>: passes over a living tree, each of which costs what has changed, until one has little to do; then, where
/// commands stop what writes, one more while it is stopped.
/// </summary>
internal sealed class PassLoop(PassArguments passes, ChangeFollower? follower, ISyncReporter reporter, Interruption interruption)
{
    private readonly List<PassResult> _done = [];
    private SyncReport? _sum;

    /// <summary>Runs them.</summary>
    /// <param name="pass">Does one.</param>
    /// <param name="ct">Ends it; what stopped is started again all the same.</param>
    /// <returns>The last pass's report, with what the others did added.</returns>
    public async Task<SyncReport> RunAsync(Func<CancellationToken, Task<SyncReport>> pass, CancellationToken ct)
    {
        bool stops = passes.Before is not null || passes.After is not null;
        bool little = false;
        while (true)
        {
            int number = _done.Count + 1;
            bool last = number >= passes.Most;
            if (stops && (little || last))
            {
                return await LastAsync(number, pass, ct);
            }

            if (last && number > 1)
            {
                reporter.BeginsLast(number, PassForecast.Next(_done));
                await PassAsync(pass, ct);
                return _sum!;
            }

            long sent = await PassAsync(pass, ct);
            little = sent <= passes.Bound;
            if (last || (little && !stops))
            {
                return _sum!;
            }
        }
    }

    private async Task<SyncReport> LastAsync(int number, Func<CancellationToken, Task<SyncReport>> pass, CancellationToken ct)
    {
        reporter.BeginsLast(number, PassForecast.Next(_done));
        interruption.MustFinish = true;
        try
        {
            int result = ExitCodes.Partial;
            try
            {
                if (passes.Before is { } before)
                {
                    await HookCommand.RunAsync("--before-last", before, number, null, passes.Limit, ct);
                }

                await PassAsync(pass, ct);
                result = _sum!.ExitCode;
            }
            finally
            {
                if (passes.After is { } after)
                {
                    // Whatever ended the pass must not end this.
                    await HookCommand.RunAsync("--after-last", after, number, result, passes.Limit, CancellationToken.None);
                }
            }

            return _sum;
        }
        finally
        {
            interruption.MustFinish = false;
        }
    }

    /// <summary>A pass looks only at what has changed since the one before began, where that is known.</summary>
    /// <returns>Bytes of content that it sent.</returns>
    private async Task<long> PassAsync(Func<CancellationToken, Task<SyncReport>> pass, CancellationToken ct)
    {
        follower?.Narrow();
        SyncReport report = await pass(ct);
        if (follower is { NeedsAnother: true })
        {
            Add(report);
            report = await pass(ct);
        }

        if (follower is not null && _done.Count > 0)
        {
            reporter.Followed(follower.Account);
        }
        else if (passes.Follow && _done.Count == 1)
        {
            reporter.Followed("changes are not followed (the source is at the other side): each pass looks at everything");
        }

        return Add(report);
    }

    private long Add(SyncReport report)
    {
        // A file that vanished says nothing of what --max-delete left.
        follower?.Passed(report is { ExitCode: ExitCodes.Vanished, Statistics.DeletionsSkipped: > 0 } ? ExitCodes.DeleteLimit : report.ExitCode);
        long sent = report.Statistics.LiteralBytes;
        _done.Add(new PassResult(sent, report.Elapsed));
        reporter.Passed(_done.Count, report);
        _sum = _sum is { } before ? report.Behind(before) : report;
        return sent;
    }
}
