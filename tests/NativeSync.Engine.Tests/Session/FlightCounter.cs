using System.Buffers;
using System.IO.Pipelines;

namespace NativeSync.Engine.Tests.Session;

/// <summary>
/// A lane on which everything flies together: what both ends write is held back until neither writes any more, and then delivered at once. What an
/// end writes is one flight later than what it has heard, so a flight that a busy machine cuts in two is still one. On a line whose length is all that
/// matters the same session takes as many round trips as the near end has waited for.
/// </summary>
internal sealed class FlightCounter
{
    /// <summary>
    /// So many looks in a row that find nothing new, 20 ms apart, are long enough for an end to have said all that it can say without hearing anything.
    /// They are counted and not timed, on the threads that the ends run on: while those get no processor, nobody looks either.
    /// </summary>
    private const int QuietLooks = 20;

    private readonly Direction _there = new();
    private readonly Direction _back = new();

    public FlightCounter()
    {
        (_there.Opposite, _back.Opposite) = (_back, _there);
        Near = new End(_there, _back);
        Far = new End(_back, _there);
    }

    public ILane Near { get; }

    public ILane Far { get; }

    /// <summary>Round trips that the near end has waited for.</summary>
    public int RoundTrips => _back.Heard / 2;

    /// <summary>Counts from here.</summary>
    public void Restart()
    {
        _there.Restart();
        _back.Restart();
    }

    /// <summary>Carries until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        var collecting = Task.WhenAll(_there.CollectAsync(), _back.CollectAsync());
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        try
        {
            while (await timer.WaitForNextTickAsync(ct))
            {
                if (_there.IsQuiet() & _back.IsQuiet())
                {
                    await Task.WhenAll(_there.DeliverAsync(), _back.DeliverAsync());
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
        private int _looks;
        private bool _ended;
        private bool _endDelivered;
        private int _flight;
        private int _heard;

        public Direction Opposite { get; set; } = null!;

        /// <summary>The flight in which what arrived last came, counted in both directions together.</summary>
        public int Heard => Volatile.Read(ref _heard);

        public Pipe Written { get; } = new(new PipeOptions(pauseWriterThreshold: 0, useSynchronizationContext: false));

        public Pipe Arrived { get; } = new(new PipeOptions(pauseWriterThreshold: 0, useSynchronizationContext: false));

        public void Restart()
        {
            lock (_gate)
            {
                _flight = 0;
                Volatile.Write(ref _heard, 0);
            }
        }

        /// <summary>One more look.</summary>
        public bool IsQuiet()
        {
            lock (_gate)
            {
                return ++_looks > QuietLooks;
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

                    _flight = Math.Max(_flight, Opposite.Heard + 1);
                    _looks = 0;
                    _ended = result.IsCompleted;
                }

                Written.Reader.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted)
                {
                    return;
                }
            }
        }

        public async Task DeliverAsync()
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
                Volatile.Write(ref _heard, _flight);
                await Arrived.Writer.WriteAsync(bytes);
            }

            if (ends)
            {
                await Arrived.Writer.CompleteAsync();
            }
        }
    }
}
