using System.IO.Pipelines;

namespace NativeSync.Transport;

/// <summary>
/// Remembers whether its owner completed it properly, and wakes the owner when the peer is gone, even while the thread
/// that should take the bytes is stuck. Notes when what is written was written.
/// </summary>
internal sealed class LaneWriter(PipeWriter inner, WrittenTimes times) : PipeWriter
{
    private volatile bool _completed;
    private volatile bool _gone;
    private Exception? _fault;

    public bool Completed => _completed;

    public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

    public override long UnflushedBytes => inner.UnflushedBytes;

    /// <summary>Nobody takes what is written any more: flushes throw <paramref name="fault"/>, or report completion when it is null.</summary>
    public void PeerGone(Exception? fault)
    {
        _fault = fault;
        _gone = true;
        inner.CancelPendingFlush();
    }

    public override Memory<byte> GetMemory(int sizeHint = 0) => inner.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => inner.GetSpan(sizeHint);

    public override void Advance(int bytes)
    {
        times.Add(bytes);
        inner.Advance(bytes);
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) =>
        _gone ? FilterAsync(default) : Check(inner.FlushAsync(cancellationToken));

    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        if (_gone)
        {
            return FilterAsync(default);
        }

        times.Add(source.Length);
        return Check(inner.WriteAsync(source, cancellationToken));
    }

    public override void CancelPendingFlush() => inner.CancelPendingFlush();

    public override void Complete(Exception? exception = null)
    {
        _completed = true;
        inner.Complete(exception);
    }

    public override ValueTask CompleteAsync(Exception? exception = null)
    {
        _completed = true;
        return inner.CompleteAsync(exception);
    }

    private ValueTask<FlushResult> Check(ValueTask<FlushResult> flush) =>
        flush.IsCompletedSuccessfully && !_gone ? flush : FilterAsync(flush);

    private async ValueTask<FlushResult> FilterAsync(ValueTask<FlushResult> flush)
    {
        FlushResult result = await flush.ConfigureAwait(false);
        if (!_gone)
        {
            return result;
        }

        return _fault is { } fault ? throw fault : new FlushResult(isCanceled: false, isCompleted: true);
    }
}
