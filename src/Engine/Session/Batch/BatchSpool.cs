using NativeSync.Engine.FileSystem;

namespace NativeSync.Engine.Session.Batch;

/// <summary>A batch that comes through a pipe: it is kept in a file without a name until it is applied, since it is verified first.</summary>
internal static class BatchSpool
{
    /// <summary>Copies what a pipe gives to a new file in TMPDIR (else /tmp) that has no name.</summary>
    /// <returns>A handle on it, or -errno.</returns>
    public static int Keep(ISystemCalls io, int pipe)
    {
        var directory = Environment.GetEnvironmentVariable("TMPDIR") is { Length: > 0 } given ? given : "/tmp";
        var dirfd = io.OpenPath(ByteText.FromArgument(directory), OpenFlags.Read | OpenFlags.Directory);
        if (dirfd < 0)
        {
            return dirfd;
        }

        var name = Receiving.TemporaryName.For("nativesync-batch"u8);
        var fd = io.OpenAt(dirfd, name, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Exclusive, ModeBits.PrivateFile);
        if (fd >= 0)
        {
            io.UnlinkAt(dirfd, name, directory: false);
        }

        io.Close(dirfd);
        if (fd >= 0 && Copy(io, pipe, fd) is < 0 and var error)
        {
            io.Close(fd);
            return error;
        }

        return fd;
    }

    private static int Copy(ISystemCalls io, int from, int to)
    {
        var chunk = new byte[256 * 1024];
        var begun = false;
        for (var isBatch = true; isBatch;)
        {
            var count = (int)io.Read(from, chunk);
            if (count <= 0)
            {
                return count;
            }

            // What is none may never end; its beginning is enough to refuse it by.
            var start = chunk.AsSpan(0, Math.Min(count, BatchFormat.Magic.Length - 1));
            isBatch = begun || BatchFormat.Magic.StartsWith(start);
            begun = true;

            if (io.WriteAll(to, chunk.AsSpan(0, count)) is < 0 and var error)
            {
                return error;
            }
        }

        return 0;
    }
}
