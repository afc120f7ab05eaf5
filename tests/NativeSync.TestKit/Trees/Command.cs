using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace NativeSync.TestKit.Trees;

/// <summary>What a command did. Output is kept byte for byte as Latin-1 text, so that nothing is lost in odd names.</summary>
public sealed record CommandResult(string CommandLine, int ExitCode, string Output, string Error, TimeSpan Elapsed)
{
    /// <summary>Everything that a failed test wants to show.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"$ {CommandLine}\nexit {ExitCode} after {Elapsed.TotalSeconds:0.0} s\n{Shorten(Output)}{Shorten(Error)}");

    /// <summary>Itself, or an exception with everything it said when the exit code is another.</summary>
    public CommandResult MustExit(int code) => ExitCode == code ? this : throw new InvalidOperationException($"exit code {code} was expected\n{this}");

    /// <summary>Lines of the error output that are not empty.</summary>
    public string[] ErrorLines => Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static string Shorten(string text) => text.Length <= 8_000 ? text : text[..4_000] + "\n[…]\n" + text[^4_000..];
}

/// <summary>Runs programs with a time limit; a program that outlives it is killed with its children, and the test fails.</summary>
public static class Command
{
    /// <summary>Longer than anything here takes on a busy machine; it only keeps a hang from being endless.</summary>
    public static readonly TimeSpan DefaultLimit = TimeSpan.FromMinutes(10);

    /// <summary>Runs to the end, with nothing on standard input unless given.</summary>
    public static async Task<CommandResult> RunAsync(
        IReadOnlyList<string> command, TimeSpan? limit = null, IReadOnlyDictionary<string, string?>? environment = null, string? directory = null,
        Action<Process>? started = null)
    {
        ProcessStartInfo start = StartInfo(command, environment, directory);
        long begin = Stopwatch.GetTimestamp();
        using Process process = Process.Start(start) ?? throw new InvalidOperationException($"{command[0]} did not start");
        process.StandardInput.Close();
        started?.Invoke(process);
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        using var timer = new CancellationTokenSource(limit ?? DefaultLimit);
        try
        {
            await process.WaitForExitAsync(timer.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
            throw new TimeoutException($"still running after {limit ?? DefaultLimit}: {Line(command)}\n{await output}{await error}");
        }

        TimeSpan elapsed = Stopwatch.GetElapsedTime(begin);
        return new CommandResult(Line(command), process.ExitCode, await output, await error, elapsed);
    }

    /// <summary>Runs a shell script; a failure is an exception.</summary>
    public static async Task<string> ShellAsync(string script) => (await RunAsync(["/bin/sh", "-euc", script])).MustExit(0).Output;

    /// <summary>How every program here is started: pipes in Latin-1, the C locale, no configuration from the outside.</summary>
    public static ProcessStartInfo StartInfo(IReadOnlyList<string> command, IReadOnlyDictionary<string, string?>? environment = null, string? directory = null)
    {
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.Latin1,
            StandardErrorEncoding = Encoding.Latin1,
            WorkingDirectory = directory ?? "/",
        };
        start.Environment["LC_ALL"] = "C";
        foreach ((string name, string? value) in environment ?? new Dictionary<string, string?>())
        {
            start.Environment[name] = value;
        }

        return start;
    }

    private static string Line(IReadOnlyList<string> command) => string.Join(' ', command.Select(word => word.Contains(' ', StringComparison.Ordinal) ? $"'{word}'" : word));
}
