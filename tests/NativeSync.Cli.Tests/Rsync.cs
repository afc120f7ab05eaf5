using System.Diagnostics;
using System.Text;

namespace NativeSync.Cli.Tests;

/// <summary>Runs the installed rsync, the judge.</summary>
internal static class Rsync
{
    public static (int ExitCode, string Output, string Error) Run(params IEnumerable<string> arguments) => Run(null, arguments);

    /// <summary>Under the umask that tests start with: NativeSync in this process clears its own.</summary>
    public static (int ExitCode, string Output, string Error) Run(string? directory, IEnumerable<string> arguments)
    {
        ProcessStartInfo start = new("sh", ["-c", "umask 022; exec rsync \"$@\"", "rsync", .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.Latin1,
            WorkingDirectory = directory ?? "/",
        };
        start.Environment["LC_ALL"] = "C.UTF-8";
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }
}
