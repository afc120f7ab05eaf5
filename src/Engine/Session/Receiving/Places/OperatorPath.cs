using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving.Places;

/// <summary>
/// Opens directories that the operator named besides the destination. A relative name counts from the destination. One that stays
/// below it is reached by handle and never through a link, for a link there may be one that a tree supplied; links in any other
/// name are the operator's, and followed.
/// </summary>
internal static class OperatorPath
{
    private const OpenFlags DirectoryFlags = OpenFlags.Read | OpenFlags.Directory;

    /// <summary>The directory, or -errno.</summary>
    public static int Open(ISystemCalls io, DestinationRoot root, byte[] path) =>
        Below(path) is { } below ? OpenBelow(io, root.Fd, below) : io.OpenPath(From(root.Path, path), DirectoryFlags);

    /// <summary>The same; what is missing of the path is made.</summary>
    public static int Make(ISystemCalls io, DestinationRoot root, byte[] path, uint mode)
    {
        var below = Below(path);
        var from = below ?? From(root.Path, path);
        var fd = Open(io, root, path);
        for (var end = 1; fd == -Errno.ENOENT && end <= from.Length; end++)
        {
            if (end < from.Length && from[end] != '/')
            {
                continue;
            }

            var (parent, name) = PathBytes.Split(from.AsSpan(0, end).TrimEnd((byte)'/'));
            var above = below is not null ? OpenBelow(io, root.Fd, parent) : io.OpenPath(parent.Length == 0 ? "."u8 : parent, DirectoryFlags);
            if (above < 0)
            {
                return above;
            }

            if (name.Length > 0 && !name.AsSpan().SequenceEqual("."u8) && !name.AsSpan().SequenceEqual(".."u8))
            {
                io.MakeDirectoryAt(above, name, mode);
            }

            io.Close(above);
            if (end == from.Length)
            {
                return Open(io, root, path);
            }
        }

        return fd;
    }

    /// <summary>For people: why a directory of the operator cannot be opened, and what helps.</summary>
    /// <param name="option">By which it was named.</param>
    /// <param name="path">As it was given.</param>
    /// <param name="error">-errno.</param>
    public static string Describe(string option, byte[] path, int error) => error switch
    {
        -Errno.ENOENT => $"the {option} does not exist: {ByteText.Escape(path)}",
        -Errno.ELOOP or -Errno.ENOTDIR when Below(path) is not null =>
            $"the {option} is not a directory, or is reached through a symbolic link, which is never followed inside the destination: {ByteText.Escape(path)} (give the absolute path of what it leads to)",
        -Errno.ENOTDIR => $"the {option} is not a directory: {ByteText.Escape(path)}",
        _ => $"the {option} \"{ByteText.Escape(path)}\": {Errno.Describe(-error)}",
    };

    private static byte[] From(byte[] destination, byte[] path) =>
        path is [(byte)'/', ..] || destination.Length == 0 ? path : PathBytes.Join(destination.AsSpan().TrimEnd((byte)'/') is { IsEmpty: false } trimmed ? trimmed : "/."u8, path);

    /// <summary>A relative path that stays below the destination, without what means nothing in it; null for any other.</summary>
    private static byte[]? Below(ReadOnlySpan<byte> path)
    {
        if (path is [(byte)'/', ..])
        {
            return null;
        }

        byte[] below = [];
        foreach (var range in path.Split((byte)'/'))
        {
            var part = path[range];
            if (part.SequenceEqual(".."u8))
            {
                return null;
            }

            below = part.IsEmpty || part.SequenceEqual("."u8) ? below : PathBytes.Join(below, part);
        }

        return below;
    }

    private static int OpenBelow(ISystemCalls io, int rootFd, ReadOnlySpan<byte> path) =>
        rootFd < 0 ? -Errno.ENOENT : io.OpenBeneath(rootFd, path, DirectoryFlags);
}
