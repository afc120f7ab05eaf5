using NativeSync.Engine.FileSystem;
using NativeSync.Engine.FileSystem.Native;

namespace NativeSync.Engine.Tests.FileSystem;

/// <summary>The kernel as it is, and the same with everything newer than Linux 2.6.32 taken away.</summary>
internal static class Kernels
{
    public static readonly LinuxSystemCalls Now = LinuxSystemCalls.Instance;

    public static readonly LinuxSystemCalls Old = new(KernelSupport.Oldest);

    /// <summary>As above, but with O_PATH: Linux 3.10, as in CentOS 7.</summary>
    public static readonly LinuxSystemCalls Middle = new(new KernelSupport { PathHandles = true, SyncFileSystem = true });

    public static LinuxSystemCalls Of(string name) => name switch
    {
        "now" => Now,
        "old" => Old,
        _ => Middle,
    };

    public static TheoryData<string> All => ["now", "middle", "old"];
}
