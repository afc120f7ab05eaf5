using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.InteropServices;
using NativeSync.Engine;

namespace NativeSync.Transport;

/// <summary>
/// A lane over something that can only block: two dedicated threads carry bytes between it and two bounded pipes.
/// </summary>
/// <remarks>
/// Immutable: the pipes. Each pipe's far end belongs to one thread alone. The fault of the reading thread is published
/// before the pipe completes, and the first one wins. The threads are background threads: they never keep a process alive, and disposing never waits for the peer longer
/// than the grace given to output which was completed properly.
/// </remarks>
internal abstract class PumpedLane : ILane
{
    /// <summary>A writer pauses when this many bytes wait; enough to cover OpenSSH's window of 2 MiB while the pump sleeps.</summary>
    private const long PauseAt = 4 * 1024 * 1024;

    private const long ResumeAt = 2 * 1024 * 1024;

    /// <summary>Memory of the pipes comes in pieces of this size: four of SSH's largest packets, and one system call each on pipes.</summary>
    protected const int SegmentSize = 128 * 1024;

    /// <summary>Segments smaller than this are joined before they are written: 4 KiB packets cost 2.4 times as much as 32 KiB ones.</summary>
    private const int JoinBelow = 32 * 1024;

    /// <summary>Received bytes that are there already are passed on together, up to this many: each passing on may wake a thread.</summary>
    private const int JoinUpTo = 512 * 1024;

    /// <summary>How long disposing waits for output that was completed properly.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    private readonly Pipe _input;
    private readonly Pipe _output;
    private readonly FaultingReader _reader;
    private readonly TaskCompletionSource _readingDone = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _writingDone = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly LaneWriter _writer;
    private readonly WrittenTimes _times = new();
    private readonly InputScheduler _continues = new();
    private volatile TransportException? _peerFault;
    private long _received;
    private long _sent;
    private int _disposed;

    protected PumpedLane()
    {
        // The pump threads wait on an event, so completing them inline is safe and saves a hop through the thread pool.
        _input = new Pipe(new PipeOptions(readerScheduler: _continues, writerScheduler: PipeScheduler.Inline, pauseWriterThreshold: PauseAt,
            resumeWriterThreshold: ResumeAt, minimumSegmentSize: SegmentSize, useSynchronizationContext: false));
        _output = new Pipe(new PipeOptions(readerScheduler: PipeScheduler.Inline, pauseWriterThreshold: PauseAt,
            resumeWriterThreshold: ResumeAt, minimumSegmentSize: SegmentSize, useSynchronizationContext: false));
        _reader = new FaultingReader(_input.Reader);
        _writer = new LaneWriter(_output.Writer, _times);
    }

    public PipeReader Input => _reader;

    public PipeWriter Output => _writer;

    /// <inheritdoc/>
    public void ContinueInline(bool inline) => _continues.AtOnce = inline;

    /// <summary>Completes when the peer has finished sending and what followed is known (exit status, fault).</summary>
    public Task Ended => _readingDone.Task;

    /// <summary>Bytes received and sent so far.</summary>
    public long BytesMoved => Volatile.Read(ref _received) + Volatile.Read(ref _sent);

    /// <summary>Starts the two threads; called once by the derived class when it is ready.</summary>
    protected void Start(string name)
    {
        new Thread(ReadLoop, 256 * 1024) { IsBackground = true, Name = name + " in" }.Start();
        new Thread(WriteLoop, 256 * 1024) { IsBackground = true, Name = name + " out" }.Start();
    }

    /// <summary>Blocks until bytes are there; 0 is the end of the stream. May throw anything.</summary>
    protected abstract int ReadSome(Span<byte> into);

    /// <summary>True when <see cref="ReadSome"/> would not block now.</summary>
    protected virtual bool MoreIsReady => false;

    /// <summary>Blocks until all is written. May throw anything.</summary>
    protected abstract void WriteAll(byte[] buffer, int offset, int count);

    /// <summary>Within <see cref="WriteAll"/>: since when the byte waits that comes after so many of it (<see cref="WrittenTimes.At"/>).</summary>
    protected long WaitsSince(int written) => _times.At(_sent + written);

    /// <summary>No more will be written: tells the peer.</summary>
    protected abstract void EndOfOutput();

    /// <summary>The writing thread is done, properly or not.</summary>
    protected virtual void ReleaseOutput()
    {
    }

    /// <summary>Called once after the end of the input: null for a clean end, else why it is none.</summary>
    protected abstract TransportException? EndOfInput();

    /// <summary>True when nobody reads our output any more once the input has ended, as with an SSH channel.</summary>
    protected virtual bool EndOfInputEndsOutput => false;

    /// <summary>What an exception of <see cref="ReadSome"/> or <see cref="WriteAll"/> means.</summary>
    protected abstract TransportException Translate(Exception error);

    /// <summary>Wakes both threads for good and frees what the lane holds; must not block for long.</summary>
    protected abstract ValueTask AbandonAsync();

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        if (_writer.Completed)
        {
            // What was completed deserves to arrive: a goodbye is often the last thing written.
            await Task.WhenAny(_writingDone.Task, Task.Delay(Grace)).ConfigureAwait(false);
        }

        await _input.Reader.CompleteAsync().ConfigureAwait(false);
        _output.Reader.CancelPendingRead();
        if (!_writer.Completed)
        {
            await _writer.CompleteAsync(new OperationCanceledException("The lane was abandoned.")).ConfigureAwait(false);
        }

        await AbandonAsync().ConfigureAwait(false);
    }

    private void ReadLoop()
    {
        using var waiter = new BlockingWaiter();
        PipeWriter writer = _input.Writer;
        TransportException? fault = null;
        int unflushed = 0;
        try
        {
            while (true)
            {
                Span<byte> room = writer.GetSpan(SegmentSize / 2);
                int count = ReadSome(room);
                if (count == 0)
                {
                    fault = EndOfInput();
                    break;
                }

                Volatile.Write(ref _received, _received + count);
                writer.Advance(count);
                unflushed += count;
                if (unflushed < JoinUpTo && MoreIsReady)
                {
                    continue;
                }

                unflushed = 0;
                FlushResult flushed = waiter.Wait(writer.FlushAsync());
                if (flushed.IsCompleted)
                {
                    break;
                }
            }
        }
        catch (Exception e)
        {
            fault = Translate(e);
        }

        if (fault is not null)
        {
            _reader.SetFault(fault);
        }

        writer.Complete();
        if (fault is not null || EndOfInputEndsOutput)
        {
            // Who still writes learns it at the next flush.
            _peerFault = fault;
            _writer.PeerGone(fault);
            _output.Reader.CancelPendingRead();
        }

        _readingDone.TrySetResult();
    }

    private void WriteLoop()
    {
        using var waiter = new BlockingWaiter();
        byte[] joined = [];
        PipeReader reader = _output.Reader;
        Exception? fault = null;
        try
        {
            while (true)
            {
                ReadResult result = waiter.Wait(reader.ReadAsync());
                if (result.IsCanceled)
                {
                    fault = _peerFault;
                    break;
                }

                ReadOnlySequence<byte> buffer = result.Buffer;
                WriteSequence(buffer, ref joined);
                reader.AdvanceTo(buffer.End);
                if (result.IsCompleted)
                {
                    EndOfOutput();
                    break;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Abandoned: nobody is left who would want to know.
        }
        catch (Exception e)
        {
            fault = Translate(e);
        }

        reader.Complete(fault);
        ReleaseOutput();
        _writingDone.TrySetResult();
    }

    private void WriteSequence(in ReadOnlySequence<byte> buffer, ref byte[] joined)
    {
        if (buffer.IsSingleSegment)
        {
            WriteMemory(buffer.First);
            return;
        }

        int held = 0;
        foreach (ReadOnlyMemory<byte> segment in buffer)
        {
            if (held == 0 && segment.Length >= JoinBelow)
            {
                WriteMemory(segment);
                continue;
            }

            ReadOnlyMemory<byte> rest = segment;
            while (!rest.IsEmpty)
            {
                if (joined.Length == 0)
                {
                    joined = GC.AllocateUninitializedArray<byte>(SegmentSize);
                }

                int count = Math.Min(rest.Length, joined.Length - held);
                rest.Span[..count].CopyTo(joined.AsSpan(held));
                held += count;
                rest = rest[count..];
                if (held == joined.Length)
                {
                    Write(joined, 0, held);
                    held = 0;
                }
            }
        }

        if (held > 0)
        {
            Write(joined, 0, held);
        }
    }

    /// <summary>Counts as it goes: of a sequence of megabytes a slow line takes a piece now and then.</summary>
    private void Write(byte[] buffer, int offset, int count)
    {
        WriteAll(buffer, offset, count);
        Volatile.Write(ref _sent, _sent + count);
        _times.Passed(_sent);
    }

    private void WriteMemory(ReadOnlyMemory<byte> memory)
    {
        if (memory.IsEmpty)
        {
            return;
        }

        if (MemoryMarshal.TryGetArray(memory, out ArraySegment<byte> array))
        {
            Write(array.Array!, array.Offset, array.Count);
        }
        else
        {
            byte[] copy = memory.ToArray();
            Write(copy, 0, copy.Length);
        }
    }
}
