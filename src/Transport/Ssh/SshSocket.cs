using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Renci.SshNet;
using Renci.SshNet.Messages;

namespace NativeSync.Transport;

/// <summary>
/// The socket under an SSH.NET session (2026.0.0), reached where the library has no way to it.
/// </summary>
/// <remarks>
/// SSH.NET fixes both socket buffers at 669 KiB or less. That switches off the kernel's own tuning, and a line of
/// 500 Mbit/s and 60 ms needs 3.75 MB under way.
/// </remarks>
internal static class SshSocket
{
    /// <summary>Enough for 400 Mbit/s at 200 ms, which the kernel's own tuning (4 MiB to send, as it comes) is not; the kernel doubles it.</summary>
    private const int ForcedBufferSize = 8 * 1024 * 1024;

    /// <summary>
    /// What the kernel has not sent yet waits here and not there, up to so little: the channels share the line from the start, and one that is opened
    /// while others send does not wait behind megabytes of theirs. 4 ms of 500 Mbit/s.
    /// </summary>
    private const int MostUnsent = 256 * 1024;

    /// <summary>
    /// Forces a large buffer to send from (root), where little is under way anyway without a need; gives the tuning back to the kernel otherwise, and
    /// of the other buffer (Linux 5.14), or forces that, too. False when nothing was possible: slower on long lines, otherwise harmless.
    /// </summary>
    public static bool Tune(Session session, out LinePacer? pacer)
    {
        pacer = null;
        if (Of(session) is not { } socket)
        {
            return false;
        }

        MakeBlocking(socket);
        NoticeDeath(socket);
        pacer = new LinePacer();
        _ = pacer.WatchAsync(socket);
        _ = TrySet(socket, LibC.SOL_TCP, LibC.TCP_NOTSENT_LOWAT, MostUnsent);
        bool isTuned = TrySet(socket, LibC.SOL_SOCKET, LibC.SO_BUF_LOCK, 0);
        return TrySet(socket, LibC.SOL_SOCKET, LibC.SO_SNDBUFFORCE, ForcedBufferSize) && !isTuned ? TrySet(socket, LibC.SOL_SOCKET, LibC.SO_RCVBUFFORCE, ForcedBufferSize) : isTuned;
    }

    private static bool TrySet(Socket socket, int level, int option, int value)
    {
        try
        {
            socket.SetRawSocketOption(level, option, BitConverter.GetBytes(value));
            return true;
        }
        catch (SocketException)
        {
            // An older kernel, or not root.
            return false;
        }
    }

    /// <summary>
    /// The kernel asks a peer that is silent whether it is there: a session of ours has its own keep-alive, but a command that runs for long (the steps
    /// of a migration) would wait for ever for a line that has died.
    /// </summary>
    private static void NoticeDeath(Socket socket)
    {
        const int idleSeconds = 60, betweenSeconds = 15, probes = 8;
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, idleSeconds);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, betweenSeconds);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, probes);
        }
        catch (SocketException)
        {
            // Then it is noticed when something is sent.
        }
    }

    /// <summary>
    /// SSH.NET connects asynchronously, which leaves the descriptor non-blocking: every receive that has to wait then goes
    /// through the runtime's polling thread, one more switch for each packet. Receiving and sending have threads of their own
    /// that may block in the kernel.
    /// </summary>
    public static void MakeBlocking(Socket socket)
    {
        bool isHeld = false;
        try
        {
            // A server may hang up right after the login: until the end the number is this socket's, whoever closes it meanwhile.
            socket.SafeHandle.DangerousAddRef(ref isHeld);
            int fd = (int)socket.SafeHandle.DangerousGetHandle();
            int flags = LibC.fcntl(fd, LibC.F_GETFL, 0);
            if (flags >= 0)
            {
                _ = LibC.fcntl(fd, LibC.F_SETFL, flags & ~LibC.O_NONBLOCK);
            }
        }
        catch (ObjectDisposedException)
        {
            // It is closed, which who uses it notices.
        }
        finally
        {
            if (isHeld)
            {
                socket.SafeHandle.DangerousRelease();
            }
        }
    }

    /// <summary>
    /// Whether one connection fills a line that loses packets: bbr looks at what comes through, the others take any loss for a line that is full, and
    /// are better off with more connections.
    /// </summary>
    public static bool MindsNoLoss(Session session)
    {
        try
        {
            Span<byte> name = stackalloc byte[16];
            return Of(session) is { } socket && socket.GetRawSocketOption(LibC.SOL_TCP, LibC.TCP_CONGESTION, name) >= 3 && name.StartsWith("bbr"u8);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }

    /// <summary>What the kernel has seen, since the connection began; zero where it does not say.</summary>
    public static TimeSpan ShortestRoundTrip(Session session)
    {
        try
        {
            TcpInfo info = new();
            return Of(session) is { } socket && info.Read(socket) ? TimeSpan.FromMicroseconds(info.ShortestRoundTrip) : TimeSpan.Zero;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return TimeSpan.Zero;
        }
    }

    /// <summary>Ends the connection at once: whoever is blocked in sending or receiving wakes.</summary>
    public static void Cut(Session? session)
    {
        try
        {
            if (session is not null && Of(session) is { } socket)
            {
                try
                {
                    socket.Shutdown(SocketShutdown.Both);
                }
                finally
                {
                    // Who was interrupted with a part sent waits for the runtime then, and not for the kernel.
                    socket.Dispose();
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Gone already.
        }
    }

    /// <summary>Sends a message of the transport, behind those under way.</summary>
    /// <exception cref="MissingMethodException">Another version of the library.</exception>
    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "SendMessage")]
    public static extern void Send(Session session, Message message);

    /// <summary>Null with another version of the library.</summary>
    public static Socket? Of(Session session)
    {
        try
        {
            return SocketField(session);
        }
        catch (MissingFieldException)
        {
            // Another version of the library.
            return null;
        }
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_socket")]
    private static extern ref Socket? SocketField(Session session);
}
