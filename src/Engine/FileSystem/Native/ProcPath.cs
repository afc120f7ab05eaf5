using System.Buffers.Text;

namespace NativeSync.Engine.FileSystem.Native;

/// <summary>/proc/self/fd/N[/name]: a path that starts at a handle, for calls that take only paths.</summary>
internal static unsafe class ProcPath
{
    /// <summary>Bytes for the longest: prefix, ten digits, slash, name, NUL.</summary>
    public const int Room = 320;

    /// <summary>Writes the path, NUL included. <paramref name="name"/> ends in NUL, or is null.</summary>
    public static void Write(byte* to, int fd, byte* name)
    {
        Span<byte> room = new(to, Room);
        "/proc/self/fd/"u8.CopyTo(room);
        Utf8Formatter.TryFormat(fd, room[14..], out int digits);
        int at = 14 + digits;
        if (name != null)
        {
            to[at++] = (byte)'/';
            while (*name != 0)
            {
                to[at++] = *name++;
            }
        }

        to[at] = 0;
    }
}
