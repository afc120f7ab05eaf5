using System.Buffers.Text;

namespace NativeSync.Engine.FileSystem.Native;

/// <summary>/proc/self/fd/N[/name]: a path that starts at a handle, for calls that take only paths.</summary>
internal static unsafe class ProcPath
{
    /// <summary>Bytes for the longest: prefix, ten digits, slash, name, NUL.</summary>
    public const int Room = 320;

    /// <summary>Where the handles of this process are.</summary>
    public static ReadOnlySpan<byte> Prefix => "/proc/self/fd/"u8;

    /// <summary>Writes the path, NUL included. <paramref name="name"/> ends in NUL, or is null. The prefix has at most 32 bytes.</summary>
    public static void Write(byte* to, ReadOnlySpan<byte> prefix, int fd, byte* name)
    {
        Span<byte> room = new(to, Room);
        prefix.CopyTo(room);
        Utf8Formatter.TryFormat(fd, room[prefix.Length..], out int digits);
        int at = prefix.Length + digits;
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
