using System.Runtime.InteropServices;

namespace NativeSync.Transport;

/// <summary>
/// Unix sockets with a name in the kernel instead of in a file system (unix(7), "abstract"), which carry descriptors. Nothing has to be
/// cleaned up, whatever kills the process; who may connect is decided by the user of the other end, which the kernel tells.
/// </summary>
internal static unsafe partial class UnixSocket
{
    private const int AF_UNIX = 1;
    private const int SOCK_STREAM_CLOEXEC = 1 | 0x80000;
    private const int SO_PEERCRED = 17;
    private const int SO_RCVTIMEO = 20;
    private const int SCM_RIGHTS = 1;
    private const int SHUT_RDWR = 2;
    private const int MSG_NOSIGNAL = 0x4000;
    private const int MSG_CMSG_CLOEXEC = 0x40000000;
    private const int ECONNABORTED = 103;
    private const int ControlHeader = 16; // CMSG_LEN(0) on 64 bits

    /// <summary>A socket that listens under a name; negative when there is none to be had.</summary>
    public static int Listen(ReadOnlySpan<byte> name) => Open(name, listen: true);

    /// <summary>A socket that is connected to who listens under a name; negative when nobody does.</summary>
    public static int Connect(ReadOnlySpan<byte> name) => Open(name, listen: false);

    /// <summary>The next connection; negative when the socket was stopped, or no handle is left. A caller that went away meanwhile is passed over.</summary>
    public static int Accept(int fd)
    {
        while (true)
        {
            int accepted = accept(fd, null, null);
            if (accepted >= 0 || Marshal.GetLastPInvokeError() is not (LibC.EINTR or ECONNABORTED))
            {
                return accepted;
            }
        }
    }

    /// <summary>Wakes who waits in <see cref="Accept"/> or reads, for good.</summary>
    public static void Stop(int fd) => _ = shutdown(fd, SHUT_RDWR);

    /// <summary>The other end belongs to the user that we run as.</summary>
    public static bool IsOurs(int fd)
    {
        Span<uint> credentials = stackalloc uint[3];
        uint length = 12;
        fixed (uint* p = credentials)
        {
            return getsockopt(fd, LibC.SOL_SOCKET, SO_PEERCRED, p, &length) == 0 && credentials[1] == LibC.geteuid();
        }
    }

    /// <summary>Reads wait no longer than this.</summary>
    public static void SetReadLimit(int fd, int seconds)
    {
        long* limit = stackalloc long[] { seconds, 0 };
        _ = setsockopt(fd, LibC.SOL_SOCKET, SO_RCVTIMEO, limit, 16);
    }

    /// <summary>Sends bytes together with two descriptors.</summary>
    public static bool Send(int fd, ReadOnlySpan<byte> bytes, int first, int second)
    {
        long* control = stackalloc long[3] { ControlHeader + 8, LibC.SOL_SOCKET | ((long)SCM_RIGHTS << 32), (uint)first | ((long)second << 32) };
        fixed (byte* data = bytes)
        {
            var part = new Part { Base = data, Length = (nuint)bytes.Length };
            var message = new Message { Parts = &part, PartCount = 1, Control = control, ControlLength = 24 };
            return sendmsg(fd, &message, MSG_NOSIGNAL) == bytes.Length;
        }
    }

    /// <summary>Receives bytes, and the two descriptors that must come with the first of them; the number of bytes, or negative.</summary>
    public static int Receive(int fd, Span<byte> bytes, out int first, out int second)
    {
        first = second = -1;
        long* control = stackalloc long[8];
        new Span<long>(control, 8).Clear();
        nint count;
        fixed (byte* data = bytes)
        {
            var part = new Part { Base = data, Length = (nuint)bytes.Length };
            var message = new Message { Parts = &part, PartCount = 1, Control = control, ControlLength = 24 };
            count = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
            if (count > 0 && message.ControlLength == 24 && control[0] == ControlHeader + 8 && control[1] == (LibC.SOL_SOCKET | ((long)SCM_RIGHTS << 32)))
            {
                first = (int)control[2];
                second = (int)(control[2] >> 32);
            }
        }

        return (int)count;
    }

    private static int Open(ReadOnlySpan<byte> name, bool listen)
    {
        int fd = socket(AF_UNIX, SOCK_STREAM_CLOEXEC, 0);
        if (fd < 0)
        {
            return -1;
        }

        Span<byte> address = stackalloc byte[110];
        address.Clear();
        address[0] = AF_UNIX;
        name.CopyTo(address[3..]); // behind a NUL
        fixed (byte* p = address)
        {
            uint length = (uint)(3 + name.Length);
            if (listen ? bind(fd, p, length) == 0 && UnixSocket.listen(fd, 64) == 0 : connect(fd, p, length) == 0)
            {
                return fd;
            }
        }

        _ = LibC.close(fd);
        return -1;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int socket(int domain, int type, int protocol);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int bind(int fd, byte* address, uint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int listen(int fd, int backlog);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int accept(int fd, byte* address, uint* length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int connect(int fd, byte* address, uint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int shutdown(int fd, int how);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getsockopt(int fd, int level, int name, void* value, uint* length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setsockopt(int fd, int level, int name, void* value, uint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint sendmsg(int fd, Message* message, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recvmsg(int fd, Message* message, int flags);

    private struct Part
    {
        public byte* Base;
        public nuint Length;
    }

    private struct Message
    {
        public void* Name;
        public uint NameLength;
        public Part* Parts;
        public nuint PartCount;
        public void* Control;
        public nuint ControlLength;
        public int Flags;
    }
}
