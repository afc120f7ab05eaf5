using System.Diagnostics;
using System.IO.Hashing;
using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Cli.Bench;

/// <summary>
/// A look at a tree, and pieces of its contents: picked at equal distances in all the bytes that the tree has, so that what there is most of is
/// in the sample most. A file counts for its size and for what it costs to open one.
/// </summary>
internal sealed class SourceSample(ISystemCalls io, int root, CancellationToken ct)
{
    private const int MostPicks = 4096, CostOfFile = 4096, Budget = 32 << 20, ReadSize = 512 << 10;

    /// <summary>Larger is what a damaged file system says.</summary>
    private const long LargestFile = 1L << 50;

    private readonly List<byte[]> _paths = [];
    private readonly List<long> _offsets = [];
    private long _stride = CostOfFile, _position;

    /// <summary>The pieces, those of one file one behind the other.</summary>
    public byte[] Content { get; private set; } = [];

    /// <summary>Where each file of the sample ends in <see cref="Content"/>.</summary>
    public List<int> Ends { get; } = [];

    /// <summary>Looks at the tree and chooses what to read.</summary>
    public ScanFigure Scan(TimeSpan limit)
    {
        long started = Stopwatch.GetTimestamp();
        long entries = 0, files = 0, bytes = 0;
        DirectoryScanner scanner = new(io);
        DirectoryListing listing = new();
        Stack<byte[]> left = new();
        left.Push([]);
        while (left.Count > 0 && Stopwatch.GetElapsedTime(started) < limit)
        {
            ct.ThrowIfCancellationRequested();
            byte[] directory = left.Pop();
            int fd = io.OpenBeneath(root, directory, OpenFlags.Read | OpenFlags.Directory);
            int error = fd < 0 ? fd : scanner.Scan(fd, ScanFields.None, listing);
            if (fd >= 0)
            {
                io.Close(fd);
            }

            for (int i = 0; error >= 0 && i < listing.Count; i++)
            {
                ref readonly EntryMetadata metadata = ref listing.Metadata(i);
                entries++;
                if (ModeBits.IsDirectory(metadata.Mode))
                {
                    left.Push(Join(directory, listing.Name(i)));
                }
                else if (ModeBits.IsRegular(metadata.Mode))
                {
                    files++;
                    bytes += Math.Min(metadata.Size, LargestFile);
                    Offer(directory, listing.Name(i), Math.Min(metadata.Size, LargestFile));
                }
            }
        }

        return new ScanFigure(entries, files, bytes, Stopwatch.GetElapsedTime(started).TotalSeconds, left.Count == 0);
    }

    /// <summary>Reads and digests the files that were chosen, whole, by one thread.</summary>
    public Throughput Read(TimeSpan limit)
    {
        long started = Stopwatch.GetTimestamp(), bytes = 0;
        XxHash128 hash = new();
        byte[] buffer = GC.AllocateUninitializedArray<byte>(ReadSize);
        for (int i = 0; i < _paths.Count && Stopwatch.GetElapsedTime(started) < limit; i++)
        {
            int fd = i > 0 && ReferenceEquals(_paths[i], _paths[i - 1]) ? -1 : Open(_paths[i]);
            for (nint count = 1; fd >= 0 && count > 0 && Stopwatch.GetElapsedTime(started) < limit;)
            {
                ct.ThrowIfCancellationRequested();
                count = io.Read(fd, buffer);
                hash.Append(buffer.AsSpan(0, (int)Math.Max(0, count)));
                bytes += Math.Max(0, count);
            }

            _ = fd < 0 ? 0 : io.Close(fd);
            hash.Reset();
        }

        return new Throughput(bytes, Stopwatch.GetElapsedTime(started).TotalSeconds);
    }

    /// <summary>Reads the sample; what the time does not suffice for is left out.</summary>
    public void Collect(TimeSpan limit)
    {
        long started = Stopwatch.GetTimestamp(), end = 0;
        int piece = (int)Math.Min(_stride, Budget / Math.Max(1, _paths.Count)), used = 0, fd = -1;
        byte[] content = GC.AllocateUninitializedArray<byte>(_paths.Count * piece);
        for (int i = 0; i < _paths.Count && Stopwatch.GetElapsedTime(started) < limit; i++)
        {
            ct.ThrowIfCancellationRequested();
            if (i == 0 || !ReferenceEquals(_paths[i], _paths[i - 1]))
            {
                _ = fd < 0 ? 0 : io.Close(fd);
                fd = Open(_paths[i]);
                end = 0;
                Ends.Add(used);
            }

            long at = Math.Max(_offsets[i], end);
            nint count = fd < 0 ? 0 : Math.Max(0, io.ReadAt(fd, content.AsSpan(used, piece), at));
            used += (int)count;
            end = at + count;
            Ends[^1] = used;
        }

        _ = fd < 0 ? 0 : io.Close(fd);
        Content = content[..used];
    }

    private static byte[] Join(byte[] directory, ReadOnlySpan<byte> name) => directory.Length == 0 ? name.ToArray() : [.. directory, (byte)'/', .. name];

    private void Offer(byte[] directory, ReadOnlySpan<byte> name, long size)
    {
        byte[]? path = null;
        long begin = _position;
        _position += CostOfFile + size;
        for (long next; (next = _paths.Count * _stride) < _position;)
        {
            _paths.Add(path ??= Join(directory, name));
            _offsets.Add(Math.Max(0, next - begin - CostOfFile));
            if (_paths.Count == MostPicks)
            {
                Halve();
            }
        }
    }

    /// <summary>Twice the distance: every other one stays.</summary>
    private void Halve()
    {
        for (int i = 0; i < MostPicks / 2; i++)
        {
            (_paths[i], _offsets[i]) = (_paths[2 * i], _offsets[2 * i]);
        }

        _paths.RemoveRange(MostPicks / 2, MostPicks / 2);
        _offsets.RemoveRange(MostPicks / 2, MostPicks / 2);
        _stride *= 2;
    }

    private int Open(byte[] path)
    {
        int fd = io.OpenBeneath(root, path, OpenFlags.Read | OpenFlags.NonBlocking | OpenFlags.NoAccessTime);
        return fd == -Errno.EPERM ? io.OpenBeneath(root, path, OpenFlags.Read | OpenFlags.NonBlocking) : fd;
    }
}
