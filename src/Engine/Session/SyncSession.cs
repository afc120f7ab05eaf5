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

    private readonly SyncContext _context;
    private readonly TimeProvider _clock;
    private readonly CancellationTokenRegistration _cancellation;
    private ITimer? _progress;
    private TreeSender? _sender;
    private TreeReceiver? _receiver;
    private SourceRoots? _roots;
    private Thread? _dispatcher;

    public SyncSession(FrameLane lane, SessionAbort abort, SyncOptions options, ISyncObserver? observer, SyncEnvironment environment, CancellationToken ct)
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
            Filters = FilterList.Parse(options.Rules, options.Has(JobFlags.DeleteExcluded)),
            Lane = lane,
            Abort = abort,
            Problems = new ProblemLog(observer),
            Observer = observer,
        };
        _cancellation = ct.Register(() => abort.Abort(new OperationCanceledException(ct)));
    }

    public ProblemLog Problems => _context.Problems;

    /// <summary>Sends a tree, until the receiver has all it wants.</summary>
    public async Task<Statistics> SendAsync(IReadOnlyList<byte[]> sources, int peerCredit)
    {
        var early = new List<SyncProblem>();
        _roots = SourceRoots.Open(_context.Io, sources, early.Add);
        _sender = new TreeSender(_context, _roots);
        Start(peerCredit, _sender.Receive);
        foreach (var problem in early)
        {
            SenderProblems.Report(_context, problem);
        }

        _sender.Start();
        return await Until(_sender.Finished).ConfigureAwait(false);
    }

    /// <summary>Receives a tree, until all of it is in place.</summary>
    public async Task<Statistics> ReceiveAsync(byte[] destination, int peerCredit)
    {
        _receiver = new TreeReceiver(_context, destination);
        Start(peerCredit, _receiver.Receive);
        _dispatcher = _context.RunStage("receive", _receiver.Run);
        var statistics = await Until(_receiver.Finished).ConfigureAwait(false);
        using (var scope = _context.Outbox.Enter(Records.FinishedBound))
        {
            var writer = new WireWriter(scope.Room);
            Records.WriteFinished(ref writer, statistics);
            scope.Commit(writer.Position);
        }

        return statistics;
    }

    /// <summary>Both ends say goodbye; then each knows that the other has got everything.</summary>
    public async Task SayGoodbyeAsync()
    {
        _context.Lane.Outbox.CompleteWith(ControlFrames.Goodbye());
        await _context.Lane.FinishSendingAsync().ConfigureAwait(false);
        await Until(_context.Lane.Goodbye).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await _cancellation.DisposeAsync().ConfigureAwait(false);
        if (_progress is { } timer)
        {
            await timer.DisposeAsync().ConfigureAwait(false);
        }

        await Task.Run(() =>
        {
            _sender?.Dispose();
            _receiver?.Stop();
            _dispatcher?.Join();
            _receiver?.Dispose();
            _roots?.Dispose();
        }).ConfigureAwait(false);
    }

    private static void CheckMap(byte[] map, string option)
    {
        if (map.Length > 0)
        {
            IdentityRules.Parse(map, option, find: null);
        }
    }

    private void Start(int peerCredit, Action<InboundPack> onRecords)
    {
        var options = _context.Options;
        _context.Lane.Start(
            new LaneSettings
            {
                CompressLevel = options.Has(JobFlags.NoCompress) ? null : options.CompressLevel,
                BandwidthLimit = options.BandwidthLimit,
                Timeout = TimeSpan.FromSeconds(options.TimeoutSeconds),
            },
            peerCredit,
            onRecords);
        if (_context.Observer is { } observer)
        {
            observer.OnStart(Snapshot);
            _progress = _clock.CreateTimer(
                _ => observer.OnProgress(Snapshot()),
                null, ProgressPeriod, ProgressPeriod);
        }
    }

    private SyncProgress Snapshot() => _context.Progress.Snapshot(_context.Lane.BytesSent + _context.Lane.BytesReceived);

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
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(_context.Abort.Reason!);
        }
    }
}
