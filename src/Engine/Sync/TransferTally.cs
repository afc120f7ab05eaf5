using NativeSync.Protocol;

namespace NativeSync.Engine;

/// <summary>
/// Counts what the sessions of one transfer do, since one that breaks off sends no counts, and passes on what they tell.
/// </summary>
internal sealed class TransferTally(ISyncObserver? observer, bool push) : ISyncObserver
{
    private readonly Statistics _before = new();
    private readonly Statistics _now = new();
    private Func<SyncProgress>? _progress;
    private Func<SyncProgress>? _told;
    private long _wire;

    /// <summary>A session has been begun.</summary>
    public bool HasBegun { get; private set; }

    /// <summary>A session begins.</summary>
    /// <param name="request">What is asked for at first.</param>
    /// <param name="mayBreak">Its counts may be needed.</param>
    /// <returns>What is asked for now: what has been deleted counts.</returns>
    public SyncRequest Begin(SyncRequest request, bool mayBreak)
    {
        HasBegun = true;
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
    /// <returns>Bytes that it moved on the wire.</returns>
    public long Abandon()
    {
        _before.AddWork(_now);
        _now.AddWork(_now, -1);
        var moved = _progress?.Invoke().WireBytes ?? 0;
        _progress = null;
        _wire += moved;
        return moved;
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

    public void OnProblem(in SyncProblem problem) => observer?.OnProblem(problem);

    public void OnProgress(in SyncProgress progress) => observer?.OnProgress(progress);
}
