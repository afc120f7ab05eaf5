using NativeSync.Engine.Session;
using NativeSync.Engine.Verify;
using NativeSync.Protocol;

namespace NativeSync.Engine;

/// <summary>The remote end: serves one session on a lane that a caller opened.</summary>
public static class Agent
{
    /// <summary>A caller closes its side at once when a session is over; one that does not is not waited for longer.</summary>
    private static readonly TimeSpan Linger = TimeSpan.FromSeconds(5);

    /// <summary>Introduces itself at once, does the job that it is asked for, and says goodbye.</summary>
    /// <param name="lane">The lane to the caller; stays the starter's.</param>
    /// <param name="ct">Ends the session.</param>
    /// <returns>rsync's exit code. Failures have been told to the caller, as far as the line took it.</returns>
    public static Task<int> ServeAsync(ILane lane, CancellationToken ct = default) => ServeAsync(lane, SyncEnvironment.Default, ct);

    /// <param name="lane">The lane to the caller.</param>
    /// <param name="environment">The world.</param>
    /// <param name="ct">Ends the session.</param>
    /// <param name="batch">What to send in place of a tree; null for the sources of the job.</param>
    internal static async Task<int> ServeAsync(ILane lane, SyncEnvironment environment, CancellationToken ct, Session.Batch.BatchFile? batch = null)
    {
        ArgumentNullException.ThrowIfNull(lane);
        using var abort = new SessionAbort();
        var frames = new FrameLane(lane, abort, environment.Clock);
        await using (frames.ConfigureAwait(false))
        {
            try
            {
                return await ServeGuardedAsync(frames, abort, environment, batch, ct).ConfigureAwait(false);
            }
            finally
            {
                if (!ct.IsCancellationRequested)
                {
                    // An SSH channel that ends while its other side still says that it has finished costs the whole connection:
                    // OpenSSH's server hangs up on an end of stream for a channel that is gone.
                    await frames.LingerAsync(Linger).ConfigureAwait(false);
                }
            }
        }
    }

    private static async Task<int> ServeGuardedAsync(FrameLane frames, SessionAbort abort, SyncEnvironment environment, Session.Batch.BatchFile? batch, CancellationToken ct)
    {
        try
        {
            var (hello, job) = await Handshake.AnswerAsync(frames, ct).ConfigureAwait(false);
            return await ServeAsync(frames, abort, hello, job, environment, batch, ct).ConfigureAwait(false);
        }
        catch (SessionException e)
        {
            return e.ExitCode;
        }
        catch (TransportException e)
        {
            return e.ExitCode;
        }
        catch (ProtocolException)
        {
            return ExitCodes.Protocol;
        }
        catch (OperationCanceledException)
        {
            return ExitCodes.Interrupted;
        }
        catch (Exception e)
        {
            // A defect of ours, or something of the machine's that nobody foresaw: the caller learns what it was.
            abort.Abort(e);
            throw;
        }
    }

    private static async Task<int> ServeAsync(FrameLane frames, SessionAbort abort, HelloFrame hello, JobFrame job, SyncEnvironment environment, Session.Batch.BatchFile? batch, CancellationToken ct)
    {
        if (job.Kind == JobKind.Manifest)
        {
            return await ServeManifestAsync(frames, abort, hello, job, ct).ConfigureAwait(false);
        }

        var request = JobTranslation.ToRequest(job);
        var flags = job.Kind == JobKind.Push
            ? JobTranslation.Effective(job.Flags, environment.Io.EffectiveUserId() == 0, request.Options.FakeSuper)
            : job.Flags;
        SyncSession session;
        byte[]? list;
        try
        {
            list = request.FilesFrom is { } path ? NameListFile.Read(environment.Io, path) : null;
            session = new SyncSession(frames, abort, request.Options with { Flags = flags, Asked = job.Flags }, observer: null, environment, ct);
        }
        catch (Filters.FilterException e)
        {
            await Handshake.ReadyAsync(frames, flags, e.ExitCode, e.Message, ct).ConfigureAwait(false);
            return e.ExitCode;
        }
        catch (SessionException e)
        {
            await Handshake.ReadyAsync(frames, flags, e.ExitCode, e.Message, ct).ConfigureAwait(false);
            return e.ExitCode;
        }

        await using (session.ConfigureAwait(false))
        {
            if (job.Kind is not (JobKind.Push or JobKind.Pull))
            {
                await Handshake.ReadyAsync(frames, flags, 4, $"this agent does not do {job.Kind} jobs", ct).ConfigureAwait(false);
                return 4;
            }

            await Handshake.ReadyAsync(frames, flags, 0, "", ct).ConfigureAwait(false);
            if (job.Kind == JobKind.Push)
            {
                await session.ReceiveAsync(request.Destination, list, hello.Credit).ConfigureAwait(false);
            }
            else if (batch is not null)
            {
                await session.SendAsync(batch, hello.Credit).ConfigureAwait(false);
            }
            else
            {
                await session.SendAsync(request.Sources, list, hello.Credit).ConfigureAwait(false);
            }

            await session.SayGoodbyeAsync().ConfigureAwait(false);
            return session.Problems.ExitCode;
        }
    }

    private static async Task<int> ServeManifestAsync(FrameLane frames, SessionAbort abort, HelloFrame hello, JobFrame job, CancellationToken ct)
    {
        try
        {
            ManifestServer.Check(job);
        }
        catch (Filters.FilterException e)
        {
            await Handshake.ReadyAsync(frames, job.Flags, e.ExitCode, e.Message, ct).ConfigureAwait(false);
            return e.ExitCode;
        }

        await Handshake.ReadyAsync(frames, job.Flags, 0, "", ct).ConfigureAwait(false);
        return await ManifestSession.ServeAsync(frames, abort, hello, job, ct).ConfigureAwait(false);
    }
}
