using System.Diagnostics;

namespace NativeSync.TestKit.Line;

/// <summary>
/// One direction of a line. A thread takes packets from a device and says of each when it leaves the queue (a schedule at the
/// line's rate, a full queue drops) and when it arrives (the delay later); another thread puts them into the other device then.
/// </summary>
/// <remarks>Slots of the ring are written by the reader alone up to <c>_head</c>, and read by the writer alone from <c>_tail</c>.</remarks>
internal sealed class LineDirection : IDisposable
{
    private const int SlotSize = 2048;
    private const int PollMilliseconds = 100;
    private const double ShortestSleep = 100e-6;

    private readonly int _from;
    private readonly int _to;
    private readonly LineShape _shape;
    private readonly double _secondsPerByte;
    private readonly byte[] _ring;
    private readonly (int Length, long Due)[] _slots;
    private readonly AutoResetEvent _arrived = new(false);
    private readonly Thread _reader;
    private readonly Thread _writer;
    private long _head;
    private long _tail;
    private long _bytes;
    private long _dropped;
    private volatile bool _cut;
    private volatile bool _stopping;

    public LineDirection(string name, int from, int to, LineShape shape)
    {
        _from = from;
        _to = to;
        _shape = shape;
        _secondsPerByte = shape.BitsPerSecond > 0 ? 1 / shape.BytesPerSecond : 0;

        // Room for what is under way and what waits, were all packets small.
        double underWay = (shape.BitsPerSecond > 0 ? shape.BytesPerSecond : 250e6) * (shape.RoundTrip.TotalSeconds / 2 + shape.Queue.TotalSeconds);
        _slots = new (int, long)[(int)Math.Clamp(underWay / 400, 1024, 100_000)];
        _ring = GC.AllocateUninitializedArray<byte>(_slots.Length * SlotSize);
        _reader = new Thread(Read) { IsBackground = true, Name = name + " in" };
        _writer = new Thread(Write) { IsBackground = true, Name = name + " out" };
        _reader.Start();
        _writer.Start();
    }

    /// <summary>Bytes of packets that arrived.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Packets that were dropped, by chance or by a full queue.</summary>
    public long Dropped => Volatile.Read(ref _dropped);

    /// <summary>Swallows everything from now on, as a cable that was pulled; or no longer.</summary>
    public bool Cut
    {
        get => _cut;
        set => _cut = value;
    }

    public void Dispose()
    {
        _stopping = true;
        _arrived.Set();
        _reader.Join();
        _writer.Join();
        _arrived.Dispose();
    }

    private void Read()
    {
        var random = new Random(_shape.Seed);
        long delay = (long)(_shape.RoundTrip.TotalSeconds / 2 * Stopwatch.Frequency);
        long queue = (long)(_shape.Queue.TotalSeconds * Stopwatch.Frequency);
        double ticksPerByte = _secondsPerByte * Stopwatch.Frequency;
        double free = 0;
        var poll = new LineCalls.PollEntry { Descriptor = _from, Events = LineCalls.PollEntry.In };
        while (!_stopping)
        {
            if (LineCalls.Poll(ref poll, 1, PollMilliseconds) <= 0)
            {
                continue;
            }

            int slot = (int)(_head % _slots.Length);
            int length = (int)LineCalls.Read(_from, ref _ring[slot * SlotSize], SlotSize);
            if (length <= 0)
            {
                continue;
            }

            long now = Stopwatch.GetTimestamp();
            free = Math.Max(free, now);
            bool full = free - now > queue || _head - Volatile.Read(ref _tail) >= _slots.Length - 1;
            if (_cut || full || (_shape.Loss > 0 && random.NextDouble() < _shape.Loss))
            {
                _dropped++;
                continue;
            }

            free += length * ticksPerByte;
            _slots[slot] = (length, (long)free + delay);
            Volatile.Write(ref _head, _head + 1);
            _arrived.Set();
        }
    }

    private void Write()
    {
        while (!_stopping)
        {
            if (_tail == Volatile.Read(ref _head))
            {
                _arrived.WaitOne();
                continue;
            }

            (int length, long due) = _slots[_tail % _slots.Length];
            double wait = (due - Stopwatch.GetTimestamp()) / (double)Stopwatch.Frequency;
            if (wait > 0)
            {
                // Never shorter than a moment: then several packets go at once, as they do from a network card.
                _ = LineCalls.SleepMicroseconds((uint)(Math.Max(wait, ShortestSleep) * 1e6));
                continue;
            }

            if (!_cut)
            {
                _ = LineCalls.Write(_to, in _ring[_tail % _slots.Length * SlotSize], length);
                Volatile.Write(ref _bytes, _bytes + length);
            }

            Volatile.Write(ref _tail, _tail + 1);
        }
    }
}
