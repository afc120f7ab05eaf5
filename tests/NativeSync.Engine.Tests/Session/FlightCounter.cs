using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;

namespace NativeSync.Engine.Tests.Session;

/// <summary>
/// A lane on which everything flies together: what both ends write is held back until neither writes any more, and then delivered at once. The
/// number of flights is twice the number of round trips that the same session takes on a line whose length is all that matters.
/// </summary>
internal sealed class FlightCounter
{
    /// <summary>Long enough for an end to have said all that it can say without hearing anything. A busy machine may make it one flight more.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(200);

    private readonly Direction _there = new();
    private readonly Direction _back = new();
    private int _flights;

    public FlightCounter()
    {
        Near = new End(_there, _back);
        Far = new End(_back, _there);
    }

    public ILane Near { get; }

    public ILane Far { get; }

    public int Flights => _flights;

    /// <summary>Carries until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        var collecting = Task.WhenAll(_there.CollectAsync(), _back.CollectAsync());
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        try
        {
            while (await timer.WaitForNextTickAsync(ct))
            {
                if (_there.IsQuiet(Quiet) && _back.IsQuiet(Quiet) && await _there.DeliverAsync() | await _back.DeliverAsync())
                {
                    _flights++;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Over.
        }

        await collecting;
    }

    private sealed class End(Direction output, Direction input) : ILane
    {
        public PipeReader Input => input.Arrived.Reader;

        public PipeWriter Output => output.Written.Writer;

        public ValueTask DisposeAsync()
        {
            output.Written.Writer.Complete();
            return ValueTask.CompletedTask;
        }
    }

    private sealed class Direction
    {
        private readonly Lock _gate = new();
        private readonly ArrayBufferWriter<byte> _held = new();
        private long _last = Stopwatch.GetTimestamp();
        private bool _ended;
        private bool _endDelivered;

        public Pipe Written { get; } = new(new PipeOptions(pauseWriterThreshold: 0, useSynchronizationContext: false));

        public Pipe Arrived { get; } = new(new PipeOptions(pauseWriterThreshold: 0, useSynchronizationContext: false));

        public bool IsQuiet(TimeSpan time)
        {
            lock (_gate)
            {
                return Stopwatch.GetElapsedTime(_last) > time;
            }
        }

        public async Task CollectAsync()
        {
            while (true)
            {
                var result = await Written.Reader.ReadAsync();
                lock (_gate)
                {
                    foreach (var piece in result.Buffer)
                    {
                        _held.Write(piece.Span);
                    }

                    _last = Stopwatch.GetTimestamp();
                    _ended = result.IsCompleted;
                }

                Written.Reader.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted)
                {
                    return;
                }
            }
        }

        /// <summary>True when there was something; the end of the stream is nothing.</summary>
        public async Task<bool> DeliverAsync()
        {
            byte[] bytes;
            bool ends;
            lock (_gate)
            {
                bytes = _held.WrittenSpan.ToArray();
                _held.ResetWrittenCount();
                ends = _ended && !_endDelivered;
                _endDelivered |= _ended;
            }

            if (bytes.Length > 0)
            {
                await Arrived.Writer.WriteAsync(bytes);
            }

            if (ends)
            {
                await Arrived.Writer.CompleteAsync();
            }

            return bytes.Length > 0;
        }
    }
}
