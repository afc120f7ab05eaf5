using System.Runtime.ExceptionServices;
using NativeSync.Engine.Digests;
using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Filters;
using NativeSync.Engine.Session.Receiving;
using NativeSync.Engine.Session.Sending;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>One end of a running synchronisation, after the handshake: in the role of sender or of receiver.</summary>
internal sealed class SyncSession : IAsyncDisposable
{
    private static readonly TimeSpan ProgressPeriod = TimeSpan.FromMilliseconds(100);

    /// <summary>How often the bandwidth limit of the moment is asked for.</summary>
    private static readonly TimeSpan LimitPeriod = TimeSpan.FromSeconds(1);

    private readonly SyncContext _context;
    private readonly TimeProvider _clock;
    private readonly SharedDigests? _digests;
    private readonly CancellationTokenRegistration _cancellation;
    private ITimer? _progress;
    private ITimer? _limit;
    private TreeSender? _sender;
    private TreeReceiver? _receiver;
    private ListingReceiver? _listing;
    private FrameLane? _lane;
    private SourceTree? _sources;
    private Thread? _list;
    private Thread? _dispatcher;

    public SyncSession(LaneGroup group, SessionAbort abort, SyncOptions options, ISyncObserver? observer, SyncEnvironment environment, CancellationToken ct, Batch.BatchWriter? batch = null)
    {
        _clock = environment.Clock;
        CheckMap(options.UserMap, "--usermap");
        CheckMap(options.GroupMap, "--groupmap");
        var io = options.Has(JobFlags.FileFlags) ? new UnlockingSystemCalls(environment.Io) : environment.Io;
        _context = new SyncContext
        {
            Io = options.FakeSuper ? new FakeSuperSystemCalls(io) : io,
            ChangeMode = options.ChangeMode.Length > 0 ? ModeChanges.FromWire(options.ChangeMode) : null,
            Options = options,
            Clock = environment.Clock,
            Digests = (_digests = SharedDigests.Open(environment.Io, environment.Clock, options.ChecksumIndex))?.Index,
            Filters = FilterList.Parse(options.Rules, options.Has(JobFlags.DeleteExcluded)),
            Group = group,
            Abort = abort,
            Problems = new ProblemLog(observer),
            Observer = observer,
            Batch = batch,
            Changes = environment.Changes ?? options.Changes,
        };
        _cancellation = ct.Register(() => abort.Abort(new OperationCanceledException(ct)));
    }

    /// <summary>The bandwidth limit of the moment is the other end's, too: it has none of its own.</summary>
    public bool SharesLimit { get; set; } = true;

    /// <summary>Receives the agent's answer to the job, where the session begins before that has come; null where it has.</summary>
    public Func<Task>? HearAnswer { get; set; }

    public ProblemLog Problems => _context.Problems;

    /// <summary>Begins to look at a tree that is to be sent, before there is a lane to send it over: what is found waits, and what cannot be read is not told yet.</summary>
    /// <param name="sources">What was named. What is told of them must have room where records wait.</param>
    /// <exception cref="SessionException">1: what is named cannot be sent.</exception>
    /// <exception cref="FilterException">A rule file that must be there cannot be read.</exception>
    public void LookAhead(IReadOnlyList<byte[]> sources)
    {
        _context.Problems.Hold();
        _sender = new TreeSender(_context);
        _sources = Open(sources, null);
        _sender.Start(_sources);
    }

    /// <summary>Sends a tree, until the receiver has all it wants.</summary>
    /// <param name="lane">Where to; stays the caller's.</param>
    /// <param name="sources">What was named; with a list the one directory that its names are relative to.</param>
    /// <param name="list">The list of --files-from, as far as it is at this end.</param>
    /// <param name="peerCredit">Bytes that may be sent at first.</param>
    public async Task<Statistics> SendAsync(FrameLane lane, IReadOnlyList<byte[]> sources, byte[]? list, int peerCredit)
    {
        _sender ??= new TreeSender(_context);
        Start(lane, peerCredit, _sender.Receive, _context.Batch);
        if (_sources is not null)
        {
            _context.Problems.TellHeld();
            return await FinishSendingAsync(_sender).ConfigureAwait(false);
        }

        var options = _context.Options.SourceOptions;
        if ((options & SourceOptions.ListFollows) != 0)
        {
            list = await Until(_sender.NameList).ConfigureAwait(false);
        }

        try
        {
            _sources = Open(sources, list);
        }
        catch (SessionException e)
        {
            // The other end hears of it, too.
            _context.Abort.Abort(e);
            throw;
        }
        catch (FilterException e)
        {
            SessionException reason = new(e.ExitCode, e.Message, e);
            _context.Abort.Abort(reason);
            throw reason;
        }
        catch (SessionAbortedException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerException!);
        }

        _sender.Start(_sources);
        return await FinishSendingAsync(_sender).ConfigureAwait(false);
    }

    /// <summary>Sends what a batch holds.</summary>
    /// <param name="lane">Where to; stays the caller's.</param>
    /// <param name="batch">Stays the caller's.</param>
    /// <param name="peerCredit">Bytes that may be sent at first.</param>
    public async Task<Statistics> SendAsync(FrameLane lane, Batch.BatchFile batch, int peerCredit)
    {
        _sender = new TreeSender(_context);
        Start(lane, peerCredit, _sender.Receive);
        _sender.Start(batch);
        return await FinishSendingAsync(_sender).ConfigureAwait(false);
    }

    /// <summary>Receives a tree, until all of it is in place.</summary>
    /// <param name="lane">From where; stays the caller's.</param>
    /// <param name="destination">Where to.</param>
    /// <param name="list">A list of --files-from for the sender; null for none.</param>
    /// <param name="peerCredit">Bytes that may be sent at first.</param>
    /// <param name="asked">The only names that may come: of a pull, whose other end is not to be trusted; null where the sender says what comes.</param>
    public async Task<Statistics> ReceiveAsync(FrameLane lane, byte[] destination, byte[]? list, int peerCredit, IReadOnlyList<byte[]>? asked = null)
    {
        _receiver = new TreeReceiver(_context, destination, asked is null ? null : Requested(asked, list));
        Start(lane, peerCredit, _receiver.Receive, queuesRecords: true);
        if (list is not null)
        {
            _list = _context.RunStage("list", () => SendList(list));
        }

        _dispatcher = _context.RunStage("receive", _receiver.Run);
        var statistics = await Until(_receiver.Finished).ConfigureAwait(false);
        return FinishReceiving(statistics);
    }

    /// <summary>Receives the names of a tree and writes nothing (--list-only).</summary>
    /// <param name="lane">From where; stays the caller's.</param>
    /// <param name="list">A list of --files-from for the sender; null for none.</param>
    /// <param name="peerCredit">Bytes that may be sent at first.</param>
    public async Task<Statistics> ListAsync(FrameLane lane, byte[]? list, int peerCredit)
    {
        _listing = new ListingReceiver(_context);
        Start(lane, peerCredit, _listing.Receive);
        if (list is not null)
        {
            _list = _context.RunStage("list", () => SendList(list));
        }

        var statistics = await Until(_listing.Finished).ConfigureAwait(false);
        return FinishReceiving(statistics);
    }

    /// <summary>Both ends say goodbye; then each knows that the other has got everything.</summary>
    /// <param name="waits">False for an end that has heard all that concerns it: it goes when its own goodbye is on its way.</param>
    public async Task SayGoodbyeAsync(bool waits = true)
    {
        _context.Outbox.Dispatch.CompleteWith(ControlFrames.Goodbye());
        await _lane!.FinishSendingAsync().ConfigureAwait(false);
        if (waits)
        {
            await Until(_lane.Goodbye).ConfigureAwait(false);
        }

        if (_dispatcher is { } dispatcher)
        {
            // It ends by itself; what it still has in its queue may be problems.
            _receiver?.Stop();
            await Task.Run(dispatcher.Join).ConfigureAwait(false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _cancellation.DisposeAsync().ConfigureAwait(false);
        if (_progress is { } timer)
        {
            await timer.DisposeAsync().ConfigureAwait(false);
        }

        if (_limit is { } limit)
        {
            await limit.DisposeAsync().ConfigureAwait(false);
        }

        await Task.Run(() =>
        {
            _sender?.Dispose();
            _receiver?.Stop();
            _dispatcher?.Join();
            _receiver?.Dispose();
            _list?.Join();
            _listing?.Dispose();
            _sources?.Dispose();
            _digests?.Dispose();
        }).ConfigureAwait(false);
    }

    private SourceTree Open(IReadOnlyList<byte[]> sources, byte[]? list)
    {
        var names = list is null ? null : NameListFile.Parse(list, (_context.Options.SourceOptions & SourceOptions.From0) != 0);
        return SourceTree.Open(_context, sources, names, problem => SenderProblems.Report(_context, problem));
    }

    private RequestedNames Requested(IReadOnlyList<byte[]> sources, byte[]? list)
    {
        var options = _context.Options.SourceOptions;
        return new RequestedNames(sources, list is null ? null : NameListFile.Parse(list, (options & SourceOptions.From0) != 0), options, _context.Filters);
    }

    private static void CheckMap(byte[] map, string option)
    {
        if (map.Length > 0)
        {
            IdentityRules.Parse(map, option, find: null);
        }
    }

    private async Task<Statistics> FinishSendingAsync(TreeSender sender)
    {
        var statistics = await Until(sender.Finished).ConfigureAwait(false);
        await Task.Run(sender.Drain).ConfigureAwait(false);
        return statistics;
    }

    private Statistics FinishReceiving(Statistics statistics)
    {
        try
        {
            SendFinished(statistics);
        }
        catch (SessionAbortedException e)
        {
            // All was done in the very moment in which the session came to its end.
            ExceptionDispatchInfo.Throw(e.InnerException!);
        }

        return statistics;
    }

    private void Start(FrameLane lane, int peerCredit, Action<InboundPack> onRecords, Batch.BatchWriter? batch = null, bool queuesRecords = false)
    {
        var options = _context.Options;
        _lane = lane;
        lane.Start(
            new LaneSettings
            {
                CompressLevel = options.Has(JobFlags.NoCompress) ? null : options.CompressLevel,
                BandwidthLimit = options.BandwidthLimit,
                Timeout = TimeSpan.FromSeconds(options.TimeoutSeconds),
                Batch = batch,
                BatchOnly = options.BatchOnly,
                QueuesRecords = queuesRecords,
            },
            peerCredit,
            onRecords,
            HearAnswer);
        if (options.BandwidthNow is not null)
        {
            _limit = _clock.CreateTimer(_ => AdjustLimit(), null, TimeSpan.Zero, LimitPeriod);
        }

        if (_context.Observer is { } observer)
        {
            observer.OnStart(Snapshot);
            _progress = _clock.CreateTimer(
                _ => observer.OnProgress(Snapshot()),
                null, ProgressPeriod, ProgressPeriod);
        }
    }

    /// <summary>Both ends pace what they send; the other one is told, unless it was given a limit of its own.</summary>
    private void AdjustLimit()
    {
        var pace = _context.Group.Pace;
        var wanted = Math.Max(0, _context.Options.BandwidthNow!());
        if (pace.BytesPerSecond != wanted)
        {
            pace.BytesPerSecond = wanted;
            if (!SharesLimit)
            {
                return;
            }

            _context.Outbox.Dispatch.Control(ControlFrames.Encode(new LimitFrame((ulong)wanted)));
        }
    }

    private SyncProgress Snapshot()
    {
        var (sent, received) = _lane!.AllTraffic;
        return _context.Progress.Snapshot(sent + received);
    }

    private void SendFinished(Statistics statistics)
    {
        _context.Outbox.Dispatch.End();
        using var scope = _context.Outbox.Enter(Records.FinishedBound);
        var writer = new WireWriter(scope.Room);
        Records.WriteFinished(ref writer, statistics);
        scope.Commit(writer.Position);
    }

    private void SendList(byte[] list)
    {
        var sent = 0;
        do
        {
            var piece = list.AsSpan(sent, Math.Min(ProtocolLimits.MaxLiteral, list.Length - sent));
            sent += piece.Length;
            using var scope = _context.Outbox.Enter(Records.NameListBound(piece.Length));
            var writer = new WireWriter(scope.Room);
            Records.WriteNameList(ref writer, sent == list.Length, piece);
            scope.Commit(writer.Position);
        }
        while (sent < list.Length);
    }

    /// <summary>Waits for the work, or for the reason why it will not be done.</summary>
    private async Task<T> Until<T>(Task<T> work)
    {
        await Until((Task)work).ConfigureAwait(false);
        return await work.ConfigureAwait(false);
    }

    private async Task Until(Task work)
    {
        var aborted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var registration = _context.Abort.Token.Register(() => aborted.TrySetResult());
        await Task.WhenAny(work, aborted.Task).ConfigureAwait(false);
        if (!work.IsCompletedSuccessfully)
        {
            ExceptionDispatchInfo.Throw(_context.Abort.Reason!);
        }
    }
}
