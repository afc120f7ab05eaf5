using System.IO.Pipelines;
using System.Runtime.InteropServices;
using NativeSync.Engine;

namespace NativeSync.Transport;

/// <summary>
/// The lane of an agent that was started by the other side: what was its standard input and output.
/// </summary>
/// <remarks>
/// Taking it moves both away to other descriptors, points descriptor 0 at <c>/dev/null</c> and descriptor 1 at standard
/// error: nothing else in the process, nor a child of it, can then write between our frames.
/// </remarks>
public sealed class StdioLane : ILane
{
    private readonly DescriptorLane _lane;

    private StdioLane(DescriptorLane lane) => _lane = lane;

    /// <inheritdoc/>
    public PipeReader Input => _lane.Input;

    /// <inheritdoc/>
    public PipeWriter Output => _lane.Output;

    /// <inheritdoc/>
    public void ContinueInline(bool inline) => _lane.ContinueInline(inline);

    /// <summary>Takes over descriptors 0 and 1; may be called once in a process.</summary>
    /// <exception cref="TransportException">Standard input or output is closed.</exception>
    public static StdioLane Open()
    {
        int input = Move(0);
        int output = Move(1);
        int nothing = LibC.open("/dev/null", LibC.O_RDWR | LibC.O_CLOEXEC, 0);
        if (nothing >= 0)
        {
            _ = LibC.dup2(nothing, 0);
            _ = LibC.close(nothing);
        }

        _ = LibC.dup2(2, 1);
        return new StdioLane(new DescriptorLane(input, output, "standard input and output"));
    }

    /// <summary>Waits (a bounded time) until completed output has been taken by the other side, then lets go.</summary>
    public ValueTask DisposeAsync() => _lane.DisposeAsync();

    private static int Move(int descriptor)
    {
        int moved = LibC.fcntl(descriptor, LibC.F_DUPFD_CLOEXEC, 3);
        if (moved < 0)
        {
            int error = Marshal.GetLastPInvokeError();
            throw new TransportException(12, $"descriptor {descriptor} is not open ({Marshal.GetPInvokeErrorMessage(error)})",
                "'serve' is started by NativeSync itself, over a connection.");
        }

        // More than the default 64 KiB saves switches between the processes; not a pipe, or not allowed: no harm.
        _ = LibC.fcntl(moved, LibC.F_SETPIPE_SZ, 1024 * 1024);
        return moved;
    }
}
