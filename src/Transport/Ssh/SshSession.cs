using NativeSync.Engine;
using Renci.SshNet;
using Renci.SshNet.Common;

namespace NativeSync.Transport;

/// <summary>A connection to an SSH server, logged in. Safe for use by several threads.</summary>
public sealed class SshSession : IRemoteShell
{
    /// <summary>For saying goodbye. The server's answer takes a round trip, and nothing follows from it.</summary>
    private static readonly TimeSpan CloseGrace = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan CutGrace = TimeSpan.FromSeconds(3);

    private readonly SshClient _client;
    private readonly Session? _session;
    private readonly SshJump? _jump;

    /// <summary>The socket goes to the server and not to a proxy, or a port that is forwarded.</summary>
    private readonly bool _isDirect;
    private readonly TimeSpan _timeout;
    private readonly bool _mindsNoLoss;
    private readonly LinePacer? _pacer;
    private readonly WindowPrimer? _primer;
    private readonly SendTurns _turns = new();
    private int _asked;
    private int _disposed;

    internal SshSession(SshClient client, Session? session, WindowPrimer? primer, SshJump? jump, bool isDirect, string peer, HostKey hostKey, TimeSpan timeout)
    {
        _client = client;
        _session = session;
        _primer = primer;
        _jump = jump;
        _isDirect = isDirect;
        _timeout = timeout;
        Peer = peer;
        HostKey = hostKey.ToString();
        HostKeyFingerprint = hostKey.Fingerprint;
        Tuned = session is not null && SshSocket.Tune(session, out _pacer);
        _mindsNoLoss = session is not null && SshSocket.MindsNoLoss(session);
    }

    /// <summary><c>user@host:port</c>, escaped, for messages.</summary>
    public string Peer { get; }

    /// <summary>The key that the server showed and that was accepted: <c>type base64</c>, fit for <see cref="SshOptions.PinnedHostKey"/>.</summary>
    public string HostKey { get; }

    /// <summary>Its fingerprint, <c>SHA256:…</c>.</summary>
    public string HostKeyFingerprint { get; }

    /// <summary>The cipher towards the server.</summary>
    public string? Cipher => _client.ConnectionInfo.CurrentClientEncryption;

    /// <summary>The key exchange in use.</summary>
    public string? KeyExchange => _client.ConnectionInfo.CurrentKeyExchangeAlgorithm;

    /// <summary>The server's greeting, as it came.</summary>
    public string? ServerVersion => _client.ConnectionInfo.ServerVersion;

    /// <summary>True when the socket's buffers may grow with the line.</summary>
    internal bool Tuned { get; }

    bool IRemoteShell.FillsLine => _mindsNoLoss;

    bool IRemoteShell.IsFull => _pacer is { IsLineFull: true };

    TimeSpan IRemoteShell.RoundTrip => _session is null || !_isDirect ? TimeSpan.Zero : SshSocket.ShortestRoundTrip(_session);

    internal SshClient Client => _client;

    /// <summary>Runs a command by the login shell to its end.</summary>
    /// <param name="command">Text for the login shell.</param>
    /// <param name="stdin">
    /// Its standard input, which the command must read to the end: SSH.NET may say that it has finished after the channel was
    /// closed, and OpenSSH's server then hangs up ("ieof packet referred to nonexistent channel"), whatever else the connection
    /// carries. When empty the command must not read any: SSH.NET cannot send an end of stream then.
    /// </param>
    /// <param name="ct">Abandons the command.</param>
    /// <exception cref="TransportException">The connection is lost, or refuses another channel.</exception>
    public async Task<CommandResult> RunAsync(string command, ReadOnlyMemory<byte> stdin = default, CancellationToken ct = default)
    {
        using MemoryStream? input = stdin.IsEmpty ? null : new MemoryStream(stdin.ToArray(), writable: false);
        ArgumentException.ThrowIfNullOrEmpty(command);
        return await this.RunAsync(RemoteCommand.OfText(command), input, ready: null, Timeout.InfiniteTimeSpan, TimeProvider.System, ct).ConfigureAwait(false);
    }

    /// <summary>Starts a command and gives its standard input and output as a lane. An exit status other than 0 faults the lane.</summary>
    /// <exception cref="TransportException">The connection is lost, or refuses another channel.</exception>
    public async Task<ILane> OpenExecLaneAsync(string command, CancellationToken ct = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(command);
        return await ((IRemoteShell)this).StartAsync(RemoteCommand.OfText(command), statusIsFault: true, ct).ConfigureAwait(false);
    }

    async ValueTask<IExecLane> IRemoteShell.StartAsync(RemoteCommand command, bool statusIsFault, CancellationToken ct)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        Task<SshExecLane>? opening = null;
        try
        {
            // Opening blocks for two round trips; the limit is ours, since SSH.NET's own must be infinite (see SshConnector).
            // Threads of the pool are few: lanes that are opened together would wait for each other.
            opening = Task.Factory.StartNew(() => Open(command.Text, statusIsFault), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            return await opening.WaitAsync(_timeout, ct).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            if (opening is not null)
            {
                _ = DisposeLaterAsync(opening);
            }

            throw e switch
            {
                OperationCanceledException => e,
                TimeoutException => new TransportException(30, $"{Peer} does not answer", "The connection may be dead; run again.", e),
                SshConnectionException or System.Net.Sockets.SocketException => SshErrors.Lost(Peer, e),
                SshException => new TransportException(SshErrors.ConnectionFailed, $"{Peer} refuses to open another channel: {Printable.Line(e.Message)}",
                    "The server's MaxSessions may be reached.", e),
                _ => SshErrors.Lost(Peer, e),
            };
        }
    }

    private SshExecLane Open(string command, bool statusIsFault)
    {
        SshCommand execution = _client.CreateCommand(command);
        bool isFirst = Interlocked.Exchange(ref _asked, 1) == 0;
        if (isFirst && _primer is { HasRoom: true })
        {
            AnswerFiller.Start(_session!);
        }

        try
        {
            Task task = execution.ExecuteAsync(CancellationToken.None);
            if (isFirst && _session is not null && SshSocket.Of(_session) is { } socket)
            {
                // It has been answered since its descriptor blocks.
                SocketPolling.Quiet(socket);
            }

            return new SshExecLane(Peer, execution, task, _turns, statusIsFault);
        }
        catch
        {
            execution.Dispose();
            throw;
        }
    }

    private static async Task DisposeLaterAsync(Task<SshExecLane> opening)
    {
        try
        {
            SshExecLane lane = await opening.ConfigureAwait(false);
            await lane.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception)
        {
            // The failure was reported by whoever waited for it.
        }
    }

    /// <summary>Says goodbye to the server, if it listens, and closes everything. Never hangs.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        _primer?.Stop();

        // SSH.NET waits for its receiving thread, and behind a send that a dead peer does not take.
        Task closing = Task.Factory.StartNew(Close, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        if (await Task.WhenAny(closing, Task.Delay(CloseGrace)).ConfigureAwait(false) != closing)
        {
            SshSocket.Cut(_session);
            await Task.WhenAny(closing, Task.Delay(CutGrace)).ConfigureAwait(false);
        }

        if (_jump is not null)
        {
            await _jump.DisposeAsync().ConfigureAwait(false);
        }
    }

    private void Close()
    {
        try
        {
            _client.Dispose();
        }
        catch (Exception e) when (e is SshException or ObjectDisposedException or System.Net.Sockets.SocketException or InvalidOperationException)
        {
            // It is gone either way.
        }
    }
}
