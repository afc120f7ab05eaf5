using System.Diagnostics;
using System.Globalization;
using System.Text;
using NativeSync.Cli.Options;
using NativeSync.Cli.Startup;
using NativeSync.Engine;
using NativeSync.Engine.Filters;
using NativeSync.Protocol;

namespace NativeSync.Cli;

/// <summary>Why a command failed as a whole: one escaped line, and rsync's exit code for it.</summary>
internal readonly record struct Failure(int ExitCode, string Message)
{
    private const int Protocol = 2, FileIo = 11, Stream = 12, Internal = 13, Memory = 22;

    /// <summary>Set to 1, failures of the program itself show where they happened.</summary>
    private const string DebugVariable = "NATIVESYNC_DEBUG";

    /// <summary>Makes sense of an exception.</summary>
    public static Failure Of(Exception exception, Interruption interruption)
    {
        string debug = Environment.GetEnvironmentVariable(DebugVariable) == "1" ? "\n" + Whereabouts(exception) : "";
        Failure failure = exception switch
        {
            _ when interruption.Signal is { } signal => new Failure(ExitCodes.Interrupted, $"stopped by {signal} (what is complete stays; run it again to go on)"),
            UsageException e => new Failure(e.ExitCode, e.Message),
            FilterException e => new Failure(e.ExitCode, e.Message),
            TransportException e => new Failure(e.ExitCode, e.Hint.Length > 0 ? $"{e.Message} ({e.Hint})" : e.Message),
            SessionException e => new Failure(e.ExitCode, e.Message),
            ProtocolException e => new Failure(Protocol, $"the other side does not speak as it should: {e.Message} (are both sides of one version?)"),
            OperationCanceledException => new Failure(ExitCodes.Interrupted, "cancelled"),
            OutOfMemoryException => new Failure(Memory, "out of memory"),
            IOException or UnauthorizedAccessException => new Failure(exception is EndOfStreamException ? Stream : FileIo, UsageException.Quote(exception.Message)),
            AggregateException { InnerExceptions: [var only] } => Of(only, interruption),
            _ => new Failure(Internal, $"internal error: {exception.GetType().Name}: {UsageException.Quote(exception.Message)} (please report it; {DebugVariable}=1 shows more)"),
        };
        return exception is AggregateException ? failure : failure with { Message = failure.Message + debug };
    }

    /// <summary>What an exception says of itself, and the addresses that it passed: the executable has no names for them, its symbols have.</summary>
    private static string Whereabouts(Exception exception)
    {
        var text = new StringBuilder().Append(exception);
        for (Exception? e = exception; e is not null; e = e.InnerException)
        {
            text.Append("\n").Append(e.GetType().Name).Append(':');
            foreach (StackFrame frame in new StackTrace(e).GetFrames())
            {
                text.Append(" 0x").Append(((ulong)frame.GetNativeIP()).ToString("x", CultureInfo.InvariantCulture));
            }
        }

        return text.ToString();
    }
}
