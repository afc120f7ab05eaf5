using System.Buffers.Text;
using System.Runtime.InteropServices;
using NativeSync.Engine.FileSystem.Native;

namespace NativeSync.Engine.FileSystem.Following;

/// <summary>Handles of objects (name_to_handle_at, Linux 2.6.39), and where these objects are now.</summary>
internal sealed unsafe class FileHandles : IDisposable
{
    private const int Room = 128, Header = 8, SymlinkFollow = 0x400, PathRoom = 4096;

    private readonly ISystemCalls _io;
    private readonly int _own;
    private readonly byte[] _path = new byte[PathRoom];

    public FileHandles(ISystemCalls io)
    {
        _io = io;
        _own = io.OpenPath("/proc/self/fd"u8, OpenFlags.PathOnly | OpenFlags.Directory);
    }

    /// <summary>The handle of an entry of a directory; empty when there is none.</summary>
    public static byte[] Of(int dirfd, ReadOnlySpan<byte> name, bool follow = false)
    {
        // struct file_handle: unsigned handle_bytes, int handle_type, the bytes.
        Span<byte> handle = stackalloc byte[Header + Room];
        handle.Clear();
        MemoryMarshal.Write(handle, Room);
        int mount;
        fixed (byte* to = handle, text = (byte[])[.. name, 0])
        {
            return LibC.syscall(SystemCallNumbers.NameToHandleAt, dirfd, (nint)text, (nint)to, (nint)(&mount), follow ? SymlinkFollow : 0, 0) < 0
                ? []
                : handle[..(Header + MemoryMarshal.Read<int>(handle))].ToArray();
        }
    }

    /// <summary>Opens an object as a place in a mount of its file system; -ESTALE when it is gone.</summary>
    /// <param name="mountfd">Anything on that mount.</param>
    /// <param name="handle">The object.</param>
    public static int Open(int mountfd, byte[] handle)
    {
        fixed (byte* text = handle)
        {
            var fd = (int)LibC.syscall(SystemCallNumbers.OpenByHandleAt, mountfd, (nint)text, (nint)OpenFlags.PathOnly | NativeOpenFlags.CloseOnExec, 0, 0, 0);
            return fd >= 0 ? fd : -Marshal.GetLastSystemError();
        }
    }

    /// <summary>The absolute path of something open, as the kernel knows it; empty when no path leads there, null when it cannot be told, as when it is longer than 4095 bytes.</summary>
    public byte[]? PathOf(int fd)
    {
        Span<byte> number = stackalloc byte[16];
        Utf8Formatter.TryFormat(fd, number, out var digits);
        var length = _own < 0 ? -1 : _io.ReadLinkAt(_own, number[..digits], _path);
        return length <= 0 || length >= PathRoom ? null : _path[0] == '/' ? _path.AsSpan(0, length).ToArray() : [];
    }

    public void Dispose() => _ = _own < 0 ? 0 : _io.Close(_own);
}
