using System.Text;
using NativeSync.Cli.Options;

namespace NativeSync.Cli.Output;

/// <summary>
/// Standard output, standard error and the one line of progress between them, used by any number of threads. A stream whose reader has
/// gone is silently given up: a transfer goes on when <c>head</c> has seen enough.
/// </summary>
internal sealed class Screen : IDisposable
{
    /// <summary>Output is gathered up to this size and flushed ten times a second.</summary>
    private const int BufferSize = 16 * 1024;

    private static readonly TimeSpan FlushInterval = TimeSpan.FromMilliseconds(100);

    private readonly Lock _gate = new();
    private readonly Stream _out;
    private readonly Stream _error;
    private readonly StringBuilder _pending = new();
    private readonly ITimer _timer;
    private readonly bool _statusOnOut;
    private readonly OutBuffer _buffer;
    private string _status = "";
    private bool _statusShown;
    private bool _outGone, _errorGone;

    /// <summary>A screen over two streams; <paramref name="statusOnOut"/> puts the line of progress on standard output.</summary>
    public Screen(Streams streams, TimeProvider clock, bool statusOnOut = false, OutBuffer buffer = OutBuffer.Default)
    {
        _out = streams.Out;
        _error = streams.Error;
        _statusOnOut = statusOnOut;
        _buffer = buffer;

        // The first write takes a descriptor: now, while there are some.
        Send(_out, "", ref _outGone);
        Send(_error, "", ref _errorGone);
        _timer = clock.CreateTimer(_ => Tick(), null, FlushInterval, FlushInterval);
    }

    /// <summary>Adds text to standard output.</summary>
    public void Write(string text)
    {
        lock (_gate)
        {
            _pending.Append(text);
            if (_pending.Length >= BufferSize || _buffer == OutBuffer.Line)
            {
                FlushHeld();
            }
        }
    }

    /// <summary>Adds one line to standard output.</summary>
    public void WriteLine(string line)
    {
        lock (_gate)
        {
            _pending.Append(line).Append('\n');
            if (_pending.Length >= BufferSize || _buffer == OutBuffer.Line)
            {
                FlushHeld();
            }
        }
    }

    /// <summary>Writes one line to standard error, after everything that was given to standard output before.</summary>
    public void WriteError(string line)
    {
        lock (_gate)
        {
            FlushHeld();
            ClearStatus();
            Send(_error, line + "\n", ref _errorGone);
        }
    }

    /// <summary>Sets the line of progress; it is drawn at the next flush. Empty takes it away.</summary>
    public void SetStatus(string text)
    {
        lock (_gate)
        {
            _status = text;
        }
    }

    /// <summary>Takes the line of progress away, or with <paramref name="keep"/> leaves it for good, and flushes.</summary>
    public void EndStatus(bool keep)
    {
        lock (_gate)
        {
            FlushHeld();
            if (keep)
            {
                DrawStatus();
                if (_statusShown)
                {
                    SendStatus("\n");
                    _statusShown = false;
                }
            }
            else
            {
                ClearStatus();
            }

            _status = "";
        }
    }

    /// <summary>Writes what is pending and draws the line of progress.</summary>
    public void Flush()
    {
        lock (_gate)
        {
            FlushHeld();
            DrawStatus();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _timer.Dispose();
        EndStatus(keep: false);
    }

    private void Tick()
    {
        if (_buffer != OutBuffer.Block || _status.Length > 0)
        {
            Flush();
        }
    }

    private void FlushHeld()
    {
        if (_pending.Length == 0)
        {
            return;
        }

        ClearStatus();
        Send(_out, _pending.ToString(), ref _outGone);
        _pending.Clear();
    }

    private void DrawStatus()
    {
        if (_status.Length > 0)
        {
            SendStatus(_statusOnOut ? "\r" + _status : "\r" + _status + "\u001b[K");
            _statusShown = true;
        }
    }

    private void ClearStatus()
    {
        if (_statusShown)
        {
            SendStatus(_statusOnOut ? "\n" : "\r\u001b[K");
            _statusShown = false;
        }
    }

    private void SendStatus(string text)
    {
        if (_statusOnOut)
        {
            Send(_out, text, ref _outGone);
        }
        else
        {
            Send(_error, text, ref _errorGone);
        }
    }

    private static void Send(Stream stream, string text, ref bool gone)
    {
        if (gone)
        {
            return;
        }

        try
        {
            stream.Write(NameText.Encode(text));
            stream.Flush();
        }
        catch (IOException)
        {
            gone = true;
        }
        catch (UnauthorizedAccessException)
        {
            gone = true; // closed by whoever started us
        }
    }
}
