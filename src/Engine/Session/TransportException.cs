namespace NativeSync.Engine;

/// <summary>
/// The session cannot begin or go on: no connection, refused credentials, an unknown host key, an agent that does not start, a cut line.
/// </summary>
public sealed class TransportException : Exception
{
    /// <summary>An error of the transport.</summary>
    /// <param name="exitCode">rsync's exit code for it; see <see cref="ExitCode"/>.</param>
    /// <param name="message">What happened and where, in one line, already escaped, without secrets.</param>
    /// <param name="hint">What to do about it, in one line; empty when there is nothing to say.</param>
    /// <param name="innerException">The cause, for logs only.</param>
    public TransportException(int exitCode, string message, string hint = "", Exception? innerException = null)
        : base(message, innerException)
    {
        ExitCode = exitCode;
        Hint = hint;
    }

    /// <summary>
    /// 255 the connection failed or was lost, 126 and 127 the remote command cannot be run or found, 12 the stream broke off,
    /// 14 a local child process could not be started, 30 a time-out, 35 a time-out while connecting, 1 wrong usage.
    /// </summary>
    public int ExitCode { get; }

    /// <summary>What to do about it; may be empty.</summary>
    public string Hint { get; }

    /// <summary>What a caller needs to know to decide whether waiting may help.</summary>
    public TransportFault Fault { get; init; }

    /// <summary>It is a host to jump through or a proxy that fails; of the server behind it nothing is known then.</summary>
    public bool IsOnTheWay { get; init; }
}

/// <summary>Faults of a transport that trying again does not heal.</summary>
public enum TransportFault
{
    /// <summary>Any other: it may pass.</summary>
    Other,

    /// <summary>The server shows a host key that is not the one it is known by, or is not known.</summary>
    HostKey,

    /// <summary>The server answers, and refuses every key and password.</summary>
    Login,
}
