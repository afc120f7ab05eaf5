using NativeSync.Engine.FileSystem;

namespace NativeSync.Engine.Session;

/// <summary>The list of <c>--files-from</c>: lines that end at LF or CR (at NUL with --from0); empty ones and those that begin with # or ; count for nothing.</summary>
internal static class NameListFile
{
    /// <summary>The longest list.</summary>
    public const int MaxLength = 1 << 30;

    private const int StandardInput = 0;

    /// <summary>Reading a list takes no time; what comes out of a pipe is there when somebody has written it.</summary>
    public static bool IsAtHand(ISystemCalls io, byte[] path) => path is not [(byte)'-'] && (io.StatPath(path, follow: true, out var status) < 0 || status.IsRegular);

    /// <summary>Reads a list; "-" is standard input.</summary>
    /// <exception cref="SessionException">1, as rsync: it cannot be read, or is a link that somebody else made.</exception>
    public static byte[] Read(ISystemCalls io, byte[] path)
    {
        if (path is [(byte)'-'])
        {
            return ReadAll(io, StandardInput, path);
        }

        // A link that another user planted could lead to any file of ours.
        var error = io.StatPath(path, follow: false, out var status);
        if (error >= 0 && status.IsSymbolicLink && status.Uid != io.EffectiveUserId() && status.Uid != 0)
        {
            throw new SessionException(1, $"failed to open files-from file {ByteText.Escape(path)}: it is a symbolic link that belongs to another user (name the file itself)");
        }

        var fd = error < 0 ? error : io.OpenPath(path, OpenFlags.Read);
        if (fd < 0)
        {
            throw Failed(path, -fd);
        }

        try
        {
            return ReadAll(io, fd, path);
        }
        finally
        {
            io.Close(fd);
        }
    }

    /// <summary>The names in a list: without slashes in front and without "..", which cannot lead above the source directory.</summary>
    /// <exception cref="SessionException">1: a name with NUL in it.</exception>
    public static List<byte[]> Parse(ReadOnlySpan<byte> content, bool from0)
    {
        var names = new List<byte[]>();
        while (!content.IsEmpty)
        {
            var end = from0 ? content.IndexOf((byte)0) : content.IndexOfAny((byte)'\n', (byte)'\r');
            var line = end < 0 ? content : content[..end];
            content = end < 0 ? default : content[(end + 1)..];
            if (line.IsEmpty || line[0] is (byte)'#' or (byte)';')
            {
                continue;
            }

            if (line.Contains((byte)0))
            {
                throw new SessionException(1, $"the files-from list has a NUL in \"{ByteText.Escape(line)}\" (use --from0 for a list whose names end at NUL)");
            }

            names.Add(Clean(line));
        }

        return names;
    }

    private static byte[] Clean(ReadOnlySpan<byte> line)
    {
        var parts = new List<byte[]>();
        foreach (var range in line.Split((byte)'/'))
        {
            var part = line[range];
            if (part.SequenceEqual(".."u8))
            {
                // A "." is kept where it is, for /./, and cannot be climbed out of.
                while (parts.Count > 0 && parts[^1] is [(byte)'.'])
                {
                    parts.RemoveAt(parts.Count - 1);
                }

                if (parts.Count > 0)
                {
                    parts.RemoveAt(parts.Count - 1);
                }
            }
            else if (!part.IsEmpty)
            {
                parts.Add(part.ToArray());
            }
        }

        var contents = line[^1] == (byte)'/' || line.EndsWith("/.."u8) || line.SequenceEqual(".."u8);
        byte[] name = [];
        foreach (var part in parts)
        {
            name = PathBytes.Join(name, part);
        }

        return name.Length == 0 ? "./"u8.ToArray() : contents ? [.. name, (byte)'/'] : name;
    }

    private static byte[] ReadAll(ISystemCalls io, int fd, byte[] path)
    {
        var content = new byte[64 * 1024];
        var length = 0;
        while (true)
        {
            var got = io.Read(fd, content.AsSpan(length));
            if (got < 0)
            {
                throw Failed(path, (int)-got);
            }

            if (got == 0)
            {
                return content[..length];
            }

            length += (int)got;
            if (length == content.Length)
            {
                if (length >= MaxLength)
                {
                    throw new SessionException(1, $"files-from file {ByteText.Escape(path)} is larger than 1 GiB");
                }

                Array.Resize(ref content, length * 2);
            }
        }
    }

    private static SessionException Failed(byte[] path, int errno) =>
        new(1, $"failed to open files-from file {ByteText.Escape(path)}: {Errno.Describe(errno)} ({errno})");
}
