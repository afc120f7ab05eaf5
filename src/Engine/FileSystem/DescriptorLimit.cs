using NativeSync.Engine.FileSystem.Native;

namespace NativeSync.Engine.FileSystem;

/// <summary>How many descriptors this process may have open (RLIMIT_NOFILE, soft): what is kept open for speed must fit into it.</summary>
internal static class DescriptorLimit
{
    private const int NumberOfFiles = 7;

    /// <summary>The limit; that of old systems where it cannot be asked.</summary>
    public static long Value { get; } = Ask();

    /// <summary>The wanted number of handles, or what part of the limit allows of them; at least 4.</summary>
    public static int Share(int wanted, int part) => (int)Math.Clamp(Value / part, 4, wanted);

    private static unsafe long Ask()
    {
        ulong* limits = stackalloc ulong[2];
        return LibC.getrlimit(NumberOfFiles, limits) == 0 ? (long)Math.Min(limits[0], int.MaxValue) : 1024;
    }
}
