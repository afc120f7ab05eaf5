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
public interface ILane : IDuplexPipe, IAsyncDisposable;
