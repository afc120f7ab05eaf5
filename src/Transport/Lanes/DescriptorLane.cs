using System.Runtime.InteropServices;
using NativeSync.Engine;

namespace NativeSync.Transport;

/// <summary>A lane over two file descriptors (pipes or sockets), which it owns.</summary>
internal class DescriptorLane : PumpedLane
{
    private readonly string _peer;
    private readonly Lock _gate = new();
    private int _input;
    private int _output;
    private bool _abandoned;
    private bool _reading;

    /// <param name="input">A blocking descriptor to read from.</param>
    /// <param name="output">A blocking descriptor to write to; another number than <paramref name="input"/>.</param>
    /// <param name="peer">Who is at the other end, for messages.</param>
    public DescriptorLane(int input, int output, string peer)
    {
        _input = input;
        _output = output;
        _peer = peer;
        Start(peer);
    }

    protected override unsafe int ReadSome(Span<byte> into)
    {
        lock (_gate)
        {
            if (_abandoned)
            {
                return 0;
            }

            _reading = true;
        }

        try
        {
            fixed (byte* p = into)
            {
                while (true)
                {
                    nint got = LibC.read(_input, p, into.Length);
                    if (got >= 0)
                    {
                        return (int)got;
                    }

                    int error = Marshal.GetLastPInvokeError();
                    if (error == LibC.EAGAIN)
                    {
                        Await(_input, LibC.POLLIN);
                    }
                    else if (error != LibC.EINTR)
                    {
                        throw new IOException(Marshal.GetPInvokeErrorMessage(error), error);
                    }
                }
            }
        }
        finally
        {
            lock (_gate)
            {
                _reading = false;
                if (_abandoned)
                {
                    Close(ref _input);
                }
            }
        }
    }

    protected override unsafe void WriteAll(byte[] buffer, int offset, int count)
    {
        fixed (byte* p = &buffer[offset])
        {
            nint done = 0;
            while (done < count)
            {
                nint wrote = LibC.write(_output, p + done, count - done);
                if (wrote >= 0)
                {
                    done += wrote;
                    continue;
                }

                int error = Marshal.GetLastPInvokeError();
                if (error == LibC.EAGAIN)
                {
                    Await(_output, LibC.POLLOUT);
                }
                else if (error != LibC.EINTR)
                {
                    throw new IOException(Marshal.GetPInvokeErrorMessage(error), error);
                }
            }
        }
    }

    protected override void EndOfOutput() => Close(ref _output);

    protected override void ReleaseOutput() => Close(ref _output);

    protected override TransportException? EndOfInput() => null;

    protected override TransportException Translate(Exception error) => error as TransportException
        ?? new TransportException(12, $"connection to {_peer} broke off: {error.Message}", innerException: error);

    protected override ValueTask AbandonAsync()
    {
        // A descriptor that a thread is blocked in must not be closed under it: its number could be given to another file.
        // That thread closes it as soon as it wakes; the end of the process does if it never wakes.
        lock (_gate)
        {
            _abandoned = true;
            if (!_reading)
            {
                Close(ref _input);
            }
        }

        return ValueTask.CompletedTask;
    }

    private static unsafe void Await(int descriptor, short events)
    {
        var wanted = new LibC.PollDescriptor { Descriptor = descriptor, Events = events };
        _ = LibC.poll(&wanted, 1, -1);
    }

    private static void Close(ref int descriptor)
    {
        int taken = Interlocked.Exchange(ref descriptor, -1);
        if (taken >= 0)
        {
            _ = LibC.close(taken);
        }
    }
}
