using NativeSync.Engine.Session;
using NativeSync.Engine.Verify;
using NativeSync.Protocol;

namespace NativeSync.Engine;

/// <summary>The remote end: serves one session on a lane that a caller opened.</summary>
public static class Agent
{
    /// <summary>A caller closes its side at once when a session is over; one that does not is not waited for longer.</summary>
    private static readonly TimeSpan Linger = TimeSpan.FromSeconds(5);

    /// <summary>
    /// For the caller to say what it wants. Someone may be asked for another machine's password meanwhile (<c>verify</c> of two remote trees); but the
    /// line may die meanwhile, too, and an agent must not stay behind. A caller that asks at once says how long its own lines may be silent.
    /// </summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    /// <summary>What a lane is told that cannot show the secret of a session.</summary>
    internal const string NoSuchSession = "no session of this name and secret is here";

    /// <summary>Introduces itself at once, does the job that it is asked for, and says goodbye.</summary>
    /// <param name="lane">The lane to the caller; stays the starter's.</param>
    /// <param name="door">Where further lanes of the session come in; null for none.</param>
    /// <param name="ct">Ends the session.</param>
    /// <returns>rsync's exit code. Failures have been told to the caller, as far as the line took it.</returns>
    public static Task<int> ServeAsync(ILane lane, ILaneDoor? door, CancellationToken ct = default) => ServeAsync(lane, door, SyncEnvironment.Default, ct);

    /// <param name="lane">The lane to the caller; stays the starter's.</param>
    /// <param name="door">Where further lanes of the session come in; null for none.</param>
    /// <param name="patience">How long the caller may take to say what it wants; null for ten minutes.</param>
    /// <param name="ct">Ends the session.</param>
    /// <inheritdoc cref="ServeAsync(ILane, ILaneDoor?, CancellationToken)"/>
    public static Task<int> ServeAsync(ILane lane, ILaneDoor? door, TimeSpan? patience, CancellationToken ct = default) =>
        ServeAsync(lane, door, SyncEnvironment.Default with { Patience = patience }, ct);

    /// <inheritdoc cref="ServeAsync(ILane, ILaneDoor?, CancellationToken)"/>
    public static Task<int> ServeAsync(ILane lane, CancellationToken ct = default) => ServeAsync(lane, door: null, ct);

    /// <summary>What an agent says at once on every lane: the magic bytes and its Hello.</summary>
    public static byte[] Greeting() => Handshake.AgentGreeting();

    /// <param name="lane">The lane to the caller.</param>
    /// <param name="environment">The world.</param>
    /// <param name="ct">Ends the session.</param>
    /// <param name="batch">What to send in place of a tree; null for the sources of the job.</param>
    internal static Task<int> ServeAsync(ILane lane, SyncEnvironment environment, CancellationToken ct, Session.Batch.BatchFile? batch = null) =>
        ServeAsync(lane, null, environment, ct, batch);

    internal static async Task<int> ServeAsync(ILane lane, ILaneDoor? door, SyncEnvironment environment, CancellationToken ct, Session.Batch.BatchFile? batch = null)
    {
        ArgumentNullException.ThrowIfNull(lane);
        using var abort = new SessionAbort();
        var frames = new FrameLane(lane, new LaneGroup(abort, environment.Clock, environment.Limits), further: false);
        await using (frames.ConfigureAwait(false))
        {
            try
            {
                return await ServeGuardedAsync(frames, lane, door, abort, environment, batch, ct).ConfigureAwait(false);
            }
            finally
            {
                if (!ct.IsCancellationRequested)
                {
                    // An SSH channel that ends while its other side still says that it has finished costs the whole connection:
                    // OpenSSH's server hangs up on an end of stream for a channel that is gone.
                    await Task.WhenAll(frames.Group.CloseFurtherAsync(Linger), frames.LingerAsync(Linger)).ConfigureAwait(false);
                }
            }
        }
    }

    private static async Task<int> ServeGuardedAsync(FrameLane frames, ILane lane, ILaneDoor? door, SessionAbort abort, SyncEnvironment environment, Session.Batch.BatchFile? batch, CancellationToken ct)
    {
        try
        {
            var (hello, job, join) = await AnswerAsync(frames, environment, ct).ConfigureAwait(false);
            if (job is null)
            {
                if (door is not null && await door.PassOnAsync(join, lane).ConfigureAwait(false))
                {
                    return ExitCodes.Ok;
                }

                await Handshake.ReadyAsync(frames, default, 5, NoSuchSession, ct).ConfigureAwait(false);
                return 5;
            }

            frames.TakesLimits = true;
            var entrance = job.Kind is JobKind.Push or JobKind.Pull && (hello.Capabilities & Capabilities.Lanes) != 0
                && job.Number(JobNumber.Lanes) > 1 ? door?.Open(hello.Session, new Joining(frames.Group, hello.Session, job.Secret).Take) : null;
            try
            {
                return await ServeAsync(frames, abort, hello, job, environment, batch, ct).ConfigureAwait(false);
            }
            finally
            {
                if (entrance is not null)
                {
                    frames.Group.BeginNoMore();
                    await entrance.DisposeAsync().ConfigureAwait(false);
                }
            }
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
            return ct.IsCancellationRequested ? ExitCodes.Interrupted : ExitCodes.Timeout;
        }
        catch (Exception e)
        {
            // A defect of ours, or something of the machine's that nobody foresaw: the caller learns what it was.
            abort.Abort(e);
            throw;
        }
    }

    private static async Task<(HelloFrame Hello, JobFrame? Job, JoinFrame Join)> AnswerAsync(FrameLane frames, SyncEnvironment environment, CancellationToken ct)
    {
        using var patience = new CancellationTokenSource(environment.Patience ?? Patience, environment.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, patience.Token);
        return await Handshake.AnswerAsync(frames, environment.Io.EffectiveUserId() == 0, either.Token).ConfigureAwait(false);
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
            session = new SyncSession(frames.Group, abort, request.Options with { Flags = flags, Asked = job.Flags }, observer: null, environment, ct);
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
                await session.ReceiveAsync(frames, request.Destination, list, hello.Credit).ConfigureAwait(false);
            }
            else if (batch is not null)
            {
                await session.SendAsync(frames, batch, hello.Credit).ConfigureAwait(false);
            }
            else
            {
                await session.SendAsync(frames, request.Sources, list, hello.Credit).ConfigureAwait(false);
            }

            try
            {
                await session.SayGoodbyeAsync().ConfigureAwait(false);
            }
            catch (TransportException) when (job.Kind == JobKind.Pull)
            {
                // The caller has all that it asked for, and was told that before: it need not wait.
            }

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
