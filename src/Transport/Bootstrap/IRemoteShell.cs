using System.Text;
using NativeSync.Engine;

namespace NativeSync.Transport;

/// <summary>A lane to a remote command whose end can be looked at.</summary>
internal interface IExecLane : ILane
{
    /// <summary>The command's exit status once it is known.</summary>
    int? ExitCode { get; }

    /// <summary>Tail of its standard error, escaped; null when it wrote nothing.</summary>
    string? DiagnosticText { get; }

    /// <summary>The same as it came.</summary>
    string RawDiagnostics { get; }

    /// <summary>Bytes that the line has taken and brought so far.</summary>
    long BytesMoved { get; }

    /// <summary>Completes after the end of its output, when the exit status is known if it ever will be.</summary>
    Task Ended { get; }
}

/// <summary>What the bootstrap needs of a way to a remote machine: running commands by its login shell.</summary>
internal interface IRemoteShell : IAsyncDisposable
{
    string Peer { get; }

    /// <summary>What is sent over it fills a line that loses packets, too: nothing is gained by another connection beside it.</summary>
    bool FillsLine => false;

    /// <summary>What is sent over it waited in a queue on the way a moment ago.</summary>
    bool IsFull => false;

    /// <inheritdoc cref="IConnection.RoundTrip"/>
    TimeSpan RoundTrip => TimeSpan.Zero;

    /// <summary>Starts a command and gives its standard input and output.</summary>
    /// <param name="command">What to run.</param>
    /// <param name="statusIsFault">An exit status other than 0 faults the lane's input.</param>
    ValueTask<IExecLane> StartAsync(RemoteCommand command, bool statusIsFault, CancellationToken ct);

    /// <summary>Called when nothing there could read a script: true when scripts are handed over in another way from now on.</summary>
    bool TryAnotherWay() => false;
}

/// <summary>A remote command, in the forms that different ways to a machine need.</summary>
/// <param name="Text">For a login shell.</param>
/// <param name="Words">The same as separate words, for programs that run them without a shell.</param>
/// <param name="Script">When it is a script for a POSIX shell: the script itself, in one line.</param>
internal sealed record RemoteCommand(string Text, IReadOnlyList<string> Words, string? Script = null)
{
    /// <summary>Text for the login shell and nothing else.</summary>
    public static RemoteCommand OfText(string text) => new(text, [text]);
}

/// <summary>What a remote command did.</summary>
/// <param name="ExitCode">Its exit status; null when it was killed.</param>
/// <param name="Output">Its standard output.</param>
/// <param name="Error">The tail of its standard error, as it came.</param>
public sealed record CommandResult(int? ExitCode, byte[] Output, string Error)
{
    /// <summary>The standard output as text, as it came.</summary>
    public string OutputText => Encoding.UTF8.GetString(Output);
}
