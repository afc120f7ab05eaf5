using NativeSync.Engine.FileSystem;

namespace NativeSync.Engine.Delta;

/// <summary>
/// The signature of a large basis by several threads. While a signature is made the other side can do little, so every processor here
/// is free for it.
/// </summary>
/// <remarks>
/// Chunks are claimed in order, each into a slot of a ring, and emitted in order by the caller's thread, which computes too when
/// the next one is not there yet. Nothing behind the sample is begun before all of the sample is out: the other side decides by it whether the
/// rest is wanted. Guarded by <c>_gate</c>: <c>_claimed</c>, <c>_emitted</c>, <c>_stopped</c> and the slots' results; a
/// slot's buffers belong to whoever claimed its chunk until its result is set, then to the caller's thread.
/// </remarks>
internal sealed class ParallelSignature : IDisposable
{
    /// <summary>Below this a second thread costs more than it brings.</summary>
    public const long MinLength = 32L << 20;

    /// <summary>More than these wait for memory, not for processors.</summary>
    private const int MaxThreads = 4;

    private readonly object _gate = new();
    private readonly ISystemCalls _io;
    private readonly int _fd;
    private readonly BlockLayout _layout;
    private readonly Slot[] _ring;
    private readonly Thread[] _helpers;
    private readonly long _chunks;
    private readonly long _sampleChunks;
    private long _claimed;
    private long _emitted;
    private bool _stopped;

    public ParallelSignature(ISystemCalls io, int fd, in BlockLayout layout)
    {
        _io = io;
        _fd = fd;
        _layout = layout;
        int threads = Math.Min(Environment.ProcessorCount, MaxThreads);
        _ring = new Slot[2 * threads];
        for (int i = 0; i < _ring.Length; i++)
        {
            _ring[i] = new Slot(layout);
        }

        _chunks = _ring[0].Buffers.ChunkCount;
        _sampleChunks = _ring[0].Buffers.SampleChunkCount;
        _helpers = new Thread[threads - 1];
        for (int i = 0; i < _helpers.Length; i++)
        {
            _helpers[i] = new Thread(Help, 256 * 1024) { IsBackground = true, Name = "signature" };
            _helpers[i].Start();
        }
    }

    /// <summary>Emits everything; 0, or -errno of the first chunk that could not be read.</summary>
    public int Run(SignatureChunkHandler emit)
    {
        while (_emitted < _chunks)
        {
            Slot next = _ring[_emitted % _ring.Length];
            if (!WaitOrClaim(next, out long own))
            {
                Compute(own);
                continue;
            }

            if (next.Result < 0)
            {
                return next.Result;
            }

            emit(next.Result / _layout.EntrySize, next.Buffers.Encoded[..next.Result]);
            lock (_gate)
            {
                next.Done = false;
                _emitted++;
                Monitor.PulseAll(_gate);
            }
        }

        return 0;
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _stopped = true;
            Monitor.PulseAll(_gate);
        }

        foreach (Thread helper in _helpers)
        {
            helper.Join();
        }

        foreach (Slot slot in _ring)
        {
            slot.Buffers.Dispose();
        }
    }

    private void Help()
    {
        while (true)
        {
            long chunk;
            lock (_gate)
            {
                while (!TryClaim(out chunk))
                {
                    if (_stopped || _claimed == _chunks)
                    {
                        return;
                    }

                    Monitor.Wait(_gate);
                }
            }

            Compute(chunk);
        }
    }

    /// <summary>True when the slot is done; false with a chunk to compute meanwhile.</summary>
    private bool WaitOrClaim(Slot next, out long chunk)
    {
        lock (_gate)
        {
            while (true)
            {
                chunk = -1;
                if (next.Done)
                {
                    return true;
                }

                if (TryClaim(out chunk))
                {
                    return false;
                }

                Monitor.Wait(_gate);
            }
        }
    }

    private bool TryClaim(out long chunk)
    {
        chunk = _claimed;
        if (_stopped || _claimed == _chunks || _claimed - _emitted >= _ring.Length || (_claimed >= _sampleChunks && _emitted < _sampleChunks))
        {
            return false;
        }

        _claimed++;
        return true;
    }

    private void Compute(long chunk)
    {
        Slot slot = _ring[chunk % _ring.Length];
        FileSource source = new(_io, _fd);
        int result = slot.Buffers.Encode(ref source, chunk);
        lock (_gate)
        {
            slot.Result = result;
            slot.Done = true;
            Monitor.PulseAll(_gate);
        }
    }

    private sealed class Slot(BlockLayout layout)
    {
        public SignatureBuffers Buffers { get; } = new(layout);

        public int Result { get; set; }

        public bool Done { get; set; }
    }
}
