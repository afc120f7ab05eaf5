using NativeSync.Engine;
using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Filters;

namespace NativeSync.Cli.Options;

/// <summary>Where the contents of rule files come from.</summary>
internal interface IRuleFiles
{
    /// <summary>The whole content of a file; <c>-</c> is standard input.</summary>
    /// <exception cref="FilterException">It is missing, unreadable, too large, or a link that somebody else made: exit code 11.</exception>
    byte[] Read(byte[] path, string kind);
}

/// <summary>Rule files on disk, named by raw bytes.</summary>
internal sealed class RuleFiles(ISystemCalls io) : IRuleFiles
{
    /// <summary>More than any list of rules that a job can carry.</summary>
    private const int MaxSize = 16 * 1024 * 1024;

    private const int StandardInput = 0;

    /// <summary>Through the system.</summary>
    public static RuleFiles OnDisk { get; } = new(LinuxSystemCalls.Instance);

    /// <inheritdoc/>
    public byte[] Read(byte[] path, string kind)
    {
        if (path.AsSpan().SequenceEqual("-"u8))
        {
            return ReadAll(StandardInput, path, kind);
        }

        // A link that another user planted could lead to any file of ours (CVE-2026-53802).
        int error = io.StatPath(path, follow: false, out FileStatus status);
        if (error >= 0 && status.IsSymbolicLink && status.Uid != io.EffectiveUserId() && status.Uid != 0)
        {
            throw new FilterException($"failed to open {kind} file {ByteText.Escape(path)}: it is a symbolic link that belongs to another user (name the file itself)", FilterException.FileError);
        }

        int fd = error < 0 ? error : io.OpenPath(path, OpenFlags.Read);
        if (fd < 0)
        {
            throw Failed(path, kind, -fd);
        }

        try
        {
            return ReadAll(fd, path, kind);
        }
        finally
        {
            _ = io.Close(fd);
        }
    }

    private byte[] ReadAll(int fd, byte[] path, string kind)
    {
        byte[] content = new byte[64 * 1024];
        int length = 0;
        while (true)
        {
            nint got = io.Read(fd, content.AsSpan(length));
            if (got < 0)
            {
                throw Failed(path, kind, (int)-got);
            }

            if (got == 0)
            {
                return content[..length];
            }

            length += (int)got;
            if (length > MaxSize)
            {
                throw new FilterException($"{kind} file {ByteText.Escape(path)} is larger than 16 MiB", FilterException.FileError);
            }

            if (length == content.Length)
            {
                Array.Resize(ref content, content.Length * 2);
            }
        }
    }

    private static FilterException Failed(byte[] path, string kind, int errno) =>
        new($"failed to open {kind} file {ByteText.Escape(path)}: {Errno.Describe(errno)} ({errno})", FilterException.FileError);
}
