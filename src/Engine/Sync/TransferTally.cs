using NativeSync.Protocol;

namespace NativeSync.Engine;

/// <summary>
/// Counts what the sessions of one transfer do, since one that breaks off sends no counts, and passes on what they tell.
/// </summary>
internal sealed class TransferTally(ISyncObserver? observer, bool push) : ISyncObserver
{
    /// <summary>So many bytes show that a session got somewhere: the limit counts anew from its end.</summary>
    private const long Progress = 1 << 20;

    /// <summary>An entry that is done counts as much, for trees of small files, links and attributes.</summary>
    private const long EntryBytes = 256;

    /// <summary>
    /// What moves on the wire may be the same each time: of a file that must not go on within itself, or before what the other end
    /// is killed by. So many sessions that got no further than one before may have moved something else; then that must not go on for ever.
    /// </summary>
    private const int MostAnew = 20;

    private readonly Statistics _before = new();
    private readonly Statistics _now = new();
    private Func<SyncProgress>? _progress;
    private Func<SyncProgress>? _told;
    private long _wire;
    private long _furthest;
    private int _anew;
    private bool _mayBreak;

    /// <summary>A session has been begun.</summary>
    public bool HasBegun { get; private set; }

    /// <summary>The counts of a session that may break off are made of what it tells.</summary>
    public bool HearsEntries => _mayBreak || observer is { HearsEntries: true };

    /// <summary>A session begins.</summary>
    public void Begin() => HasBegun = true;

    /// <summary>A session is to begin.</summary>
    /// <param name="request">What is asked for at first.</param>
    /// <param name="mayBreak">Its counts may be needed.</param>
    /// <returns>What is asked for now: what has been deleted counts.</returns>
    public SyncRequest Prepare(SyncRequest request, bool mayBreak)
    {
        _mayBreak = mayBreak;
        var options = request.Options;
        return request with
        {
            Options = options with
            {
                ReportContent = options.ReportContent || mayBreak,
                MaxDelete = options.MaxDelete is { } limit ? Math.Max(0, limit - _before.Deleted) : null,
            },
        };
    }

    /// <summary>The session broke off: what it did counts.</summary>
    /// <returns>It got somewhere.</returns>
    public bool Abandon()
    {
        _before.AddWork(_now);
        _now.AddWork(_now, -1);
        var reached = _progress?.Invoke() ?? default;
        _progress = null;
        _wire += reached.WireBytes;
        var far = reached.Bytes + (reached.Entries * EntryBytes);
        if (far >= _furthest + Progress)
        {
            _furthest = far;
            _anew = 0;
            return true;
        }

        return reached.WireBytes >= Progress && ++_anew <= MostAnew;
    }

    /// <summary>The session was the last one.</summary>
    public SyncReport Complete(SyncReport report)
    {
        report.Statistics.AddWork(_before);
        return push ? report with { BytesSent = report.BytesSent + _wire } : report with { BytesReceived = report.BytesReceived + _wire };
    }

    public void OnStart(Func<SyncProgress> progress)
    {
        _progress = progress;
        if (_told is null)
        {
            // One function for all sessions: it tells of the one that is under way.
            observer?.OnStart(_told = () => _progress?.Invoke() ?? default);
        }
    }

    public void OnEntry(in EntryEvent entry)
    {
        _now.Count(entry.Kind, entry.Metadata.Type);
        if (entry.Kind == OutcomeKind.Linked && (entry.Changes & Changes.New) != 0)
        {
            _now.Count(OutcomeKind.Created, entry.Metadata.Type);
        }

        if ((entry.Changes & Changes.Content) != 0 && entry.Kind is OutcomeKind.Created or OutcomeKind.Updated)
        {
            Interlocked.Increment(ref _now.FilesTransferred);
            Interlocked.Add(ref _now.TransferredSize, entry.Metadata.Size);
            Interlocked.Add(ref _now.LiteralBytes, entry.Transferred);
        }

        observer?.OnEntry(entry);
    }

    public void OnNote(byte[] text) => observer?.OnNote(text);

    public void OnProblem(in SyncProblem problem) => observer?.OnProblem(problem);

    public void OnProgress(in SyncProgress progress) => observer?.OnProgress(progress);
}
