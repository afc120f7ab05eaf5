using NativeSync.Engine.Session;
using NativeSync.Protocol;

namespace NativeSync.Engine;

/// <summary>
/// A transfer that outlives its line: when it drops, a new session does what is left, which costs the digests of directories that
/// are done and the rest of the file that was under way. For the caller it is one run. docs/journal.md.
/// </summary>
public static class LastingTransfer
{
    /// <summary>Transfers until it is done, or until no session has got anywhere for longer than the limit.</summary>
    /// <param name="connect">Makes a connection, at first and after each loss. That the first one cannot be had is final, unless the options say that the other end was reached before.</param>
    /// <param name="push">True to send from here, false to fetch.</param>
    /// <param name="request">What and how.</param>
    /// <param name="observer">Told what happens; may be null. Its start is told once.</param>
    /// <param name="options">For how long, and who is told.</param>
    /// <param name="ct">Ends it.</param>
    /// <returns>The last session's report, with what the others did added.</returns>
    /// <inheritdoc cref="Synchronizer.PushAsync" path="/exception"/>
    public static async Task<SyncReport> RunAsync(
        Func<CancellationToken, Task<IConnection>> connect, bool push, SyncRequest request, ISyncObserver? observer, ReconnectOptions options, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(connect);
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(options);

        // A dry run does nothing that would be there afterwards: the next session would only tell all of it again.
        var limit = (request.Options.Flags & (JobFlags.DryRun | JobFlags.ListOnly)) != 0 ? TimeSpan.Zero : options.Limit;
        var clock = options.Clock;
        var started = clock.GetTimestamp();
        var tally = new TransferTally(observer, push);
        var backoff = new LineBackoff(options);
        var again = false;
        while (true)
        {
            Exception failure;
            IConnection? connection = null;
            try
            {
                try
                {
                    var rest = tally.Prepare(request, limit > TimeSpan.Zero);
                    var kind = push ? JobKind.Push : JobKind.Pull;
                    var report = await Synchronizer.RunAsync(ReachAsync, looksAhead: !again, kind, rest, tally, SyncEnvironment.Default, ct).ConfigureAwait(false);
                    options.OnDone?.Invoke(connection!);
                    return tally.Complete(report) with { Elapsed = clock.GetElapsedTime(started) };
                }
                finally
                {
                    if (connection is not null)
                    {
                        await connection.DisposeAsync().ConfigureAwait(false);
                    }
                }
            }
            catch (Exception e) when (limit > TimeSpan.Zero && (tally.HasBegun || options.WasReached) && IsPassing(e) && !ct.IsCancellationRequested)
            {
                failure = e;
            }

            await backoff.WaitAsync(failure, tally.Abandon(), ct).ConfigureAwait(false);
            again = true;

            async Task<IConnection> ReachAsync(CancellationToken stop)
            {
                connection = await connect(stop).ConfigureAwait(false);
                if (again)
                {
                    options.OnResumed?.Invoke();
                }

                tally.Begin();
                return connection;
            }
        }
    }

    /// <summary>True for what may be better in a while: not for a refused login, another host key, a full disk.</summary>
    public static bool IsPassing(Exception failure) => failure switch
    {
        TransportException { Fault: TransportFault.Other } e => e.ExitCode is ExitCodes.Stream or ExitCodes.Timeout or 10 or 35 or 255,
        SessionException e => e.ExitCode is ExitCodes.Stream or ExitCodes.Timeout or 10,
        _ => false,
    };
}
