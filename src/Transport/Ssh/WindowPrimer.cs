using System.Net.Sockets;
using Renci.SshNet;
using Renci.SshNet.Common;
using Renci.SshNet.Messages.Transport;

namespace NativeSync.Transport;

/// <summary>
/// Opens TCP's congestion window while logging in. A login is a handful of small questions, each of which takes a round trip for its answer, and
/// TCP has to begin afterwards with ten packets a round trip: a line of 200 Mbit/s and 200 ms is full after eight more. So what the window
/// lets go meanwhile is used for messages which a server has to ignore (RFC 4253, 11.2), and the window doubles each round trip. A question
/// always finds room in the window, and no more before it that the kernel has not sent than two packets, or than go in some milliseconds; on a thin
/// line, which is found out by its queue, also those of the first window.
/// </summary>
internal sealed class WindowPrimer
{
    /// <summary>Microseconds. On a shorter line TCP takes less than a quarter of a second.</summary>
    private const uint ShortestLine = 40_000;

    /// <summary>
    /// Sent for nothing at most, by the round trip: what 20 Mbit/s carry in one. What is left until a line is full is then three round trips for
    /// 200 Mbit/s, and each would take as much again as all before it.
    /// </summary>
    private const double BytesPerMicrosecond = 2.5;

    private const long MostBytes = 512 * 1024;

    /// <summary>Packets of the window that are left for the login.</summary>
    private const int Reserve = 2;

    /// <summary>Packets that go at once in any case: what a question waits for at most.</summary>
    private const int AtOnce = 2;

    /// <summary>Microseconds that a question may wait as well: a timer of a millisecond comes every four where there is much else to do.</summary>
    private const long MostWaiting = 5_000;

    /// <summary>More than this many packets unsent are not ours: who sends has begun.</summary>
    private const int Begun = 8;

    /// <summary>What a message is longer than its contents at most (CTR with a MAC of 64 bytes): two packets are not to become three.</summary>
    private const int Overhead = 112;

    /// <summary>Contents of a message at most; servers have to take 32,768 bytes.</summary>
    private const int LongestMessage = 30_000;

    /// <summary>Round trips for which a queue may be seen: what shows it has a sample a round trip. Nothing is sent meanwhile.</summary>
    private const int Patience = 3;

    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(1);

    /// <summary>A login at which a person is asked takes longer; the window has closed again then.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(15);

    private readonly Session _session;
    private readonly Socket _socket;
    private readonly TcpInfo _info = new();
    private long _left;
    private long _queuedAt;
    private volatile bool _stopped;

    private WindowPrimer(Session session, Socket socket)
    {
        _session = session;
        _socket = socket;
    }

    /// <summary>Begins, on a session whose keys have been exchanged. Null where the line is too short, or nothing is known of it.</summary>
    public static WindowPrimer? Start(Session session)
    {
        try
        {
            if (SshSocket.Of(session) is not { } socket || session.ConnectionInfo.CurrentClientCompressionAlgorithm is { Length: > 0 } and not "none")
            {
                return null;
            }

            WindowPrimer primer = new(session, socket);
            if (!primer._info.Read(socket) || primer._info.ShortestRoundTrip < ShortestLine)
            {
                return null;
            }

            primer._left = Math.Min(MostBytes, (long)(primer._info.ShortestRoundTrip * BytesPerMicrosecond));
            _ = primer.RunAsync();
            return primer;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return null;
        }
    }

    /// <summary>No queue was seen: the line holds more than what was sent.</summary>
    public bool HasRoom => Volatile.Read(ref _queuedAt) == 0;

    /// <summary>Sends no more.</summary>
    public void Stop() => _stopped = true;

    private async Task RunAsync()
    {
        long began = Environment.TickCount64;
        using PeriodicTimer timer = new(Period);
        try
        {
            while (await timer.WaitForNextTickAsync().ConfigureAwait(false) && !_stopped && Fill() && Environment.TickCount64 - began < Longest.TotalMilliseconds)
            {
            }
        }
        catch (Exception e) when (e is SshException or SocketException or ObjectDisposedException or NullReferenceException or MissingMethodException)
        {
            // It has ended (SSH.NET forgets what it has then, under whoever sends), which those who use it notice; or another version of the library.
        }
    }

    /// <summary>Sends a packet or two if there is room. False when it has been enough, or the line shows that it holds no more.</summary>
    private bool Fill()
    {
        if (!_info.Read(_socket) || _info.Unsent > Begun * _info.SegmentSize || _info.SentAgain > 0)
        {
            return false;
        }

        if (_info.RoundTrip > _info.ShortestRoundTrip + _info.ShortestRoundTrip / 4)
        {
            _queuedAt = _queuedAt == 0 ? Environment.TickCount64 : _queuedAt;
            return Environment.TickCount64 - _queuedAt < Patience * _info.ShortestRoundTrip / 1000;
        }

        _queuedAt = 0;
        long soon = (long)Math.Min(_info.PacingRate, uint.MaxValue) * MostWaiting / 1_000_000 / _info.SegmentSize;
        long room = _info.Unsent > 0 ? 0 : Math.Min(_info.Window - (long)_info.Unacknowledged - Reserve, Math.Clamp(soon, AtOnce, Begun));
        if (room > 0)
        {
            byte[] nothing = new byte[Math.Clamp(room * _info.SegmentSize - Overhead, 0, LongestMessage)];
            SshSocket.Send(_session, new IgnoreMessage(nothing));
            _left -= nothing.Length + Overhead;
        }

        return _left > 0;
    }
}
