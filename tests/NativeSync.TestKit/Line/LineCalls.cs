using System.Runtime.InteropServices;

namespace NativeSync.TestKit.Line;

/// <summary>The system calls of a line: TUN devices are read and written packet by packet.</summary>
internal static partial class LineCalls
{
    public const int ReadWrite = 2;
    public const int CloseOnExec = 0x80000;
    private const ulong SetInterface = 0x400454ca; // TUNSETIFF
    private const short TunWithoutHeader = 0x1001; // IFF_TUN | IFF_NO_PI

    /// <summary>A new TUN device of this name in the namespace of the caller.</summary>
    public static int OpenTun(string name)
    {
        int fd = Open("/dev/net/tun", ReadWrite | CloseOnExec);
        if (fd < 0)
        {
            throw new InvalidOperationException($"/dev/net/tun cannot be opened: {Marshal.GetLastPInvokeErrorMessage()}; a line needs root and the tun module");
        }

        Span<byte> request = stackalloc byte[40];
        request.Clear();
        System.Text.Encoding.ASCII.GetBytes(name, request[..15]);
        MemoryMarshal.Write(request[16..], TunWithoutHeader);
        if (Control(fd, SetInterface, ref MemoryMarshal.GetReference(request)) < 0)
        {
            string reason = Marshal.GetLastPInvokeErrorMessage();
            _ = Close(fd);
            throw new InvalidOperationException($"no TUN device can be made: {reason}; a line needs root");
        }

        return fd;
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int Control(int fd, ulong request, ref byte argument);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(int fd, ref byte buffer, nint count);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(int fd, in byte buffer, nint count);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int fd);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    public static partial int Poll(ref PollEntry entries, uint count, int milliseconds);

    /// <summary>Sleeps shorter than a millisecond, which the runtime cannot.</summary>
    [LibraryImport("libc", EntryPoint = "usleep")]
    public static partial int SleepMicroseconds(uint microseconds);

    [StructLayout(LayoutKind.Sequential)]
    public struct PollEntry
    {
        public const short In = 1;

        public int Descriptor;
        public short Events;
        public short Returned;
    }
}
