using System.IO.Hashing;
using NativeSync.Engine.Delta;
using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Sending;

/// <summary>Sends files as tokens: large ones, and deltas. docs/protocol.md, "Token streams".</summary>
internal sealed class FileStreamer(SyncContext context, SenderTable table)
{
    private const int ChunkSize = 256 * 1024;

    private static readonly MatchOptions InPlace = new() { InPlace = true };

    /// <summary>Where nothing is looked for, what is read at a time is better still in the processor's cache when it is sent.</summary>
    private static readonly MatchOptions Unrelated = new() { BufferSize = ChunkSize };

    private readonly byte[] _chunk = new byte[ChunkSize];
    private readonly XxHash128 _hash = new();

    /// <summary>
    /// Sends a file from start to end, holes as holes. What was there at the start arrives whole; what is appended
    /// meanwhile waits for the next pass.
    /// </summary>
    public int SendStream(in SenderWork work, int fd, in FileStatus status, SentContents? sent)
    {
        var directory = work.Directory;
        Begin(work, status.Size, 0);
        _hash.Reset();
        var holes = status.Blocks * 512 < status.Size;
        long offset = 0, literal = 0;
        var error = 0;
        while (offset < status.Size)
        {
            var end = status.Size;
            if (holes)
            {
                var data = context.Io.Seek(fd, offset, SeekKind.Data);
                data = data == -Errno.ENXIO ? status.Size : data < 0 ? offset : Math.Min(data, status.Size);
                if (data > offset)
                {
                    SendHole(data - offset);
                    table.Count(directory, data - offset);
                    offset = data;
                    continue;
                }

                var hole = context.Io.Seek(fd, offset, SeekKind.Hole);
                end = hole <= offset ? status.Size : Math.Min(hole, status.Size);
            }

            var count = (int)context.Io.ReadAt(fd, _chunk.AsSpan(0, (int)Math.Min(ChunkSize, end - offset)), offset);
            if (count <= 0)
            {
                error = count;
                break;
            }

            _hash.Append(_chunk.AsSpan(0, count));
            new RecordTokens(context, table, directory).Literal(_chunk.AsSpan(0, count));
            offset += count;
            literal += count;
        }

        var digest = _hash.GetCurrentHashAsUInt128();
        if (End(work, fd, status, offset, error, literal, digest))
        {
            sent?.Add(digest);
        }

        return 0;
    }

    /// <summary>Sends what the receiver's basis lacks; all of it where that would be all.</summary>
    public int SendDelta(in SenderWork work, int fd, in FileStatus status)
    {
        var blocks = work.Delta!.Blocks;
        if (context.Has(JobFlags.Append))
        {
            return SendTail(work, fd, status, blocks.Layout.BasisLength);
        }

        var known = blocks.Signature;
        if (IsUnrelated(fd, status.Size, blocks))
        {
            // A signature of nothing: what is zero is still found.
            known = new Signature(new BlockLayout(0, blocks.Layout.BlockSize, 0));
            Decline(work, blocks);
            table.Expects(status.Size);
        }

        Begin(work, status.Size, known.Layout.BasisLength);
        var result = Match(work.Directory, fd, status.Size, blocks, known);
        blocks.Close();
        End(work, fd, status, result.Length, result.Error, result.LiteralBytes, result.Digest);
        return 0;
    }

    /// <summary>Whether a large file has nothing in common with its basis, as far as the part of it tells of which the signature comes first.</summary>
    private bool IsUnrelated(int fd, long size, IncomingSignature blocks)
    {
        blocks.Take(wait: false);
        if (blocks.Layout.Order.SampleCount == 0 || blocks.Signature.Complete)
        {
            return false; // all of it tells more
        }

        context.Outbox.Flush(); // some 400 places of the content are read now
        while (!blocks.Signature.SampleIsHere)
        {
            blocks.Take(wait: true);
        }

        var source = new FileSource(context.Io, fd);
        return !SampleComparison.FindsAnything(ref source, size, blocks.Signature);
    }

    private void Decline(in SenderWork work, IncomingSignature blocks)
    {
        // Before the other end knows: it may ask for another delta at once then.
        blocks.Close();
        using (var scope = context.Outbox.Enter(Records.NoDeltaBound))
        {
            var writer = new WireWriter(scope.Room);
            Records.WriteNoDelta(ref writer, work.Directory.Id, work.Index);
            scope.Commit(writer.Position);
        }
    }

    private MatchResult Match(SenderDirectory directory, int fd, long size, IncomingSignature blocks, Signature known)
    {
        var source = new FileSource(context.Io, fd);
        var sink = new RecordTokens(context, table, directory);
        using var matcher = new DeltaMatcher(known, size, known.BlockCount == 0 ? Unrelated : context.InPlace ? InPlace : MatchOptions.Default);
        for (var status = MatchStatus.Continue; status is MatchStatus.Continue or MatchStatus.NeedsSignature;)
        {
            status = matcher.Step(ref source, ref sink);
            if (status == MatchStatus.NeedsSignature)
            {
                context.Outbox.Flush();
            }

            blocks.Take(wait: status == MatchStatus.NeedsSignature);
        }

        return matcher.Result;
    }

    /// <summary>--append: what the receiver has counts as the beginning, unseen; a source that is no longer than that fails.</summary>
    private int SendTail(in SenderWork work, int fd, in FileStatus status, long offset)
    {
        if (status.Size < offset)
        {
            return -Errno.ESTALE;
        }

        Begin(work, status.Size, offset);
        _hash.Reset();
        var tokens = new RecordTokens(context, table, work.Directory);
        tokens.Copy(0, offset);
        var error = 0;
        while (offset < status.Size)
        {
            var count = (int)context.Io.ReadAt(fd, _chunk.AsSpan(0, (int)Math.Min(ChunkSize, status.Size - offset)), offset);
            if (count <= 0)
            {
                error = count;
                break;
            }

            _hash.Append(_chunk.AsSpan(0, count));
            tokens.Literal(_chunk.AsSpan(0, count));
            offset += count;
        }

        End(work, fd, status, offset, error, offset - work.Delta!.Blocks.Layout.BasisLength, _hash.GetCurrentHashAsUInt128());
        return 0;
    }

    private void Begin(in SenderWork work, long size, long basisLength)
    {
        // From here on the receiver works alongside.
        context.Outbox.Flush();
        using var scope = context.Outbox.Enter(Records.FileBeginBound);
        var writer = new WireWriter(scope.Room);
        Records.WriteFileBegin(ref writer, work.Directory.Id, work.Index, size, basisLength);
        scope.Commit(writer.Position);
    }

    /// <summary>Ends the token stream; with an error number when the file could not be read to its end.</summary>
    /// <returns>False unless all of it was read, and it held still.</returns>
    private bool End(in SenderWork work, int fd, in FileStatus before, long length, int error, long literal, UInt128 digest)
    {
        SentContent.Remember(context, work, literal, digest);
        if (error < 0)
        {
            var path = PathBytes.Join(work.Directory.Path, work.Directory.Listing.Name(work.Index));
            context.Problems.Add(new SyncProblem(Operation.Read, -error, path, OnSource: true, Warning: false));
        }

        var steady = error >= 0 && length == before.Size
            && CopiedDevice.StatAgain(context.Io, fd, before, out var after) >= 0 && after.IsSameVersion(before);
        using var scope = context.Outbox.Enter(Records.FileEndBound);
        var writer = new WireWriter(scope.Room);
        Records.WriteFileEnd(ref writer, steady ? ContentFlags.None : ContentFlags.Unstable, error < 0 ? -error : 0, digest);
        scope.Commit(writer.Position);
        return steady;
    }

    private void SendHole(long length)
    {
        Array.Clear(_chunk);
        for (var left = length; left > 0; left -= ChunkSize)
        {
            _hash.Append(_chunk.AsSpan(0, (int)Math.Min(ChunkSize, left)));
        }

        using var scope = context.Outbox.Enter(Records.HoleBound);
        var writer = new WireWriter(scope.Room);
        Records.WriteHole(ref writer, length);
        scope.Commit(writer.Position);
    }
}

/// <summary>Puts tokens into the outbox.</summary>
internal readonly struct RecordTokens(SyncContext context, SenderTable table, SenderDirectory directory) : ITokenSink
{
    public void Literal(ReadOnlySpan<byte> data)
    {
        using (var scope = context.Outbox.Enter(Records.LiteralBound(data.Length)))
        {
            var writer = new WireWriter(scope.Room);
            Records.WriteLiteral(ref writer, data);
            scope.Commit(writer.Position);
        }

        table.Count(directory, data.Length);
    }

    public void Copy(long basisOffset, long length)
    {
        using (var scope = context.Outbox.Enter(Records.CopyBound))
        {
            var writer = new WireWriter(scope.Room);
            Records.WriteCopy(ref writer, basisOffset, length);
            scope.Commit(writer.Position);
        }

        table.Count(directory, length);
    }

    public void Hole(long length)
    {
        using (var scope = context.Outbox.Enter(Records.HoleBound))
        {
            var writer = new WireWriter(scope.Room);
            Records.WriteHole(ref writer, length);
            scope.Commit(writer.Position);
        }

        table.Count(directory, length);
    }
}
