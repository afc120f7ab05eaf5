using NativeSync.Protocol;

namespace NativeSync.Engine;

/// <summary>
/// Where the far ends of further lanes find the agent of their session: each lane may have been started as a process of its own. docs/protocol.md, "Further lanes".
/// </summary>
public interface ILaneDoor
{
    /// <summary>Opens the door for a session.</summary>
    /// <param name="session">What the lanes ask for.</param>
    /// <param name="take">
    /// Takes a lane, with what it said; false when it is refused. The lane is the taker's then, and may be disposed as soon as the task completes.
    /// </param>
    /// <returns>Closes the door; null when there is no place for one.</returns>
    IAsyncDisposable? Open(UInt128 session, Func<JoinFrame, ILane, Task<bool>> take);

    /// <summary>Hands a lane on to the agent of its session, and waits until it is over; false when there is none, or it does not take the lane.</summary>
    Task<bool> PassOnAsync(JoinFrame join, ILane lane);
}
