using System.Diagnostics;

namespace NativeSync.Cli.Rehearse;

/// <summary>The machine's own programs that a rehearsal calls.</summary>
internal static class Programs
{
    /// <summary>Path of a program, also where PATH lacks the administrator's directories; null when it is not installed.</summary>
    public static string? Find(string name)
    {
        string path = Environment.GetEnvironmentVariable("PATH") ?? "";
        return path.Split(':', StringSplitOptions.RemoveEmptyEntries).Concat(["/usr/sbin", "/usr/local/sbin", "/sbin", "/usr/bin", "/bin"])
            .Select(d => Path.Combine(d, name)).FirstOrDefault(File.Exists);
    }

    /// <summary>The first of some programs that is not installed, as a reason; null when all are.</summary>
    public static string? Missing(params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            if (Find(name) is null)
            {
                return $"{name} is not installed";
            }
        }

        return null;
    }

    /// <summary>Runs a program to its end.</summary>
    /// <returns>Its standard output.</returns>
    /// <exception cref="IOException">It is missing or fails; with the last line it wrote.</exception>
    public static async Task<string> RunAsync(string program, string[] arguments, CancellationToken ct)
    {
        string path = Find(program) ?? throw new IOException($"{program} is not installed");
        using Process process = Process.Start(new ProcessStartInfo(path, arguments) { RedirectStandardInput = true, RedirectStandardError = true, RedirectStandardOutput = true })
            ?? throw new IOException($"{program} did not start");
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync(ct);
        string error = (await process.StandardError.ReadToEndAsync(ct)).Trim();
        await process.WaitForExitAsync(ct);
        return process.ExitCode == 0
            ? await output
            : throw new IOException($"{program} ended with {process.ExitCode}: {error[(error.LastIndexOf('\n') + 1)..]}");
    }
}
