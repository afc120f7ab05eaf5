namespace NativeSync.Cli.Output;

/// <summary>Under which name the program speaks on standard error: scripts written for rsync look for its words there.</summary>
/// <param name="IsRsync">Started as <c>rsync</c>.</param>
internal readonly record struct ProgramVoice(bool IsRsync)
{
    /// <summary>One line about trouble.</summary>
    public string Error(string message) => (IsRsync ? "rsync: " : "nativesync: ") + message;

    /// <summary>The last line of a run that did not end with 0.</summary>
    public string End(string message, int exitCode) => IsRsync ? FormattableString.Invariant($"rsync error: {message} (code {exitCode})") : "nativesync: " + message;

    /// <summary>What is said about a command that failed as a whole.</summary>
    public string Failure(string message, int exitCode) => IsRsync ? Error(message) + "\n" + End(ExitText.OfCode(exitCode), exitCode) : Error(message);
}
