using NativeSync.Engine.FileSystem;

namespace NativeSync.Engine.Session;

/// <summary>What a session takes from the outside and tests replace: the system and the clock.</summary>
internal sealed record SyncEnvironment(ISystemCalls Io, TimeProvider Clock)
{
    public static SyncEnvironment Default { get; } = new(LinuxSystemCalls.Instance, TimeProvider.System);
}
