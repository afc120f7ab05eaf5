using System.Diagnostics;
using System.Text;

namespace NativeSync.Transport.Tests;

/// <summary>Runs a program of the machine; a failure of it fails the test.</summary>
internal static class Run
{
    public static string Program(string name, params string[] arguments) => WithInput(name, null, null, arguments);

    public static string WithInput(string name, string? input, IReadOnlyDictionary<string, string>? environment, params string[] arguments)
    {
        var start = new ProcessStartInfo(name, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string key, string value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[key] = value;
        }

        using Process process = Process.Start(start)!;
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        var error = new StringBuilder();
        process.ErrorDataReceived += (_, e) => error.AppendLine(e.Data);
        process.BeginErrorReadLine();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output
            : throw new InvalidOperationException($"{name} {string.Join(' ', arguments)} ended with {process.ExitCode}: {error}{output}");
    }
}
