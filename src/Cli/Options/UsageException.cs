using NativeSync.Engine;

namespace NativeSync.Cli.Options;

/// <summary>A command line that makes no sense, or asks for what NativeSync does not have. The message is one escaped line.</summary>
internal sealed class UsageException(string message, int exitCode = UsageException.Syntax) : Exception(message)
{
    /// <summary>rsync's code for a wrong command line.</summary>
    public const int Syntax = 1;

    /// <summary>rsync's code for what is not supported.</summary>
    public const int Unsupported = 4;

    /// <summary>rsync's exit code.</summary>
    public int ExitCode { get; } = exitCode;

    /// <summary>Bytes from the command line, safe to print.</summary>
    public static string Quote(ReadOnlySpan<byte> text) => ByteText.Escape(text);

    /// <summary>Text from the command line, safe to print.</summary>
    public static string Quote(string text) => ByteText.Escape(ByteText.FromArgument(text));
}
