using NativeSync.Engine.FileSystem;

namespace NativeSync.Engine.Session;

/// <summary>What a session takes from the outside and tests replace: the system, the clock and the sizes of what is held.</summary>
internal sealed record SyncEnvironment(ISystemCalls Io, TimeProvider Clock)
{
    /// <summary>How much is held at most; null for the usual.</summary>
    public LaneLimits? Limits { get; init; }

    /// <summary>What changes in the sources, for an agent in the caller's process; null for nothing.</summary>
    public ChangeFollower? Changes { get; init; }

    /// <summary>How long an agent waits for its job; null for as long as usual.</summary>
    public TimeSpan? Patience { get; init; }

    public static SyncEnvironment Default { get; } = new(LinuxSystemCalls.Instance, TimeProvider.System);
}
