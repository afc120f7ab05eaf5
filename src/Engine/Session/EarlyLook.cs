using NativeSync.Engine.Filters;
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

    private readonly SessionAbort _abort = new();
    private readonly TimeProvider _clock;
    private readonly JobFlags _flags;
    private readonly long _begun;
    private SyncSession? _session;
    private bool _isTaken;

    private EarlyLook(JobFlags flags, SyncEnvironment environment)
    {
        _flags = flags;
        _clock = environment.Clock;
        _begun = _clock.GetTimestamp();
        Group = new LaneGroup(_abort, _clock, environment.Limits);
    }

    /// <summary>What has been found waits here.</summary>
    public LaneGroup Group { get; }

    /// <summary>
    /// Begins, for an agent with the privileges of this end. Null where that is not possible: the list of names comes from the other end, who follows changes
    /// counts passes that have begun, and what cannot be sent at all is told when the other end can hear of it.
    /// </summary>
    public static async Task<EarlyLook?> BeginAsync(SyncRequest request, JobFrame job, byte[]? list, ISyncObserver observer, SyncEnvironment environment, CancellationToken ct)
    {
        if ((request.Options.SourceOptions & SourceOptions.ListFollows) != 0 || (request.Options.Changes ?? environment.Changes) is not null)
        {
            return null;
        }

        var isRoot = environment.Io.EffectiveUserId() == 0;
        EarlyLook look = new(JobTranslation.Foreseen(job, isRoot ? Capabilities.SuperUser : 0), environment);
        try
        {
            var options = request.Options with { Flags = look._flags, Asked = request.Options.Flags };
            look._session = new SyncSession(look.Group, look._abort, options, observer, environment, ct);
            look._session.LookAhead(request.Sources, list);
            return look;
        }
        catch (Exception e) when (e is SessionException or FilterException)
        {
            await look.DisposeAsync().ConfigureAwait(false);
            return null;
        }
    }

    /// <summary>Whether what was found is what a session with these flags would find now.</summary>
    public bool Fits(JobFlags flags) => flags == _flags && _clock.GetElapsedTime(_begun) < Fresh;

    /// <summary>Hands over the session, and with it the care for it and for the group.</summary>
    public SyncSession TakeSession()
    {
        _isTaken = true;
        return _session!;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_isTaken)
        {
            _abort.Abort(new OperationCanceledException());
            if (_session is { } session)
            {
                await session.DisposeAsync().ConfigureAwait(false);
            }

            Group.Dispose();
        }

        _abort.Dispose();
    }
}
