using System.Text;
using NativeSync.Engine.FileSystem;

namespace NativeSync.Cli.Rehearse;

/// <summary>Removes a rehearsal's directory, which holds names that .NET strings cannot express.</summary>
internal static class WorkArea
{
    private const int BufferSize = 64 << 10;

    /// <exception cref="IOException">Something could not be removed.</exception>
    public static void Remove(string path)
    {
        ISystemCalls io = LinuxSystemCalls.Instance;
        byte[] bytes = Encoding.UTF8.GetBytes(path);
        int slash = bytes.AsSpan().LastIndexOf((byte)'/');
        int parent = Check(io.OpenPath(bytes.AsSpan(0, Math.Max(1, slash)), OpenFlags.Read | OpenFlags.Directory), path);
        try
        {
            Remove(io, parent, bytes.AsSpan(slash + 1), path);
        }
        finally
        {
            io.Close(parent);
        }
    }

    private static void Remove(ISystemCalls io, int parent, ReadOnlySpan<byte> name, string path)
    {
        int result = io.UnlinkAt(parent, name, directory: false);
        if (result is not (-Errno.EISDIR or -Errno.EPERM))
        {
            Check(result, path);
            return;
        }

        int fd = Check(io.OpenAt(parent, name, OpenFlags.Read | OpenFlags.Directory), path);
        try
        {
            // A directory that is changed while it is read may leave something out: read it until it is empty.
            DirectoryListing listing = new();
            DirectoryScanner scanner = new(io);
            do
            {
                listing.Clear();
                Check(scanner.Scan(fd, ScanFields.None, listing), path);
                for (int i = 0; i < listing.Count; i++)
                {
                    Remove(io, fd, listing.Name(i), path);
                }
            }
            while (listing.Count > 0);
        }
        finally
        {
            io.Close(fd);
        }

        Check(io.UnlinkAt(parent, name, directory: true), path);
    }

    private static int Check(int result, string path)
        => result >= 0 ? result : throw new IOException($"{path} cannot be removed: {Errno.Describe(-result)}");
}
