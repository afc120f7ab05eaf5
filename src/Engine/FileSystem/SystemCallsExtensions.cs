namespace NativeSync.Engine.FileSystem;

/// <summary>What takes more than one call.</summary>
internal static class SystemCallsExtensions
{
    /// <summary>
    /// Opens for reading without moving the access time, where the kernel allows that (to the owner and to root). Never follows a
    /// link, never waits for the other end of a FIFO.
    /// </summary>
    public static int OpenQuietly(this ISystemCalls io, int dirfd, ReadOnlySpan<byte> name)
    {
        int fd = io.OpenAt(dirfd, name, OpenFlags.Read | OpenFlags.NonBlocking | OpenFlags.NoAccessTime);
        return fd == -Errno.EPERM ? io.OpenAt(dirfd, name, OpenFlags.Read | OpenFlags.NonBlocking) : fd;
    }

    /// <summary>Writes all of it where the handle stands. 0, or -errno; a call that writes nothing is -EIO.</summary>
    public static int WriteAll(this ISystemCalls io, int fd, ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty)
        {
            var count = (int)io.Write(fd, data);
            if (count <= 0)
            {
                return count < 0 ? count : -Errno.EIO;
            }

            data = data[count..];
        }

        return 0;
    }
}
