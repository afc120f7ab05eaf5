using System.IO.Pipelines;

namespace NativeSync.Engine.Tests.Session;

/// <summary>One end of a lane with buffers of a few bytes, which can be cut as a line is.</summary>
internal sealed class TinyLane : ILane
{
    private readonly Pipe _in;
    private readonly Pipe _out;

    private TinyLane(Pipe input, Pipe output)
    {
        _in = input;
        _out = output;
    }

    public PipeReader Input => _in.Reader;

    public PipeWriter Output => _out.Writer;

    /// <summary>Both ends; a writer waits as soon as so many bytes are not read.</summary>
    public static (TinyLane Near, TinyLane Far) Pair(int buffer)
    {
        var options = new PipeOptions(pauseWriterThreshold: buffer, resumeWriterThreshold: Math.Max(1, buffer / 2), minimumSegmentSize: 256, useSynchronizationContext: false);
        Pipe there = new(options), back = new(options);
        return (new TinyLane(back, there), new TinyLane(there, back));
    }

    /// <summary>Nothing that was not read yet arrives any more, in neither direction, and both ends learn it.</summary>
    public void Cut()
    {
        var reason = new TransportException(ExitCodes.Stream, "the line was cut by the test");
        foreach (var pipe in new[] { _in, _out })
        {
            // Readers see what was written before; the end of it is a failure.
            pipe.Writer.Complete(reason);
        }
    }

    public ValueTask DisposeAsync()
    {
        _out.Writer.Complete();
        _in.Reader.Complete();
        return ValueTask.CompletedTask;
    }
}
