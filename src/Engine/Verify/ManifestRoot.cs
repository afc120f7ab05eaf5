using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Verify;

/// <summary>What an operator named: a directory, or one entry of another type, in the directory that holds it.</summary>
internal sealed class ManifestRoot
{
    private ManifestRoot(int fd, byte[] path, byte[]? name, in FileStatus status)
    {
        Path = path;
        Fd = fd;
        SingleName = name;
        Status = status;
    }

    /// <summary>The directory, or the one that holds the entry.</summary>
    public int Fd { get; }

    /// <summary>As the operator named it.</summary>
    public byte[] Path { get; }

    /// <summary>The entry's name; null for a directory.</summary>
    public byte[]? SingleName { get; }

    /// <summary>Of the directory, or of the entry.</summary>
    public FileStatus Status { get; }

    /// <summary>Attributes of a directory itself, encoded; empty until read.</summary>
    public byte[] Xattrs { get; private set; } = [];

    /// <summary>0, or -errno.</summary>
    public int ReadXattrs(ISystemCalls io, ScanFields fields)
    {
        if (SingleName != null || (fields & (ScanFields.Xattrs | ScanFields.Acls)) == 0)
        {
            return 0;
        }

        int length = new XattrScanner(io).Read(Fd, fields, new DirectoryListing(), Status.Device, out ReadOnlySpan<byte> encoded);
        Xattrs = encoded.ToArray();
        return Math.Min(length, 0);
    }

    /// <summary>0, or -errno. A link that leads to a directory stands for that; any other link for itself.</summary>
    public static int Open(ISystemCalls io, ReadOnlySpan<byte> path, out ManifestRoot root)
    {
        root = null!;
        int fd = io.OpenPath(path, OpenFlags.Read | OpenFlags.Directory);
        if (fd >= 0)
        {
            int error = io.Stat(fd, out FileStatus status);
            if (error < 0)
            {
                io.Close(fd);
                return error;
            }

            root = new ManifestRoot(fd, path.ToArray(), null, status);
            return 0;
        }

        return fd is -Errno.ENOTDIR or -Errno.ENOENT ? OpenSingle(io, path, fd, out root) : fd;
    }

    /// <summary>Also for a link that leads nowhere, hence ENOENT.</summary>
    private static int OpenSingle(ISystemCalls io, ReadOnlySpan<byte> path, int reason, out ManifestRoot root)
    {
        root = null!;
        int slash = path.LastIndexOf((byte)'/');
        ReadOnlySpan<byte> name = path[(slash + 1)..];
        if (!RelativePath.IsName(name))
        {
            return reason;
        }

        ReadOnlySpan<byte> parent = slash < 0 ? "."u8 : slash == 0 ? "/"u8 : path[..slash];
        int fd = io.OpenPath(parent, OpenFlags.Read | OpenFlags.Directory);
        if (fd < 0)
        {
            return fd;
        }

        int error = io.StatAt(fd, name, out FileStatus status);
        if (error < 0 || status.IsDirectory)
        {
            io.Close(fd);
            return error < 0 ? error : reason;
        }

        root = new ManifestRoot(fd, path.ToArray(), name.ToArray(), status);
        return 0;
    }
}
