namespace NativeSync.Cli.Startup;

/// <summary>What must be arranged before anything else runs.</summary>
internal static class StaticRuntime
{
    /// <summary>Call first thing in Main. Costs some ten microseconds; does nothing outside the static build.</summary>
    public static void Prepare()
    {
        NameService.UseBuiltInModules();
        OpenSslEnvironment.UseHostCertificates();
    }
}
