using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>
/// A push that looks at its sources while the other end is still being reached: a login over SSH takes a tenth of a second of work and several round
/// trips, in which a hundred thousand entries can be read. Nothing is sent or told of it before; docs/architecture.md, "Before the connection stands".
/// </summary>
internal sealed class EarlyLook : IAsyncDisposable
{
    /// <summary>Who types a password may take his time: what was seen before so long is looked at anew.</summary>
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(10);

    /// <summary>More names than this are looked up when there is a line: what is told of them must not fill the queue before.</summary>
    private const int MostSources = 16;

    /// <summary>A directory on a disk that does not answer is not waited for longer, when nobody wants it any more.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);

    private readonly SessionAbort _abort = new();
    private readonly TimeProvider _clock;
    private readonly JobFlags _flags;
    private readonly long _begun;
    private readonly Task _opening;
    private SyncSession? _session;
    private Task? _ending;
    private bool _isTaken;

    private EarlyLook(SyncRequest request, JobFlags flags, ISyncObserver observer, SyncEnvironment environment, CancellationToken ct)
    {
        _flags = flags;
        _clock = environment.Clock;
        _begun = _clock.GetTimestamp();
        Group = new LaneGroup(_abort, _clock, environment.Limits);
        _opening = Task.Run(
            () =>
            {
                var options = request.Options with { Flags = flags, Asked = request.Options.Flags };
                _session = new SyncSession(Group, _abort, options, observer, environment, ct);
                _session.LookAhead(request.Sources);
            },
            CancellationToken.None);
    }

    /// <summary>What has been found waits here.</summary>
    public LaneGroup Group { get; }

    /// <summary>
    /// Begins, for an agent with the privileges of this end. Null where that is not to be: there is a list of names, or there are or may be many; or somebody follows
    /// changes, and counts passes that have begun.
    /// </summary>
    public static EarlyLook? Begin(SyncRequest request, JobFrame job, ISyncObserver observer, SyncEnvironment environment, CancellationToken ct)
    {
        if (request.FilesFrom is not null || request.Sources.Count > MostSources || (request.Options.SourceOptions & SourceOptions.Wildcards) != 0 || (request.Options.Changes ?? environment.Changes) is not null)
        {
            return null;
        }

        var isRoot = environment.Io.EffectiveUserId() == 0;
        return new EarlyLook(request, JobTranslation.Foreseen(job, isRoot ? Capabilities.SuperUser : 0), observer, environment, ct);
    }

    /// <summary>
    /// Hands over the session, and with it the care for it and for the group. Null, and nothing goes on, when what was found is not what a session with
    /// these flags would find now, or when it met with what ends a session, which the next one will, too.
    /// </summary>
    public async Task<SyncSession?> TakeAsync(JobFlags flags, CancellationToken ct)
    {
        if (flags == _flags && _clock.GetElapsedTime(_begun) < Fresh)
        {
            // Who takes longer is looked for while the lane is heard, or the other end would take this one for dead.
            await Task.WhenAny(_opening, Task.Delay(Grace, ct)).ConfigureAwait(false);
            if (_opening.IsCompletedSuccessfully)
            {
                _isTaken = true;
                return _session;
            }
        }

        _ending = EndAsync();
        return null;
    }

    public async ValueTask DisposeAsync()
    {
        if (_isTaken)
        {
            _abort.Dispose();
            return;
        }

        _ending ??= EndAsync();
        await Task.WhenAny(_ending, Task.Delay(Grace)).ConfigureAwait(false);
    }

    private async Task EndAsync()
    {
        _abort.Abort(new OperationCanceledException());
        await Task.WhenAny(_opening).ConfigureAwait(false);
        _ = _opening.Exception;
        if (_session is { } session)
        {
            await session.DisposeAsync().ConfigureAwait(false);
        }

        Group.Dispose();
        _abort.Dispose();
    }
}
