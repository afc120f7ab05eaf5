using System.Buffers;
using System.IO.Pipelines;

namespace NativeSync.Transport;

/// <summary>
/// A reader that gives everything which arrived before it throws. (A <see cref="Pipe"/> whose writer completed with an
/// exception throws at the next read, and what was buffered, such as the peer's reason for going, is lost.)
/// </summary>
internal sealed class FaultingReader(PipeReader inner) : PipeReader
{
    private volatile Exception? _fault;
    private ReadOnlySequence<byte> _last;
    private bool _examinedToEnd;

    /// <summary>Must be set before the pipe's writer completes (without an exception).</summary>
    public void SetFault(Exception fault) => _fault = fault;

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        ValueTask<ReadResult> read = inner.ReadAsync(cancellationToken);
        return read.IsCompletedSuccessfully ? ValueTask.FromResult(Filter(read.Result)) : Slow(read);

        async ValueTask<ReadResult> Slow(ValueTask<ReadResult> pending) => Filter(await pending.ConfigureAwait(false));
    }

    public override bool TryRead(out ReadResult result)
    {
        if (!inner.TryRead(out result))
        {
            return false;
        }

        result = Filter(result);
        return true;
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        _examinedToEnd = examined.Equals(_last.End);
        inner.AdvanceTo(consumed, examined);
    }

    public override void CancelPendingRead() => inner.CancelPendingRead();

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);

    private ReadResult Filter(in ReadResult result)
    {
        bool seenAll = result.Buffer.IsEmpty || (_examinedToEnd && result.Buffer.End.Equals(_last.End));
        _last = result.Buffer;
        if (!result.IsCompleted || _fault is not { } fault)
        {
            return result;
        }

        if (!seenAll)
        {
            // Not the end as far as this consumer is concerned: the next read tells.
            return new ReadResult(result.Buffer, result.IsCanceled, isCompleted: false);
        }

        inner.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        throw fault;
    }
}
