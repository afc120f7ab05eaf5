using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Filters;
using NativeSync.Migration.Source;

namespace NativeSync.Cli.Migrate;

/// <summary>How much of a file system is to be carried: a walk over it by the transfer's own rules.</summary>
internal static class TreeSize
{
    private const long BlockSize = 512; // st_blocks, whatever the file system's own are

    /// <summary>Bytes on disk, each inode once; null when the root cannot be read.</summary>
    public static long? Measure(PlannedFileSystem fs)
    {
        ISystemCalls io = LinuxSystemCalls.Instance;
        int root = io.OpenPath(fs.SourcePath, OpenFlags.Read | OpenFlags.Directory);
        if (root < 0)
        {
            return null;
        }

        Walk walk = new(io, FilterList.Parse(fs.Rules));
        walk.Directory(root, []);
        return walk.Bytes;
    }

    private sealed class Walk(ISystemCalls io, FilterList rules)
    {
        private readonly DirectoryScanner _scanner = new(io);
        private readonly HashSet<(ulong Device, ulong Inode)> _linked = [];

        public long Bytes { get; private set; }

        /// <summary>Adds what a directory holds, and closes it. What vanishes meanwhile is not counted.</summary>
        public void Directory(int fd, byte[] path)
        {
            DirectoryListing listing = new();
            try
            {
                if (_scanner.Scan(fd, ScanFields.None, listing) < 0)
                {
                    return;
                }

                for (int i = 0; i < listing.Count; i++)
                {
                    byte[] name = listing.Name(i).ToArray();
                    byte[] full = path.Length == 0 ? name : [.. path, (byte)'/', .. name];
                    if (io.StatAt(fd, name, out FileStatus status) < 0 || rules.Check(full, status.IsDirectory, FilterSide.Sender) != FilterDecision.Included)
                    {
                        continue;
                    }

                    if (status.IsDirectory || status.LinkCount == 1 || _linked.Add((status.Device, status.Inode)))
                    {
                        Bytes += status.Blocks * BlockSize;
                    }

                    if (status.IsDirectory && io.OpenAt(fd, name, OpenFlags.Read | OpenFlags.Directory) is >= 0 and int child)
                    {
                        Directory(child, full);
                    }
                }
            }
            finally
            {
                io.Close(fd);
            }
        }
    }
}
