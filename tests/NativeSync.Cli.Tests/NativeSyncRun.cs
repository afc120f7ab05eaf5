using System.Text;
using NativeSync.Cli.Output;
using NativeSync.Cli.Startup;

namespace NativeSync.Cli.Tests;

/// <summary>Runs a command line of NativeSync's in this process.</summary>
internal static class NativeSyncRun
{
    public static Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] arguments) => RunAsync("nativesync", arguments);

    public static async Task<(int ExitCode, string Output, string Error)> RunAsync(string programName, string[] arguments)
    {
        using MemoryStream output = new(), error = new();
        using Interruption interruption = new();
        int exitCode = await CommandLine.RunAsync(RawArguments.Of(programName, Bytes.Of(arguments)), new Streams(output, error, null), interruption);
        return (exitCode, Encoding.Latin1.GetString(output.ToArray()), Encoding.UTF8.GetString(error.ToArray()));
    }
}
