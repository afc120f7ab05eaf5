using System.IO.Pipelines;

namespace NativeSync.Engine;

/// <summary>
/// One bidirectional byte stream between two ends of a session.
/// <see cref="IDuplexPipe.Input"/> gives the bytes from the peer, <see cref="IDuplexPipe.Output"/> takes the bytes to it.
/// </summary>
/// <remarks>
/// Trouble of the transport faults both pipes with a <see cref="TransportException"/>: a read or a flush throws it.
/// Completing <see cref="IDuplexPipe.Output"/> sends what was written and then an end of stream.
/// Disposing abandons whatever is still under way, and never waits for the peer.
/// </remarks>
public interface ILane : IDuplexPipe, IAsyncDisposable
{
    /// <summary>
    /// Says whether who waits for <see cref="IDuplexPipe.Input"/> is continued at once by the thread that brought the bytes, or that cancelled the
    /// read, so that no other need be woken for each piece that comes. Who asks for that must not block, nor do anything long or deep, before the
    /// next read: meanwhile the lane does not read. Means nothing to a lane that has no such thread; none is asked for at first.
    /// </summary>
    /// <param name="inline">True from now on, false no longer.</param>
    void ContinueInline(bool inline)
    {
    }
}
