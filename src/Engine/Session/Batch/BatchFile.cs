using System.IO.Hashing;
using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Batch;

/// <summary>A batch to be applied: opened, and verified to its last byte before anything is done with it. docs/batch.md.</summary>
internal sealed class BatchFile : IDisposable
{
    private const int StandardInput = 0;

    private readonly ISystemCalls _io;
    private readonly int _fd;

    private BatchFile(ISystemCalls io, int fd, JobFrame job, long firstFrame, BatchIndex index)
    {
        _io = io;
        _fd = fd;
        Job = job;
        FirstFrame = firstFrame;
        Index = index;
    }

    /// <summary>What it was made with, see <see cref="BatchFormat.Bound"/>.</summary>
    public JobFrame Job { get; }

    /// <summary>Where the records begin.</summary>
    public long FirstFrame { get; }

    public BatchIndex Index { get; }

    /// <summary>Opens and verifies one; "-" is standard input.</summary>
    /// <exception cref="SessionException">
    /// 11: it cannot be read. 2: it is none, or of another version. 12: it is cut or damaged.
    /// </exception>
    public static BatchFile Open(ISystemCalls io, byte[] path)
    {
        var name = $"batch file \"{ByteText.Escape(path)}\"";
        var fd = path is [(byte)'-'] ? io.Duplicate(StandardInput) : io.OpenPath(path, OpenFlags.Read);
        try
        {
            FileStatus status = default;
            var error = fd < 0 ? fd : io.Stat(fd, out status);
            if (error >= 0 && !status.IsRegular && !status.IsDirectory)
            {
                // What cannot be read twice is kept where it can.
                var kept = BatchSpool.Keep(io, fd);
                io.Close(fd);
                fd = kept;
                error = fd < 0 ? fd : io.Stat(fd, out status);
            }

            error = error >= 0 && status.IsDirectory ? -Errno.EISDIR : error;
            if (error < 0)
            {
                throw new SessionException(ExitCodes.FileIo, $"{name}: opening it failed: {Errno.Describe(-error)} ({-error})");
            }

            Verify(io, fd, status.Size, name);
            using var cursor = new BatchCursor(io, fd);
            cursor.Load(BatchFormat.Magic.Length);
            if (cursor.Type != FrameType.Job)
            {
                throw new ProtocolException(ProtocolError.BadOrder, "the batch does not say what it was made with");
            }

            var file = new BatchFile(io, fd, JobFrame.Parse(cursor.Content.Span), cursor.Next, BatchIndex.Build(cursor, cursor.Next));
            fd = -1;
            return file;
        }
        catch (ProtocolException e)
        {
            throw new SessionException(ExitCodes.Protocol, $"{name}: {e.Message}", e);
        }
        finally
        {
            if (fd >= 0)
            {
                io.Close(fd);
            }
        }
    }

    public BatchCursor NewCursor() => new(_io, _fd);

    public void Dispose() => _io.Close(_fd);

    private static void Verify(ISystemCalls io, int fd, long size, string name)
    {
        var chunk = new byte[256 * 1024];
        var hash = new XxHash128();
        var magic = BatchFormat.Magic;
        var end = size - BatchFormat.DigestLength;
        var got = ReadAt(io, fd, chunk.AsSpan(0, magic.Length), 0, name);
        if (size == 0 || (got < magic.Length ? !magic.StartsWith(chunk.AsSpan(0, got)) : !chunk.AsSpan(0, magic.Length - 1).SequenceEqual(magic[..^1])))
        {
            throw size == 0
                ? new SessionException(ExitCodes.Stream, $"{name}: it is empty")
                : new SessionException(ExitCodes.Protocol, $"{name}: it is no batch of NativeSync (rsync's own batches can be read by rsync alone)");
        }

        if (got == magic.Length && chunk[magic.Length - 1] != magic[^1])
        {
            throw new SessionException(ExitCodes.Protocol,
                $"{name}: it has version {chunk[magic.Length - 1]}, and this program reads {magic[^1]} (apply it with the version that made it)");
        }

        for (long at = 0; at < end;)
        {
            got = ReadAt(io, fd, chunk.AsSpan(0, (int)Math.Min(chunk.Length, end - at)), at, name);
            if (got == 0)
            {
                break;
            }

            hash.Append(chunk.AsSpan(0, got));
            at += got;
        }

        Span<byte> digest = stackalloc byte[BatchFormat.DigestLength];
        hash.GetCurrentHash(digest);
        if (end < magic.Length || ReadAt(io, fd, chunk.AsSpan(0, digest.Length), end, name) < digest.Length || !digest.SequenceEqual(chunk.AsSpan(0, digest.Length)))
        {
            throw new SessionException(ExitCodes.Stream, $"{name}: it is cut or damaged, nothing was done (fetch or make it again)");
        }
    }

    private static int ReadAt(ISystemCalls io, int fd, Span<byte> buffer, long offset, string name)
    {
        var count = (int)io.ReadAt(fd, buffer, offset);
        return count >= 0 ? count : throw new SessionException(ExitCodes.FileIo, $"{name}: reading failed: {Errno.Describe(-count)} ({-count})");
    }
}
