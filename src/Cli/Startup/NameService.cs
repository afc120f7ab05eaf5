using System.Runtime.InteropServices;

namespace NativeSync.Cli.Startup;

/// <summary>
/// Keeps a static glibc from loading the host's name-service modules. glibc has <c>files</c> and <c>dns</c> inside;
/// any other module that the host's nsswitch.conf names (<c>sss</c>, <c>mymachines</c>, …) would be opened with
/// dlopen, built for another glibc, and take the process down.
/// </summary>
internal static partial class NameService
{
    /// <summary>Fixes the databases that the executable looks into. Call first thing in Main; does nothing outside the static build.</summary>
    public static void UseBuiltInModules()
    {
#if STATIC_EXECUTABLE
        // A failure leaves glibc's own choice in force, which works on most machines; there is nobody to tell yet.
        _ = ConfigureLookup("hosts"u8, "files dns"u8);
        _ = ConfigureLookup("passwd"u8, "files"u8);
        _ = ConfigureLookup("group"u8, "files"u8);
#endif
    }

#if STATIC_EXECUTABLE
    private static unsafe int ConfigureLookup(ReadOnlySpan<byte> database, ReadOnlySpan<byte> services)
    {
        // UTF-8 literals end in a NUL that is not part of their length.
        fixed (byte* name = database)
        fixed (byte* line = services)
        {
            return NssConfigureLookup(name, line);
        }
    }

    [LibraryImport("libc", EntryPoint = "__nss_configure_lookup")]
    private static unsafe partial int NssConfigureLookup(byte* database, byte* services);
#endif
}
