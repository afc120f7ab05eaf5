using System.IO.Pipelines;

namespace NativeSync.Engine.Tests.Session;

/// <summary>A lane whose input breaks off after a number of bytes, as a cut line does.</summary>
internal sealed class CuttingLane(ILane inner, long cutAfter) : ILane
{
    private readonly CuttingReader _input = new(inner.Input, cutAfter);

    public PipeReader Input => _input;

    public PipeWriter Output => inner.Output;

    public long BytesRead => _input.BytesRead;

    /// <summary>The reader has been told that nothing more will come.</summary>
    public bool EndSeen => _input.EndSeen;

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private sealed class CuttingReader(PipeReader inner, long cutAfter) : PipeReader
    {
        private System.Buffers.ReadOnlySequence<byte> _last;

        public long BytesRead { get; private set; }

        public bool EndSeen { get; private set; }

        public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
        {
            var result = await inner.ReadAsync(cancellationToken);
            EndSeen |= result.IsCompleted;
            var left = cutAfter - BytesRead;
            if (result.Buffer.Length >= left)
            {
                if (left <= 0)
                {
                    throw new TransportException(ExitCodes.Stream, "the line was cut by the test");
                }

                _last = result.Buffer.Slice(0, left);
                return new ReadResult(_last, result.IsCanceled, isCompleted: false);
            }

            _last = result.Buffer;
            return result;
        }

        public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
        {
            var count = _last.Slice(0, consumed).Length;
            BytesRead += count;
            if (count == 0 && _last.Length == cutAfter - BytesRead)
            {
                // Nothing more will come: what is there is all there is.
                cutAfter = BytesRead;
            }

            inner.AdvanceTo(consumed, examined);
        }

        public override bool TryRead(out ReadResult result) => throw new NotSupportedException();

        public override void CancelPendingRead() => inner.CancelPendingRead();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);
    }
}
