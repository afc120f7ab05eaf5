using NativeSync.Engine.Session.Sending;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Batch;

/// <summary>
/// Stands in for the content stage of a sender: gives the receiver what the batch has of what it asks for, in the order in which it
/// asks. What the batch does not have, or has against another basis, fails for that entry alone.
/// </summary>
internal sealed class BatchContents(SyncContext context, BatchFile batch, SenderTable table) : IDisposable
{
    private readonly BatchCursor _cursor = batch.NewCursor();

    public void Run()
    {
        while (table.Take(out var work))
        {
            switch (work.Task)
            {
                case SenderTask.Entries:
                    SendEntries(work.Directory);
                    break;
                case SenderTask.Contents:
                    SendContents(work.Directory);
                    break;
                case SenderTask.Compare:
                    Compare(work);
                    break;
                default:
                    work.Delta?.Blocks.Close();
                    SendFile(work);
                    break;
            }
        }
    }

    public void Dispose() => _cursor.Dispose();

    private void SendEntries(SenderDirectory directory)
    {
        var places = batch.Index.EntriesOf(directory.Id);
        foreach (var place in places)
        {
            var reader = At(place, out var records);
            reader.Skip(RecordType.Entries);
            Send(records[..reader.Wire.Position]);
        }

        if (places.Count == 0)
        {
            SenderProblems.Report(context, new SyncProblem(Operation.Batch, 0, directory.Path, OnSource: true, Warning: false));
            using var scope = context.Outbox.Enter(Records.EntriesBound);
            var writer = new WireWriter(scope.Room);
            Records.WriteEntries(ref writer, directory.Id, 0, EntriesFlags.Last | EntriesFlags.Incomplete, 0);
            scope.Commit(writer.Position);
        }
    }

    /// <summary>As in <see cref="ContentStage"/>: what comes unasked.</summary>
    private void SendContents(SenderDirectory directory)
    {
        SendEntries(directory);
        if (!context.MayAskForContent)
        {
            return;
        }

        for (var i = 0; i < directory.Listing.Count; i++)
        {
            ref var metadata = ref directory.Listing.Metadata(i);
            if (metadata.IsRegular && EntrySelection.IsSizeWanted(context, metadata) && (directory.LinkGroups?[i] ?? 0) == 0 && (directory.Marks?[i] ?? 0) == EntryMark.None)
            {
                SendFile(new SenderWork(SenderTask.Whole, directory, i));
            }
        }
    }

    private void Compare(in SenderWork work)
    {
        var content = batch.Index.ContentOf(work.Directory.Id, work.Index);
        if (content is null or { Type: RecordType.FileFailed } || (content.Type == RecordType.Same && content.Digest != work.Digest))
        {
            SendFile(work);
            return;
        }

        using var scope = context.Outbox.Enter(Records.SameBound);
        var writer = new WireWriter(scope.Room);
        if (content.Digest == work.Digest)
        {
            Records.WriteSame(ref writer, work.Directory.Id, work.Index);
        }
        else
        {
            Records.WriteDifferent(ref writer, work.Directory.Id, work.Index);
        }

        scope.Commit(writer.Position);
    }

    private void SendFile(in SenderWork work)
    {
        var (directory, index) = (work.Directory.Id, work.Index);
        var basis = work.Delta?.Blocks.Layout.BasisLength ?? 0;
        switch (batch.Index.ContentOf(directory, index))
        {
            case { Type: RecordType.Whole } whole:
                SendWhole(directory, index, whole, basis);
                break;
            case { Type: RecordType.FileBegin } stream when stream.Basis == 0 || stream.Basis == basis:
                SendStream(directory, index, stream, basis);
                break;
            case { Type: RecordType.FileFailed } failed:
                var reader = At(failed.Place, out _);
                Fail(directory, index, Records.ReadFileFailed(ref reader.Wire).Errno);
                break;
            default:
                Fail(directory, index, 0);
                break;
        }
    }

    private void SendWhole(int directory, int index, BatchContent content, long basis)
    {
        var reader = At(content.Place, out _);
        var whole = Records.ReadWhole(ref reader.Wire);
        if (basis == 0)
        {
            using var scope = context.Outbox.Enter(Records.WholeBound(whole.Data.Length));
            var writer = new WireWriter(scope.Room);
            Records.WriteWhole(ref writer, directory, index, whole.Flags, whole.Data, whole.Digest);
            scope.Commit(writer.Position);
            return;
        }

        // A delta was asked for: its basis is let go by a stream of tokens alone.
        Begin(directory, index, whole.Data.Length, basis);
        for (var rest = whole.Data; !rest.IsEmpty;)
        {
            var piece = rest[..Math.Min(rest.Length, ProtocolLimits.MaxLiteral)];
            rest = rest[piece.Length..];
            using var scope = context.Outbox.Enter(Records.LiteralBound(piece.Length));
            var writer = new WireWriter(scope.Room);
            Records.WriteLiteral(ref writer, piece);
            scope.Commit(writer.Position);
        }

        using var last = context.Outbox.Enter(Records.FileEndBound);
        var end = new WireWriter(last.Room);
        Records.WriteFileEnd(ref end, whole.Flags, 0, whole.Digest);
        last.Commit(end.Position);
    }

    private void SendStream(int directory, int index, BatchContent content, long basis)
    {
        var reader = At(content.Place, out var records);
        Begin(directory, index, Records.ReadFileBegin(ref reader.Wire).Size, basis);
        while (true)
        {
            for (var at = reader.Wire.Position; reader.TryNext(out var type); at = reader.Wire.Position)
            {
                reader.Skip(type);
                if (type is RecordType.Literal or RecordType.Copy or RecordType.Hole or RecordType.FileEnd)
                {
                    Send(records[at..reader.Wire.Position]);
                }

                if (type == RecordType.FileEnd)
                {
                    return;
                }
            }

            // The index has seen that the stream ends before the batch does.
            _cursor.Load(_cursor.Next);
            records = _cursor.Content.Span;
            reader = new RecordReader(records);
        }
    }

    private RecordReader At(BatchPlace place, out ReadOnlySpan<byte> records)
    {
        _cursor.Load(place.Frame);
        records = _cursor.Content.Span[place.Offset..];
        var reader = new RecordReader(records);
        reader.TryNext(out _);
        return reader;
    }

    private void Begin(int directory, int index, long size, long basis)
    {
        using var scope = context.Outbox.Enter(Records.FileBeginBound);
        var writer = new WireWriter(scope.Room);
        Records.WriteFileBegin(ref writer, directory, index, size, basis);
        scope.Commit(writer.Position);
    }

    /// <summary>Without an errno: the batch is for another destination.</summary>
    private void Fail(int directory, int index, int errno)
    {
        using var scope = context.Outbox.Enter(Records.FileFailedBound);
        var writer = new WireWriter(scope.Room);
        Records.WriteFileFailed(ref writer, directory, index, errno);
        scope.Commit(writer.Position);
    }

    private void Send(ReadOnlySpan<byte> record)
    {
        using var scope = context.Outbox.Enter(record.Length);
        record.CopyTo(scope.Room);
        scope.Commit(record.Length);
    }
}
