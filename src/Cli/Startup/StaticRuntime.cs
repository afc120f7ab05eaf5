using System.Runtime.InteropServices;

namespace NativeSync.Cli.Startup;

/// <summary>What must be arranged before anything else runs.</summary>
internal static partial class StaticRuntime
{
    /// <summary>Call first thing in Main. Costs some ten microseconds; does nothing outside the static build.</summary>
    public static void Prepare()
    {
        NameService.UseBuiltInModules();
        OpenSslEnvironment.UseHostCertificates();
        _ = signal(FileSizeSignal, Ignore);
    }

    /// <summary>With it ignored, a file that outgrows <c>ulimit -f</c> is EFBIG, which is reported, and not the end of the process.</summary>
    private const int FileSizeSignal = 25;

    private const nint Ignore = 1;

    [LibraryImport("libc")]
    private static partial nint signal(int number, nint handler);
}
