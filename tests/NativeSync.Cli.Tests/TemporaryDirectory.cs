using System.Diagnostics;

namespace NativeSync.Cli.Tests;

/// <summary>A directory of its own for one test, filled by shell commands.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("nativesync-cli-").FullName;

    public void Shell(string script)
    {
        ProcessStartInfo start = new("bash", ["-ec", script]) { WorkingDirectory = Path, RedirectStandardError = true };
        using Process shell = Process.Start(start)!;
        string error = shell.StandardError.ReadToEnd();
        shell.WaitForExit();
        Assert.True(shell.ExitCode == 0, error);
    }

    // .NET cannot remove names that are not UTF-8.
    public void Dispose() => Process.Start("rm", ["-rf", Path]).WaitForExit();
}
