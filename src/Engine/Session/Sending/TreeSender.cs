using NativeSync.Engine.Delta;
using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Sending;

/// <summary>
/// The sending end: a scanner stage that announces directories, a content stage that sends what the receiver asks for, and
/// the handling of the receiver's records, which never waits. docs/protocol.md, "Flow of a push".
/// </summary>
internal sealed class TreeSender : IRecordHandler, IDisposable
{
    /// <summary>Of a basis from this length on, the matcher begins with the first blocks: before, it would only wait for the rest.</summary>
    private const long EarlyLength = ParallelSignature.MinLength;

    private readonly SyncContext _context;
    private readonly SenderTable _table;
    private readonly LinkGroups _links = new();
    private readonly Statistics _statistics = new();
    private readonly RecordLoop _loop = new(RecordSide.Receiver);
    private readonly TaskCompletionSource<Statistics> _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<byte[]> _list = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private MemoryStream? _listSoFar;
    private SourceTree? _sources;
    private DeltaRequest? _signature;
    private bool _isPassedOn;
    private Thread? _scanner;
    private Thread? _content;

    public TreeSender(SyncContext context)
    {
        _context = context;
        _table = new SenderTable(context.Abort, context.Progress, context.Outbox)
        {
            Expects = context.Group.Expect,
            KeepsAll = context.Options.DeleteTiming == DeleteTiming.Before,
            KeepsSettled = context.Has(JobFlags.RemoveSourceFiles) && context.Has(JobFlags.DelayUpdates),
        };
    }

    /// <summary>The counts of both ends, once the receiver has all it wants.</summary>
    public Task<Statistics> Finished => _finished.Task;

    /// <summary>The list of --files-from, when the receiver sends it.</summary>
    public Task<byte[]> NameList => _list.Task;

    public void Start(SourceTree sources)
    {
        _sources = sources;
        _scanner = _context.RunStage("scan", () => new TreeScanner(_context, sources, _table, _links, _statistics).Run());
        _content = _context.RunStage("content", () =>
        {
            using var stage = new ContentStage(_context, _table);
            stage.Run();
        });
    }

    /// <summary>Says again what another sender said.</summary>
    public void Start(Batch.BatchFile batch)
    {
        _scanner = _context.RunStage("scan", () => new Batch.BatchAnnouncer(_context, batch, _table).Run());
        _content = _context.RunStage("content", () =>
        {
            using var stage = new Batch.BatchContents(_context, batch, _table);
            stage.Run();
        });
    }

    /// <summary>Takes a pack from the receive loop.</summary>
    public void Receive(InboundPack pack) => _loop.Read(pack, this);

    /// <summary>Waits until all that was asked for is done: what the receiver confirmed last may not be removed yet.</summary>
    public void Drain() => _content?.Join();

    public void Dispose()
    {
        _table.Finish();
        _scanner?.Join();
        _content?.Join();
        _loop.Dispose();
    }

    bool IRecordHandler.TryHandle(RecordType type, ref WireReader fields, InboundPack pack)
    {
        switch (type)
        {
            case RecordType.NameList:
                AppendList(Records.ReadNameList(ref fields));
                return true;
            case RecordType.Answer:
                var answer = Records.ReadAnswer(ref fields);
                _table.Answer(answer.Directory, answer.Verdict);
                return true;
            case RecordType.Want:
                var want = Records.ReadWant(ref fields);
                _table.Ask(SenderTask.Whole, want.Directory, want.Index);
                return true;
            case RecordType.WantDelta:
                BeginSignature(Records.ReadWantDelta(ref fields));
                return true;
            case RecordType.Signature:
                AppendSignature(Records.ReadSignature(ref fields));
                return true;
            case RecordType.Compare:
                var compare = Records.ReadCompare(ref fields);
                _context.Batch?.Compare(compare.Directory, compare.Index, compare.Digest);
                _table.Ask(SenderTask.Compare, compare.Directory, compare.Index, compare.Digest);
                return true;
            case RecordType.Confirmed:
                HandleConfirmed(Records.ReadConfirmed(ref fields));
                return true;
            case RecordType.Settled:
                _table.Settle(Records.ReadSettled(ref fields).Directory);
                return true;
            case RecordType.Outcome:
                HandleOutcome(Records.ReadOutcome(ref fields));
                return true;
            case RecordType.Deleted:
                HandleDeleted(Records.ReadDeleted(ref fields));
                return true;
            case RecordType.ReceiverProblem:
                var problem = Records.ReadProblem(ref fields);
                _context.Problems.Add(problem, onSource: problem.Operation == Operation.Changed);
                return true;
            case RecordType.Note:
                _context.Observer?.OnNote(Records.ReadNote(ref fields).Text.ToArray());
                return true;
            case RecordType.Finished:
                var counts = Records.ReadFinished(ref fields);
                _table.Finish();
                _context.Outbox.AllContentArrived();
                _context.Changes?.Ended(counts.UnlistedDirectories);
                _finished.TrySetResult(counts);
                return true;
            default:
                return false;
        }
    }

    private void HandleConfirmed(in ConfirmedRecord confirmed)
    {
        if (!_context.Has(JobFlags.RemoveSourceFiles) || _context.Has(JobFlags.DryRun))
        {
            throw new ProtocolException(ProtocolError.UnexpectedRecord, "nothing is to be confirmed in this job");
        }

        _table.Ask(SenderTask.Remove, confirmed.Directory, confirmed.Index, copy: (confirmed.Device, confirmed.Inode));
    }

    private void AppendList(in NameListRecord piece)
    {
        if ((_context.Options.SourceOptions & SourceOptions.ListFollows) == 0 || _list.Task.IsCompleted)
        {
            throw new ProtocolException(ProtocolError.UnexpectedRecord, "a list of names comes that was not announced, or behind its end");
        }

        _listSoFar ??= new MemoryStream();
        if (_listSoFar.Length + piece.Data.Length > NameListFile.MaxLength)
        {
            throw new ProtocolException(ProtocolError.LengthOutOfRange, "the list of names is longer than 1 GiB");
        }

        _listSoFar.Write(piece.Data);
        if (piece.Last)
        {
            _list.TrySetResult(_listSoFar.ToArray());
            _listSoFar = null;
        }
    }

    private void BeginSignature(in WantDeltaRecord want)
    {
        if (_signature is { Blocks.IsClosed: false })
        {
            throw new ProtocolException(ProtocolError.BadOrder, "a delta is asked for before the signature of the one before is complete");
        }

        if (!BlockLayout.TryCreate(want.BasisLength, want.BlockSize, want.StrongLength, out var layout))
        {
            throw new ProtocolException(ProtocolError.ValueOutOfRange, "a delta is asked for with an impossible block layout");
        }

        _signature = new DeltaRequest(want.Directory, want.Index, new IncomingSignature(layout, _context.Abort));
        _isPassedOn = false;
        PassOnSignature(isEarly: false);
    }

    private void AppendSignature(in SignatureRecord record)
    {
        if (_signature is null || record.StrongLength != _signature.Blocks.Layout.StrongLength)
        {
            throw new ProtocolException(ProtocolError.BadOrder, "blocks of a signature come without a request for a delta");
        }

        _signature.Blocks.Add(record.Blocks);
        PassOnSignature(isEarly: _signature.Blocks.Layout.BasisLength >= EarlyLength);
    }

    private void PassOnSignature(bool isEarly)
    {
        if (_signature is not { } request)
        {
            return;
        }

        var isComplete = request.Blocks.IsComplete || _context.Has(JobFlags.Append);
        _signature = isComplete ? null : request;
        if (!_isPassedOn && (isComplete || isEarly))
        {
            _isPassedOn = true;
            _table.Ask(SenderTask.Delta, request.Directory, request.Index, delta: request);
        }
    }

    private void HandleOutcome(in OutcomeRecord outcome)
    {
        if (outcome is { Directory: 0, Index: Records.RootIndex })
        {
            _context.Observer?.OnEntry(new EntryEvent(outcome.Kind, outcome.Changes, "."u8.ToArray(), _sources?.Metadata ?? default, null, Outgoing: true));
            return;
        }

        var (directory, index) = _table.Find(outcome.Directory, outcome.Index);
        if (_context.Observer is not { } observer)
        {
            return;
        }

        ref var metadata = ref directory.Listing.Metadata(index);
        byte[]? target = null;
        if (metadata.IsSymbolicLink)
        {
            target = directory.Listing.LinkTarget(index).ToArray();
        }
        else if ((outcome.Changes & Changes.HardLink) != 0 && outcome.Kind is OutcomeKind.Linked or OutcomeKind.Unchanged)
        {
            // The first of a set may itself be a link, to what another directory has.
            target = _links.LeaderOf(directory.LinkGroups?[index] ?? 0);
            target = target is not null && outcome.Kind == OutcomeKind.Unchanged && target.AsSpan().SequenceEqual(PathBytes.Join(directory.Path, directory.Listing.Name(index))) ? null : target;
        }

        var sent = SentContent.Of(directory, index);
        observer.OnEntry(new EntryEvent(
            outcome.Kind, outcome.Changes, PathBytes.Join(directory.Path, directory.Listing.Name(index)), metadata, target, Outgoing: true)
        {
            Transferred = sent?.Bytes ?? 0,
            Digest = sent?.Digest,
        });
    }

    private void HandleDeleted(in DeletedRecord deleted)
    {
        // What goes at the end is told from the root, which may be settled by then.
        var path = deleted.Directory == 0 ? deleted.Name.ToArray() : PathBytes.Join(_table.Find(deleted.Directory).Path, deleted.Name);
        var metadata = new EntryMetadata { Mode = (uint)deleted.Type << 12 };
        _context.Observer?.OnEntry(new EntryEvent(OutcomeKind.Deleted, 0, path, metadata, null, Outgoing: true));
    }
}

/// <summary>A file that is to be sent as a delta against a basis with this signature.</summary>
internal sealed record DeltaRequest(int Directory, int Index, IncomingSignature Blocks);
