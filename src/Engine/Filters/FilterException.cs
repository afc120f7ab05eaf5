namespace NativeSync.Engine.Filters;

/// <summary>A filter rule or rule file that cannot be used. The message is one line and already escaped for a terminal.</summary>
internal sealed class FilterException : Exception
{
    /// <summary>rsync's code for a malformed rule.</summary>
    public const int SyntaxError = 1;

    /// <summary>rsync's code for an action that this program does not offer.</summary>
    public const int NotSupported = 4;

    /// <summary>rsync's code for a rule file that is missing or unreadable.</summary>
    public const int FileError = 11;

    /// <summary>Describes the trouble; <paramref name="file"/> and <paramref name="line"/> (from 1, 0 = none) name its place when it came from a file.</summary>
    public FilterException(string message, int exitCode = SyntaxError, string? file = null, int line = 0)
        : base(message)
    {
        ExitCode = exitCode;
        File = file;
        Line = line;
    }

    /// <summary>rsync's exit code for this trouble.</summary>
    public int ExitCode { get; }

    /// <summary>The escaped name of the rule file, or null when the rule came from the command line or the wire.</summary>
    public string? File { get; }

    /// <summary>The line in <see cref="File"/>, counted from 1; 0 when unknown.</summary>
    public int Line { get; }

    /// <summary>The same trouble with its place added.</summary>
    public FilterException At(string file, int line) => new($"{Message} ({file}:{line})", ExitCode, file, line);
}
