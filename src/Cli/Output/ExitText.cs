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
}
