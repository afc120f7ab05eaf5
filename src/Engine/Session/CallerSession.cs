using System.Buffers.Binary;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>The session of the end that calls: reaches the other one, says what is to be done, does its part and reports.</summary>
/// <param name="kind">Which way.</param>
/// <param name="request">What and how.</param>
/// <param name="writesBatch">What is sent is recorded at <see cref="SyncRequest.WriteBatch"/>.</param>
/// <param name="observer">Is told.</param>
/// <param name="environment">The world.</param>
internal sealed class CallerSession(JobKind kind, SyncRequest request, bool writesBatch, ISyncObserver observer, SyncEnvironment environment)
{
    private readonly TimeProvider _clock = environment.Clock;

    /// <summary>The list of --files-from, where it is at this end.</summary>
    private byte[]? _list;

    /// <param name="connect">Reaches the other end; what it returns stays the caller's.</param>
    /// <param name="looksAhead">What is to be sent may be looked at meanwhile.</param>
    /// <param name="ct">Ends the session.</param>
    public async Task<SyncReport> RunAsync(Func<CancellationToken, Task<IConnection>> connect, bool looksAhead, CancellationToken ct)
    {
        var started = _clock.GetTimestamp();
        var flags = kind == JobKind.Pull
            ? JobTranslation.Effective(request.Options.Flags, environment.Io.EffectiveUserId() == 0, request.Options.FakeSuper)
            : request.Options.Flags | (observer.HearsEntries ? JobFlags.Report : 0);
        var join = NewSession(environment.Io);
        var ahead = looksAhead && kind == JobKind.Push && !writesBatch
            ? EarlyLook.Begin(request, JobTranslation.ToJob(kind, request, flags, join.Secret), observer, environment, ct)
            : null;
        try
        {
            var connection = await connect(ct).ConfigureAwait(false);

            // Not before: the list may be a pipe that is written to when the other end is there, a batch of an earlier run is overwritten, and files
            // may have been moved while the line was away.
            _list = request is { FilesFrom: { } path, FilesFromIsRemote: false } ? NameListFile.Read(environment.Io, path) : null;
            using var batch = writesBatch
                ? new Batch.BatchWriter(environment.Io, request.WriteBatch!, request.Options.Has(JobFlags.NoCompress) ? null : request.Options.CompressLevel)
                : null;
            var options = WithNearness(request.Options);
            var job = JobTranslation.ToJob(kind, request with { Options = options }, flags, join.Secret);
            return await IntroduceAsync(connection, job, options, join, ahead, batch, ct).ConfigureAwait(false) with { Elapsed = _clock.GetElapsedTime(started) };
        }
        finally
        {
            if (ahead is not null)
            {
                await ahead.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    /// <summary>A file that alone got another name had the old one where a narrow pass looks, too: the receiver need not walk all of the destination.</summary>
    private static SyncOptions WithNearness(SyncOptions options) => options is { DetectRenamed: true, Changes: { WillBeNarrow: true, HasMoves: false } }
        ? options with { RenamesAreNear = true }
        : options;

    /// <summary>Over a lane of its own, so to speak: which session it goes on with depends on what the other end is.</summary>
    private async Task<SyncReport> IntroduceAsync(IConnection connection, JobFrame job, SyncOptions options, JoinFrame join, EarlyLook? ahead, Batch.BatchWriter? batch, CancellationToken ct)
    {
        using var abort = new SessionAbort();
        var greeting = new FrameLane(await connection.OpenLaneAsync(ct).ConfigureAwait(false), NewGroup(abort), further: false);
        await using (greeting.ConfigureAwait(false))
        {
            var asked = _clock.GetTimestamp();
            var hello = await Handshake.AskAsync(greeting, job, join.Session, ct).ConfigureAwait(false);

            // What the agent will answer is known: waiting for it would cost a round trip.
            var isEarly = (hello.Capabilities & Capabilities.Early) != 0;
            var flags = isEarly ? JobTranslation.Foreseen(job, hello.Capabilities) : await Handshake.HearAnswerAsync(greeting, job, ct).ConfigureAwait(false);
            var seen = ahead is null ? null : await ahead.TakeAsync(flags, ct).ConfigureAwait(false);
            var group = seen is null ? NewGroup(abort) : ahead!.Group;
            var lane = greeting.GoOn(group);
            await using (lane.ConfigureAwait(false))
            {
                var session = seen ?? NewSession(group, abort, options with { Flags = flags, Asked = options.Flags }, batch, ct);
                var opener = new LaneOpener(connection, lane, join, request.Options, sends: kind == JobKind.Push);
                session.SharesLimit = request.RemoteBandwidthLimit is null;
                session.HearAnswer = isEarly ? HearAnswerAsync : null;
                await using (session.ConfigureAwait(false))
                await using (opener.ConfigureAwait(false))
                {
                    if (!isEarly)
                    {
                        OpenLanes();
                    }
                    else if ((hello.Capabilities & Capabilities.Lanes) != 0)
                    {
                        opener.StartEarly();
                    }

                    return await DoAsync(lane, session, batch, hello.Credit).ConfigureAwait(false);
                }

                async Task HearAnswerAsync()
                {
                    await Handshake.HearAnswerAsync(lane, job, group.Abort.Token).ConfigureAwait(false);
                    OpenLanes();
                }

                void OpenLanes()
                {
                    if ((hello.Capabilities & Capabilities.Lanes) != 0)
                    {
                        opener.Start(_clock.GetElapsedTime(asked));
                    }
                }
            }
        }
    }

    private async Task<SyncReport> DoAsync(FrameLane lane, SyncSession session, Batch.BatchWriter? batch, int credit)
    {
        var statistics = kind == JobKind.Push
            ? await session.SendAsync(lane, request.Sources, _list, credit).ConfigureAwait(false)
            : request.Options.Has(JobFlags.ListOnly) ? await session.ListAsync(lane, _list, credit).ConfigureAwait(false)
            : await session.ReceiveAsync(lane, request.Destination, _list, credit, request.FilesFromIsRemote ? null : request.Sources).ConfigureAwait(false);

        // A receiver has heard all by now, unless the sender is still removing what it sent. A sender of this process goes with us: it is to end first.
        var waits = kind == JobKind.Push || request.Options.Has(JobFlags.RemoveSourceFiles) || (request.Options.SourceOptions & SourceOptions.OneMachine) != 0;
        await session.SayGoodbyeAsync(waits).ConfigureAwait(false);
        batch?.Complete();
        var (sent, received) = lane.AllTraffic;
        return new SyncReport
        {
            ExitCode = session.Problems.ExitCode is var code and not 0 ? code
                : statistics.DeletionsSkipped > 0 ? ExitCodes.DeleteLimit : ExitCodes.Ok,
            Statistics = statistics,
            BytesSent = sent,
            BytesReceived = received,
            Problems = session.Problems.First,
            ProblemCount = session.Problems.Count,
        };
    }

    private LaneGroup NewGroup(SessionAbort abort) => new(abort, _clock, environment.Limits);

    private SyncSession NewSession(LaneGroup group, SessionAbort abort, SyncOptions options, Batch.BatchWriter? batch, CancellationToken ct)
    {
        batch?.Begin(options);
        return new SyncSession(group, abort, options, observer, environment, ct, batch);
    }

    /// <summary>A name and a secret that nobody can guess.</summary>
    private static JoinFrame NewSession(FileSystem.ISystemCalls io)
    {
        Span<byte> random = stackalloc byte[16 + ProtocolLimits.SecretLength];
        if (io.GetRandom(random) is < 0 and var error)
        {
            throw new SessionException(ExitCodes.FileIo, $"no random numbers are to be had (error {-error})");
        }

        return new JoinFrame { Session = BinaryPrimitives.ReadUInt128BigEndian(random), Secret = random[16..].ToArray(), Lane = 1 };
    }
}
