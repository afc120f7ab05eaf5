using System.Buffers;

namespace NativeSync.Engine.Delta;

/// <summary>
/// A thread that writes full buffers while the next ones are filled: reading a basis and hashing takes as long as writing does, and
/// a large file has both.
/// </summary>
/// <remarks>
/// Guarded by <c>_gate</c>: the queue, the free buffers and the counts. A buffer belongs to the queue from <see cref="Take"/> until it
/// is written; the output belongs to the thread while anything is queued, else to the caller.
/// </remarks>
internal sealed class WriteBehind : IDisposable
{
    /// <summary>One being filled, one being written, one between them.</summary>
    private const int MaxBuffers = 3;

    private readonly object _gate = new();
    private readonly Queue<(byte[] Buffer, int Length, long Offset)> _queue = new(MaxBuffers);
    private readonly Stack<byte[]> _free = new(MaxBuffers);
    private readonly PatchOutput _output;
    private readonly int _bufferSize;
    private readonly Thread _thread;
    private int _buffers = 1; // the caller's
    private bool _writing;
    private bool _stopped;

    public WriteBehind(PatchOutput output, int bufferSize)
    {
        _output = output;
        _bufferSize = bufferSize;
        _thread = new Thread(Run, 256 * 1024) { IsBackground = true, Name = "write-behind" };
        _thread.Start();
    }

    /// <summary>Takes a full buffer to be written at an offset, and gives an empty one for it. Waits while the writing is behind.</summary>
    public byte[] Take(byte[] buffer, int length, long offset)
    {
        lock (_gate)
        {
            _queue.Enqueue((buffer, length, offset));
            Monitor.PulseAll(_gate);
            while (_free.Count == 0)
            {
                if (_buffers < MaxBuffers)
                {
                    _buffers++;
                    return ArrayPool<byte>.Shared.Rent(_bufferSize);
                }

                Monitor.Wait(_gate);
            }

            return _free.Pop();
        }
    }

    /// <summary>Waits until everything is written, or has failed.</summary>
    public void Drain()
    {
        lock (_gate)
        {
            while (_writing || _queue.Count > 0)
            {
                Monitor.Wait(_gate);
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _stopped = true;
            Monitor.PulseAll(_gate);
        }

        _thread.Join();
        foreach (byte[] buffer in _free)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        _free.Clear();
    }

    private void Run()
    {
        while (true)
        {
            (byte[] Buffer, int Length, long Offset) next;
            lock (_gate)
            {
                _writing = false;
                Monitor.PulseAll(_gate);
                while (!_queue.TryDequeue(out next))
                {
                    if (_stopped)
                    {
                        return;
                    }

                    Monitor.Wait(_gate);
                }

                _writing = true;
            }

            if (!Volatile.Read(ref _stopped))
            {
                _output.Put(next.Buffer.AsSpan(0, next.Length), next.Offset);
            }

            lock (_gate)
            {
                _free.Push(next.Buffer);
                Monitor.PulseAll(_gate);
            }
        }
    }
}
