using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving;

/// <summary>
/// Opens a directory below the destination through links that stay below it (--keep-dirlinks). As in rsync one that is absolute,
/// or climbs out and in again, is refused: whoever may write at the destination must not choose where else we write.
/// </summary>
internal static class LinkWalk
{
    /// <summary>The kernel's bound.</summary>
    private const int MostLinks = 40;

    private const OpenFlags DirectoryFlags = OpenFlags.Read | OpenFlags.Directory;

    /// <returns>The handle, or -errno: EXDEV for a link that leads out.</returns>
    public static int OpenDirectory(ISystemCalls io, int rootFd, ReadOnlySpan<byte> path)
    {
        var open = new Stack<int>();
        var left = new Stack<byte[]>();
        Push(left, path);
        var links = 0;
        var target = new byte[ProtocolLimits.MaxLinkTarget + 1];
        try
        {
            while (left.TryPop(out var name))
            {
                if (name is [(byte)'.', (byte)'.'])
                {
                    if (!open.TryPop(out var above))
                    {
                        return -Errno.EXDEV;
                    }

                    io.Close(above);
                    continue;
                }

                var at = open.TryPeek(out var top) ? top : rootFd;
                var fd = io.OpenAt(at, name, DirectoryFlags);
                if (fd >= 0)
                {
                    open.Push(fd);
                    continue;
                }

                var length = fd is -Errno.ENOTDIR or -Errno.ELOOP ? io.ReadLinkAt(at, name, target) : fd;
                if (length <= 0 || length == target.Length || ++links > MostLinks)
                {
                    return length == -Errno.EINVAL ? fd : length < 0 ? length : -Errno.ELOOP;
                }

                if (target[0] == (byte)'/')
                {
                    return -Errno.EXDEV;
                }

                Push(left, target.AsSpan(0, length));
            }

            return open.TryPop(out var result) ? result : io.OpenAt(rootFd, "."u8, DirectoryFlags);
        }
        finally
        {
            foreach (var fd in open)
            {
                io.Close(fd);
            }
        }
    }

    /// <summary>Puts the names of a path on top, the first one uppermost.</summary>
    private static void Push(Stack<byte[]> names, ReadOnlySpan<byte> path)
    {
        while (!path.IsEmpty)
        {
            var slash = path.LastIndexOf((byte)'/');
            var name = path[(slash + 1)..];
            path = slash < 0 ? default : path[..slash];
            if (!name.IsEmpty && !name.SequenceEqual("."u8))
            {
                names.Push(name.ToArray());
            }
        }
    }
}
