using System.Diagnostics;
using System.Globalization;
using NativeSync.Cli.Options;
using NativeSync.Engine;

namespace NativeSync.Cli.Commands;

/// <summary>Runs a command of the user by /bin/sh. What it writes goes to standard error.</summary>
internal static class HookCommand
{
    /// <summary>Waits for its end.</summary>
    /// <param name="option">Which option gave it, for messages.</param>
    /// <param name="command">What the shell is given.</param>
    /// <param name="pass">The number of the pass, for its environment.</param>
    /// <param name="result">How the pass ended, for its environment; null before it.</param>
    /// <param name="limit">How long it may take; then it is killed with all that it started.</param>
    /// <param name="ct">Likewise.</param>
    /// <exception cref="SessionException">14: it failed, or took too long.</exception>
    public static async Task RunAsync(string option, string command, int pass, int? result, TimeSpan limit, CancellationToken ct)
    {
        const int failed = 14;
        ProcessStartInfo start = new("/bin/sh", ["-c", "exec >&2 </dev/null; eval \"$1\"", "sh", command]);
        start.Environment["NATIVESYNC_PASS"] = pass.ToString(CultureInfo.InvariantCulture);
        if (result is { } code)
        {
            start.Environment["NATIVESYNC_RESULT"] = code.ToString(CultureInfo.InvariantCulture);
        }

        using Process process = Process.Start(start)!;
        using CancellationTokenSource both = CancellationTokenSource.CreateLinkedTokenSource(ct);
        both.CancelAfter(limit);
        try
        {
            await process.WaitForExitAsync(both.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
            ct.ThrowIfCancellationRequested();
            throw new SessionException(failed, $"the command of {option} took longer than {limit.TotalSeconds:0} s and was killed: {UsageException.Quote(command)}");
        }

        if (process.ExitCode != 0)
        {
            throw new SessionException(failed, $"the command of {option} ended with status {process.ExitCode}: {UsageException.Quote(command)}");
        }
    }
}
