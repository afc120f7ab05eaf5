using System.Buffers;
using System.IO.Pipelines;

namespace NativeSync.Engine.Tests.Session;

/// <summary>How a line fails.</summary>
public enum LineEnd
{
    /// <summary>It is cut: reading is an error.</summary>
    Broken,

    /// <summary>The other end says no more, and still listens.</summary>
    HalfClosed,

    /// <summary>Nothing comes any more, and nobody says so.</summary>
    Stalled,
}

/// <summary>A lane whose input ends after a number of bytes, as a bad line does.</summary>
/// <param name="inner">The line while it is good.</param>
/// <param name="cutAfter">So many bytes arrive.</param>
/// <param name="end">What then.</param>
/// <param name="onEnd">Told when the reader comes there.</param>
internal sealed class CuttingLane(ILane inner, long cutAfter, LineEnd end = LineEnd.Broken, Action? onEnd = null) : ILane
{
    private readonly CuttingReader _input = new(inner.Input, cutAfter, end, onEnd);

    public PipeReader Input => _input;

    public PipeWriter Output => inner.Output;

    public long BytesRead => _input.BytesRead;

    /// <summary>The reader has been told that nothing more will come.</summary>
    public bool EndSeen => _input.EndSeen;

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private sealed class CuttingReader(PipeReader inner, long cutAfter, LineEnd end, Action? onEnd) : PipeReader
    {
        private readonly TaskCompletionSource _cancelled = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private ReadOnlySequence<byte> _last;
        private long _examined;
        private bool _ended;

        public long BytesRead { get; private set; }

        public bool EndSeen { get; private set; }

        public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
        {
            if (_examined >= cutAfter)
            {
                return await EndAsync(cancellationToken);
            }

            var result = await inner.ReadAsync(cancellationToken);
            var left = cutAfter - BytesRead;
            var isCut = result.Buffer.Length > left;
            _last = isCut ? result.Buffer.Slice(0, left) : result.Buffer;
            EndSeen |= result.IsCompleted && !isCut;
            return new ReadResult(_last, result.IsCanceled, result.IsCompleted && !isCut);
        }

        public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
        {
            if (_ended)
            {
                return;
            }

            _examined = BytesRead + _last.Slice(0, examined).Length;
            BytesRead += _last.Slice(0, consumed).Length;
            inner.AdvanceTo(consumed, examined);
        }

        public override bool TryRead(out ReadResult result) => throw new NotSupportedException();

        public override void CancelPendingRead()
        {
            _cancelled.TrySetResult();
            inner.CancelPendingRead();
        }

        public override void Complete(Exception? exception = null) => inner.Complete(exception);

        private async ValueTask<ReadResult> EndAsync(CancellationToken ct)
        {
            if (!_ended)
            {
                _ended = true;
                onEnd?.Invoke();
            }

            switch (end)
            {
                case LineEnd.Broken:
                    throw new TransportException(ExitCodes.Stream, "the line was cut by the test");
                case LineEnd.HalfClosed:
                    return new ReadResult(ReadOnlySequence<byte>.Empty, isCanceled: false, isCompleted: true);
                default:
                    await _cancelled.Task.WaitAsync(ct);
                    return new ReadResult(ReadOnlySequence<byte>.Empty, isCanceled: true, isCompleted: false);
            }
        }
    }
}
