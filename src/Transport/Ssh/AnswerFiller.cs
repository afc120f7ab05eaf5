using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Renci.SshNet;
using Renci.SshNet.Common;
using Renci.SshNet.Messages.Connection;

namespace NativeSync.Transport;

/// <summary>
/// Saves the round trip that Nagle's rule costs after a login. OpenSSH tells its host keys then, and sends no small packet while one is on its way: its
/// answer to the first request for a channel waits until the keys have been acknowledged. A full packet does not wait. So requests follow which every
/// server has to answer (RFC 4254, 4), as many as fill a packet with their answers: 3 KiB, where the window is primed (<see cref="WindowPrimer"/>).
/// </summary>
internal static class AnswerFiller
{
    /// <summary>Bytes of an answer at least, the cipher's padding and tag included.</summary>
    private const int ShortestAnswer = 28;

    /// <summary>A packet that holds more is of a line that is none.</summary>
    private const int MostAnswers = 200;

    /// <summary>The request for the channel goes first: behind it the answers fill the packet up whenever they come.</summary>
    private static readonly TimeSpan Behind = TimeSpan.FromMilliseconds(2);

    /// <summary>So long small messages are held to go together, at most: keys may just be exchanged, and messages of that not be held up.</summary>
    private static readonly TimeSpan Together = TimeSpan.FromMilliseconds(5);

    /// <summary>Begins; nobody has to wait for it. To be called when the first channel is asked for.</summary>
    public static void Start(Session session)
    {
        if (session.ServerVersion?.Contains("OpenSSH", StringComparison.Ordinal) == true && SshSocket.Of(session) is { } socket)
        {
            _ = FillAsync(session, socket);
        }
    }

    private static async Task FillAsync(Session session, Socket socket)
    {
        try
        {
            TcpInfo info = new();
            if (!info.Read(socket) || info.SegmentSize / ShortestAnswer >= MostAnswers)
            {
                return;
            }

            await Task.Delay(Behind).ConfigureAwait(false);
            Cork(socket, 1);
            using Timer uncork = new(_ => Uncork(socket), null, Together, Timeout.InfiniteTimeSpan);
            try
            {
                for (uint i = 0; i <= info.SegmentSize / ShortestAnswer; i++)
                {
                    SshSocket.Send(session, Request("keepalive@openssh.com"u8.ToArray(), wantReply: true));
                }
            }
            finally
            {
                Uncork(socket);
            }
        }
        catch (Exception e) when (e is SshException or SocketException or ObjectDisposedException or NullReferenceException or MissingMethodException)
        {
            // It has ended (SSH.NET forgets what it has then), which those who use it notice; or another version of the library.
        }
    }

    private static void Uncork(Socket socket)
    {
        try
        {
            Cork(socket, 0);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It has ended.
        }
    }

    private static void Cork(Socket socket, int on) => socket.SetRawSocketOption(LibC.SOL_TCP, LibC.TCP_CORK, BitConverter.GetBytes(on));

    [UnsafeAccessor(UnsafeAccessorKind.Constructor)]
    private static extern GlobalRequestMessage Request(byte[] name, bool wantReply);
}
