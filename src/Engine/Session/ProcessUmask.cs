using NativeSync.Engine.FileSystem;

namespace NativeSync.Engine.Session;

/// <summary>
/// The umask that this process was started with. Looking at it changes it for a moment, and receivers set it to nothing (they ask
/// for the modes they want), so it is looked at once, before the first session.
/// </summary>
internal static class ProcessUmask
{
    private static readonly Lazy<uint> Started = new(static () =>
    {
        uint mask = LinuxSystemCalls.Instance.SetUmask(0x3F);
        LinuxSystemCalls.Instance.SetUmask(mask);
        return mask;
    });

    public static uint Value => Started.Value;
}
