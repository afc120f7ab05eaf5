using NativeSync.Protocol;

namespace NativeSync.Engine;

/// <summary>How a synchronisation ended.</summary>
public sealed record SyncReport
{
    /// <summary>rsync's exit code: 0, 23 (something was not transferred), 24 (source files vanished), 25 (deletion limit).</summary>
    public required int ExitCode { get; init; }

    /// <summary>The counts of both sides together.</summary>
    public required Statistics Statistics { get; init; }

    /// <summary>Bytes written to the wire by this process, framing included.</summary>
    public long BytesSent { get; init; }

    /// <summary>Bytes read from the wire by this process.</summary>
    public long BytesReceived { get; init; }

    /// <summary>From the first byte of the session to the last.</summary>
    public TimeSpan Elapsed { get; init; }

    /// <summary>The first thousand problems; <see cref="ProblemCount"/> counts all.</summary>
    public IReadOnlyList<SyncProblem> Problems { get; init; } = [];

    /// <summary>How many problems there were, warnings included.</summary>
    public long ProblemCount { get; init; }

    /// <summary>This report with what an earlier pass over the same tree did added; the problems are those of this one.</summary>
    public SyncReport Behind(SyncReport earlier)
    {
        ArgumentNullException.ThrowIfNull(earlier);
        Statistics.AddWork(earlier.Statistics);
        return this with
        {
            BytesSent = BytesSent + earlier.BytesSent,
            BytesReceived = BytesReceived + earlier.BytesReceived,
            Elapsed = Elapsed + earlier.Elapsed,
        };
    }
}

/// <summary>The session as a whole failed; what had been transferred stays, and running again continues.</summary>
public sealed class SessionException : Exception
{
    /// <summary>A failure of the session.</summary>
    /// <param name="exitCode">rsync's exit code for it.</param>
    /// <param name="message">What happened and where, in one escaped line.</param>
    /// <param name="innerException">The cause, for logs only.</param>
    public SessionException(int exitCode, string message, Exception? innerException = null)
        : base(message, innerException) => ExitCode = exitCode;

    /// <summary>rsync's exit code: 2 protocol, 3 file selection, 11 file I/O, 12 stream, 30 time-out ...</summary>
    public int ExitCode { get; }
}

/// <summary>rsync's exit codes, as far as the engine gives them.</summary>
public static class ExitCodes
{
    /// <summary>All went well.</summary>
    public const int Ok = 0;

    /// <summary>An option or rule cannot be understood.</summary>
    public const int Syntax = 1;

    /// <summary>The other end speaks another protocol, or nonsense.</summary>
    public const int Protocol = 2;

    /// <summary>The input or output files or directories cannot be selected.</summary>
    public const int FileSelection = 3;

    /// <summary>File input or output failed.</summary>
    public const int FileIo = 11;

    /// <summary>The stream to the other end broke.</summary>
    public const int Stream = 12;

    /// <summary>Ended by a signal or by the caller.</summary>
    public const int Interrupted = 20;

    /// <summary>Some files or attributes were not transferred.</summary>
    public const int Partial = 23;

    /// <summary>Some source files vanished before they could be sent.</summary>
    public const int Vanished = 24;

    /// <summary>The deletion limit stopped deletions.</summary>
    public const int DeleteLimit = 25;

    /// <summary>Nothing was heard from the other end for too long.</summary>
    public const int Timeout = 30;
}
