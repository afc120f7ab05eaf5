using System.Globalization;
using NativeSync.Engine.FileSystem;

namespace NativeSync.Engine.Filters;

/// <summary>Where the contents of rule files come from.</summary>
internal interface IRuleFiles
{
    /// <summary>The whole content of a file; <c>-</c> is standard input.</summary>
    /// <exception cref="FilterException">It is missing, unreadable, too large, or reached by a link that somebody else made: exit code 11.</exception>
    byte[] Read(ReadOnlySpan<byte> path, string kind);
}

/// <summary>Rule files on disk, named by raw bytes.</summary>
internal sealed class RuleFiles(ISystemCalls io) : IRuleFiles
{
    /// <summary>More than any list of rules that a job can carry.</summary>
    private const int MaxSize = 16 * 1024 * 1024;

    private const int StandardInput = 0;

    /// <summary>Through the system.</summary>
    public static RuleFiles OnDisk { get; } = new(LinuxSystemCalls.Instance);

    /// <summary>Through the system, as rsync does it: a directory is a file without rules.</summary>
    public static RuleFiles OnDiskLikeRsync { get; } = new(LinuxSystemCalls.Instance) { _directoriesAreEmpty = true };

    private bool _directoriesAreEmpty;

    /// <inheritdoc/>
    public byte[] Read(ReadOnlySpan<byte> path, string kind)
    {
        if (path.SequenceEqual("-"u8))
        {
            return Content(StandardInput, path, kind);
        }

        int fd = Open(path, 0, out bool foreign);
        if (foreign)
        {
            throw new FilterException(
                $"failed to open {kind} file {ByteText.Escape(path)}: a symbolic link on the way belongs to another user (name the file itself)", FilterException.FileError);
        }

        return fd < 0 ? throw Failed(path, kind, -fd) : Content(fd, path, kind);
    }

    /// <summary>The content of the dir-merge file in a directory; null when there is none, or something that is no file.</summary>
    /// <param name="directory">Handle of the directory.</param>
    /// <param name="name">The file in it.</param>
    /// <param name="error">0, or the errno with which a file that is there cannot be read.</param>
    public byte[]? ReadIn(int directory, ReadOnlySpan<byte> name, out int error)
    {
        int fd = io.OpenAt(directory, name, OpenFlags.Read | OpenFlags.NonBlocking);
        if (fd == -Errno.ELOOP)
        {
            // A link is followed when it is ours or root's, as for files that the operator names.
            byte[] place = [.. "/proc/self/fd/"u8, .. ByteText.FromArgument(directory.ToString(CultureInfo.InvariantCulture)), (byte)'/'];
            fd = Open([.. place, .. name], place.Length, out bool foreign);
            fd = foreign ? -Errno.ELOOP : fd;
        }

        error = fd is -Errno.ENOENT or -Errno.ENXIO ? 0 : Math.Max(0, -fd);
        if (fd < 0)
        {
            return null;
        }

        if (io.Stat(fd, out FileStatus status) < 0 || !status.IsRegular)
        {
            _ = io.Close(fd);
            return null;
        }

        byte[]? content = ReadAll(fd, out error);
        _ = io.Close(fd);
        return content;
    }

    /// <summary>Opens by path; a link on the way that another user planted could lead to any file of ours (rsync CVE-2026-53802).</summary>
    private int Open(ReadOnlySpan<byte> path, int trusted, out bool foreign)
    {
        foreign = false;
        uint self = io.EffectiveUserId();
        for (int end = trusted; end < path.Length && !foreign; end++)
        {
            int slash = path[end..].IndexOf((byte)'/');
            end = slash < 0 ? path.Length : end + slash;
            int error = end == 0 ? 0 : io.StatPath(path[..end], follow: false, out FileStatus status) is < 0 and int failed ? failed
                : (foreign = status.IsSymbolicLink && status.Uid != self && status.Uid != 0) ? -Errno.ELOOP : 0;
            if (error < 0)
            {
                return error;
            }
        }

        return io.OpenPath(path, OpenFlags.Read | (trusted > 0 ? OpenFlags.NonBlocking : 0));
    }

    private byte[] Content(int fd, ReadOnlySpan<byte> path, string kind)
    {
        byte[]? content = ReadAll(fd, out int error);
        if (fd != StandardInput)
        {
            _ = io.Close(fd);
        }

        return content ?? (error == Errno.EISDIR && _directoriesAreEmpty ? [] : throw Failed(path, kind, error));
    }

    private byte[]? ReadAll(int fd, out int error)
    {
        byte[] content = new byte[16 * 1024];
        int length = 0;
        while (true)
        {
            nint got = io.Read(fd, content.AsSpan(length));
            error = got < 0 ? (int)-got : (length += (int)got) > MaxSize ? Errno.EFBIG : 0;
            if (error != 0 || got == 0)
            {
                return error == 0 ? content[..length] : null;
            }

            if (length == content.Length)
            {
                Array.Resize(ref content, content.Length * 2);
            }
        }
    }

    private static FilterException Failed(ReadOnlySpan<byte> path, string kind, int errno) =>
        new($"failed to open {kind} file {ByteText.Escape(path)}: {Errno.Describe(errno)} ({errno})", FilterException.FileError) { Errno = errno };
}
