using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace NativeSync.Transport;

/// <summary>
/// Quiets the runtime's polling of a socket. It goes on with one that it has once waited for: each packet wakes its polling thread and one of the pool, for
/// nothing where the threads that send and receive block in the kernel.
/// </summary>
internal static class SocketPolling
{
    private const string EventPoll = "anon_inode:[eventpoll]";

    /// <summary>
    /// Leaves only errors and the end to the polling. These it has to tell: a send that an error interrupts when a part has gone waits for it.
    /// </summary>
    /// <param name="socket">One whose descriptor blocks and that nobody waits for: a receive that began before would not be woken any more.</param>
    public static void Quiet(Socket socket)
    {
        bool isHeld = false;
        try
        {
            // Until the end the number is this socket's, whoever closes it meanwhile.
            socket.SafeHandle.DangerousAddRef(ref isHeld);
            int fd = (int)socket.SafeHandle.DangerousGetHandle();

            // The runtime keeps its epoll descriptors to itself, and what it wants to be told of the socket by.
            foreach (string entry in Directory.EnumerateFileSystemEntries("/proc/self/fd"))
            {
                if (new FileInfo(entry).LinkTarget == EventPoll && int.TryParse(Path.GetFileName(entry), NumberStyles.None, CultureInfo.InvariantCulture, out int epoll)
                    && DataOf(fd, epoll) is { } data)
                {
                    Modify(epoll, fd, data);
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ObjectDisposedException)
        {
            // No /proc: slower, otherwise harmless. Or it is closed already.
        }
        finally
        {
            if (isHeld)
            {
                socket.SafeHandle.DangerousRelease();
            }
        }
    }

    /// <summary>What an epoll descriptor says when there is something of another descriptor; null where it does not watch that: <c>tfd: 7 events: 80002005 data: 2a …</c>.</summary>
    private static ulong? DataOf(int fd, int epoll)
    {
        foreach (string line in File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fdinfo/{epoll}")))
        {
            string[] words = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (words is ["tfd:", var watched, "events:", _, "data:", var data, ..] && int.TryParse(watched, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number == fd
                && ulong.TryParse(data, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong value))
            {
                return value;
            }
        }

        return null;
    }

    /// <summary>No event is asked for: the kernel tells errors and the end all the same.</summary>
    private static unsafe void Modify(int epoll, int fd, ulong data)
    {
        // struct epoll_event is packed on x86-64 alone.
        const int most = 16;
        int at = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? sizeof(uint) : sizeof(ulong);
        byte* watch = stackalloc byte[most];
        new Span<byte>(watch, most).Clear();
        *(uint*)watch = LibC.EPOLLET;
        *(ulong*)(watch + at) = data;
        _ = LibC.epoll_ctl(epoll, LibC.EPOLL_CTL_MOD, fd, watch);
    }
}
