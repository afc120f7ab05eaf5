using NativeSync.Engine;

namespace NativeSync.Cli.Output;

/// <summary>What an exit code means, in a sentence.</summary>
internal static class ExitText
{
    /// <summary>Why a transfer that went through ends with a code other than 0.</summary>
    public static string OfReport(SyncReport report)
    {
        string count = report.ProblemCount == 1 ? "1 problem" : $"{NumberText.Of(report.ProblemCount, 1)} problems";
        return report.ExitCode switch
        {
            23 => $"some files or attributes were not transferred ({count}, see above; code 23)",
            24 => $"some files vanished before they could be transferred ({count}; code 24)",
            25 => "the --max-delete limit stopped deletions (code 25)",
            _ => $"ended with {count} (code {report.ExitCode})",
        };
    }

    /// <summary>The words that rsync has for a code, which scripts look for.</summary>
    public static string OfCode(int exitCode) => exitCode switch
    {
        1 => "syntax or usage error",
        2 => "protocol incompatibility",
        3 => "errors selecting input/output files, dirs",
        4 => "requested action not supported",
        5 => "error starting client-server protocol",
        10 => "error in socket IO",
        11 => "error in file IO",
        12 => "error in rsync protocol data stream",
        13 => "errors with program diagnostics",
        14 => "error in IPC code",
        20 => "received SIGINT, SIGTERM, or SIGHUP",
        21 => "waitpid() failed",
        22 => "error allocating core memory buffers",
        23 => "some files/attrs were not transferred (see previous errors)",
        24 => "some files vanished before they could be transferred",
        25 => "the --max-delete limit stopped deletions",
        30 => "timeout in data send/receive",
        35 => "timeout waiting for daemon connection",
        124 => "remote shell failed",
        125 => "remote shell killed",
        126 => "remote command could not be run",
        127 => "remote command not found",
        _ => "unexplained error",
    };
}
