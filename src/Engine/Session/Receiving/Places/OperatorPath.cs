using NativeSync.Engine.FileSystem;

namespace NativeSync.Engine.Session.Receiving.Places;

/// <summary>
/// Opens directories that the operator named besides the destination. A relative name counts from the destination. Links in such a
/// name are followed, for it is the operator's; what lies below the opened directory is reached by handle and never through a link.
/// </summary>
internal static class OperatorPath
{
    private const OpenFlags DirectoryFlags = OpenFlags.Read | OpenFlags.Directory;

    public static byte[] From(byte[] destination, byte[] path) =>
        path is [(byte)'/', ..] || destination.Length == 0 ? path : PathBytes.Join(destination.AsSpan().TrimEnd((byte)'/') is { IsEmpty: false } trimmed ? trimmed : "/."u8, path);

    /// <summary>The directory, or -errno.</summary>
    public static int Open(ISystemCalls io, ReadOnlySpan<byte> path) => io.OpenPath(path, DirectoryFlags);

    /// <summary>The same; what is missing of the path is made.</summary>
    public static int Make(ISystemCalls io, byte[] path, uint mode)
    {
        var fd = Open(io, path);
        for (var end = 1; fd == -Errno.ENOENT && end <= path.Length; end++)
        {
            if (end < path.Length && path[end] != '/')
            {
                continue;
            }

            var (parent, name) = PathBytes.Split(path.AsSpan(0, end).TrimEnd((byte)'/'));
            var above = Open(io, parent.Length == 0 ? "."u8 : parent);
            if (above < 0)
            {
                return above;
            }

            if (name.Length > 0 && !name.AsSpan().SequenceEqual("."u8) && !name.AsSpan().SequenceEqual(".."u8))
            {
                io.MakeDirectoryAt(above, name, mode);
            }

            io.Close(above);
            if (end == path.Length)
            {
                return Open(io, path);
            }
        }

        return fd;
    }
}
