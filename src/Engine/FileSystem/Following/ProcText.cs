namespace NativeSync.Engine.FileSystem.Following;

/// <summary>Files that the kernel makes up as they are read.</summary>
internal static class ProcText
{
    /// <summary>All of one; null when it cannot be read.</summary>
    public static byte[]? Read(ISystemCalls io, ReadOnlySpan<byte> path) => Read(io, io.OpenPath(path, OpenFlags.Read), out _);

    /// <summary>All of one that was opened, and is closed; null and -errno when that failed or it cannot be read.</summary>
    public static byte[]? Read(ISystemCalls io, int fd, out int error)
    {
        error = fd;
        if (fd < 0)
        {
            return null;
        }

        var text = new byte[16 * 1024];
        var used = 0;
        nint n;
        while ((n = io.Read(fd, text.AsSpan(used))) > 0)
        {
            used += (int)n;
            if (used == text.Length)
            {
                Array.Resize(ref text, text.Length * 2);
            }
        }

        io.Close(fd);
        error = (int)n;
        return n < 0 ? null : text[..used];
    }
}
