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

    private readonly string _what;

    /// <summary>Describes the trouble.</summary>
    public FilterException(string message, int exitCode = SyntaxError)
        : this(message, message, exitCode, null, 0)
    {
    }

    private FilterException(string message, string what, int exitCode, string? file, int line)
        : base(message)
    {
        _what = what;
        ExitCode = exitCode;
        File = file;
        Line = line;
    }

    /// <summary>rsync's exit code for this trouble.</summary>
    public int ExitCode { get; }

    /// <summary>Why a file could not be read; 0 when that is not the trouble.</summary>
    public int Errno { get; init; }

    /// <summary>The escaped name of the rule file, or null when the rule came from the command line or the wire.</summary>
    public string? File { get; }

    /// <summary>The line in <see cref="File"/>, counted from 1; 0 when unknown.</summary>
    public int Line { get; }

    /// <summary>Trouble with the text of a rule.</summary>
    public static FilterException InRule(string what, ReadOnlySpan<byte> rule) => new($"{what}: {ByteText.Escape(rule)}", what, SyntaxError, null, 0);

    /// <summary>The same trouble with its place added, and with or without the text of the rule.</summary>
    public FilterException At(string file, int line, bool showRule = true) =>
        new($"{(showRule ? Message : _what)} ({file} line {line})", _what, ExitCode, file, line) { Errno = Errno };
}
