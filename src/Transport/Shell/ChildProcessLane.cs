using System.ComponentModel;
using System.Diagnostics;
using System.IO.Pipes;
using System.Runtime.InteropServices;
using NativeSync.Engine;

namespace NativeSync.Transport;

/// <summary>A lane over the standard input and output of a child process, which it owns.</summary>
internal sealed class ChildProcessLane : PumpedLane, IExecLane
{
    /// <summary>Larger pipes mean fewer switches between the processes. The usual limit for ordinary users.</summary>
    private const int PipeSize = 1024 * 1024;

    private static readonly TimeSpan ExitGrace = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan KillGrace = TimeSpan.FromMilliseconds(500);

    private readonly string _peer;
    private readonly Process _process;
    private readonly Stream _stdin;
    private readonly Stream _stdout;
    private readonly bool _statusIsFault;
    private readonly DiagnosticTail _diagnostics = new();
    private readonly Thread _errorReader;
    private int? _exitCode;

    private ChildProcessLane(Process process, string peer, bool statusIsFault)
    {
        _process = process;
        _peer = peer;
        _statusIsFault = statusIsFault;
        _stdin = process.StandardInput.BaseStream;
        _stdout = process.StandardOutput.BaseStream;
        Enlarge(_stdin);
        Enlarge(_stdout);
        _errorReader = new Thread(ReadErrors, 256 * 1024) { IsBackground = true, Name = peer + " errors" };
        _errorReader.Start();
        Start(peer);
    }

    /// <summary>Starts a program.</summary>
    /// <exception cref="TransportException">It does not exist or cannot be run; exit code 14, as rsync.</exception>
    public static ChildProcessLane Launch(IReadOnlyList<string> argv, string peer, bool statusIsFault)
    {
        var start = new ProcessStartInfo(argv[0], argv.Skip(1))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        try
        {
            return new ChildProcessLane(Process.Start(start)!, peer, statusIsFault);
        }
        catch (Win32Exception e)
        {
            throw new TransportException(14, $"{Printable.Line(argv[0])} cannot be run: {Marshal.GetPInvokeErrorMessage(e.NativeErrorCode)} ({e.NativeErrorCode})",
                "Check the command given with -e, or leave it out: NativeSync speaks SSH itself.", e);
        }
    }

    public int? ExitCode => _exitCode;

    public string? DiagnosticText => _diagnostics.Text();

    public string RawDiagnostics => _diagnostics.Raw();

    protected override int ReadSome(Span<byte> into) => _stdout.Read(into);

    protected override void WriteAll(byte[] buffer, int offset, int count) => _stdin.Write(buffer, offset, count);

    protected override void EndOfOutput() => _stdin.Dispose();

    protected override void ReleaseOutput()
    {
        try
        {
            _stdin.Dispose();
        }
        catch (IOException)
        {
            // The child went first.
        }
    }

    protected override TransportException? EndOfInput()
    {
        if (!_process.WaitForExit(ExitGrace))
        {
            // It closed its output and lives on: an end all the same.
            return null;
        }

        _errorReader.Join(KillGrace);
        _exitCode = _process.ExitCode;
        return _exitCode == 0 || !_statusIsFault ? null : SshErrors.Ended(_peer, _exitCode, null, RawDiagnostics);
    }

    protected override TransportException Translate(Exception error)
    {
        // Usually a broken pipe: why the child went is in its exit status, which the reading thread reports.
        return SshErrors.Lost(_peer, error);
    }

    protected override async ValueTask AbandonAsync()
    {
        using var limit = new CancellationTokenSource(KillGrace);
        try
        {
            await _process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            Kill();
        }

        // The threads wake with the child's end of the pipes closed. Process.Dispose would close ours under them.
        await Task.WhenAny(Ended, Task.Delay(KillGrace)).ConfigureAwait(false);
    }

    private void Kill()
    {
        try
        {
            _process.Kill();
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception)
        {
            // It has just ended.
        }
    }

    private void ReadErrors()
    {
        byte[] buffer = new byte[4096];
        try
        {
            Stream errors = _process.StandardError.BaseStream;
            while (errors.Read(buffer, 0, buffer.Length) is > 0 and int count)
            {
                _diagnostics.Append(buffer.AsSpan(0, count));
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // Nothing more will come.
        }
    }

    private static void Enlarge(Stream stream)
    {
        if (stream is PipeStream pipe)
        {
            _ = LibC.fcntl((int)pipe.SafePipeHandle.DangerousGetHandle(), LibC.F_SETPIPE_SZ, PipeSize);
        }
    }
}
