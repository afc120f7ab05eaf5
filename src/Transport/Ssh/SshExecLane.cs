using Renci.SshNet;
using Renci.SshNet.Common;
using NativeSync.Engine;

namespace NativeSync.Transport;

/// <summary>A lane over one exec channel of SSH.NET.</summary>
/// <remarks>
/// SSH.NET receives without limit (its window is 2 GiB and its buffer grows), so only the protocol's credits bound memory here.
/// It reads a dropped connection as a clean end: what the command's task says decides.
/// </remarks>
internal sealed class SshExecLane : PumpedLane, IExecLane
{
    private static readonly TimeSpan TaskGrace = TimeSpan.FromSeconds(2);

    /// <summary>What is sent in one turn: OpenSSH's largest packet.</summary>
    private const int Piece = 32 * 1024;

    /// <summary>
    /// What is no more than this waits for no other lane's megabytes: a new lane's first words, and what a lane that has nothing else to send says of what
    /// has arrived, or as a sign of life.
    /// </summary>
    private const int Small = 2 * 1024;

    private readonly string _peer;
    private readonly SshCommand _command;
    private readonly Task _execution;
    private readonly Stream _input;
    private readonly SendTurns _turns;
    private readonly SendTurns.Turn _turn = new();
    private readonly SshWindow _window;
    private readonly bool _statusIsFault;
    private readonly DiagnosticTail _diagnostics = new();
    private readonly byte[] _diagnosticBuffer = new byte[4096];

    /// <param name="peer">For messages.</param>
    /// <param name="command">A command that is being executed; the lane owns it.</param>
    /// <param name="execution">Its task.</param>
    /// <param name="turns">Of the connection.</param>
    /// <param name="statusIsFault">An exit status other than 0 faults the input.</param>
    public SshExecLane(string peer, SshCommand command, Task execution, SendTurns turns, bool statusIsFault)
    {
        _peer = peer;
        _command = command;
        _execution = execution;
        _turns = turns;
        _statusIsFault = statusIsFault;
        _input = OpenInput(command);
        _window = new SshWindow(command);
        Start("ssh " + peer);
    }

    public int? ExitCode => _execution.IsCompletedSuccessfully ? _command.ExitStatus : null;

    public string? DiagnosticText => _diagnostics.Text();

    public string RawDiagnostics => _diagnostics.Raw();

    /// <inheritdoc cref="SshWindow.Room"/>
    internal uint Room => _window.Room;

    protected override bool EndOfInputEndsOutput => true;

    protected override bool MoreIsReady => _command.OutputStream.Length > 0;

    protected override int ReadSome(Span<byte> into)
    {
        int count = _command.OutputStream.Read(into);
        DrainDiagnostics();
        return count;
    }

    protected override void WriteAll(byte[] buffer, int offset, int count)
    {
        bool isSmall = count <= Small, isOurTurn = false;
        try
        {
            for (int written = 0, piece; written < count; written += piece)
            {
                piece = Math.Min(count - written, Piece);
                if (_window.Room >= piece)
                {
                    Take(isSmall ? 0 : WaitsSince(written));
                }
                else
                {
                    GiveUp(); // waits for the peer, which is not to hold up the others
                }

                // A closed channel swallows what is written: the reading side tells why it closed.
                _input.Write(buffer, offset + written, piece);
            }
        }
        finally
        {
            GiveUp();
        }

        void Take(long since)
        {
            if (isOurTurn)
            {
                _turns.Again(_turn, since);
            }
            else
            {
                _turns.Enter(_turn, since);
                isOurTurn = true;
            }
        }

        void GiveUp()
        {
            if (isOurTurn)
            {
                isOurTurn = false;
                _turns.Leave();
            }
        }
    }

    protected override void EndOfOutput()
    {
        // SSH.NET forgets the end of the stream when nothing was written, and throws when the channel is closed already.
        try
        {
            _input.Dispose();
        }
        catch (Exception e) when (e is InvalidOperationException or SshException)
        {
        }
    }

    protected override TransportException? EndOfInput()
    {
        DrainDiagnostics();
        try
        {
            if (!_execution.Wait(TaskGrace))
            {
                return SshErrors.Lost(_peer, null);
            }
        }
        catch (AggregateException e)
        {
            return SshErrors.Lost(_peer, e.InnerException);
        }

        if (_command.ExitStatus is { } status && (status == 0 || !_statusIsFault))
        {
            return null;
        }

        return SshErrors.Ended(_peer, _command.ExitStatus, _command.ExitSignal, RawDiagnostics);
    }

    protected override TransportException Translate(Exception error) => SshErrors.Lost(_peer, error);

    protected override ValueTask AbandonAsync()
    {
        // Closing sends two messages and waits up to a second for the answer, a round trip that nobody has anything of: it goes on alone.
        // Threads of the pool are few: lanes that close together would wait for each other, and the end of the session for them.
        try
        {
            _ = Task.Factory.StartNew(Close, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }
        catch (Exception e) when (e is OutOfMemoryException or TaskSchedulerException)
        {
            // There is no thread to be had.
            _ = Task.Run(Close);
        }

        _ = _execution.ContinueWith(static t => _ = t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        return ValueTask.CompletedTask;

        void Close()
        {
            try
            {
                _command.Dispose();
            }
            catch (Exception e) when (e is SshException or InvalidOperationException or System.Net.Sockets.SocketException or NullReferenceException)
            {
                // The connection is gone, which closes the channel as well.
            }
            finally
            {
                // Where closing failed SSH.NET leaves it open, and the reading thread would wait for ever.
                _command.OutputStream.Dispose();
            }
        }
    }

    /// <summary>A short command may be over already: what it said can be read all the same, and nobody is left to write to.</summary>
    private static Stream OpenInput(SshCommand command)
    {
        try
        {
            return command.CreateInputStream();
        }
        catch (InvalidOperationException)
        {
            return Stream.Null;
        }
    }

    private void DrainDiagnostics()
    {
        Stream errors = _command.ExtendedOutputStream;
        while (errors.Length > 0)
        {
            int count = errors.Read(_diagnosticBuffer, 0, _diagnosticBuffer.Length);
            if (count == 0)
            {
                return;
            }

            _diagnostics.Append(_diagnosticBuffer.AsSpan(0, count));
        }
    }
}
