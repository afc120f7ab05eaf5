using System.Text;
using BenchmarkDotNet.Attributes;
using NativeSync.Engine.FileSystem;

namespace NativeSync.Bench.Micro;

/// <summary>
/// A whole tree scanned, warm, on one thread. NATIVESYNC_BENCH_TREE names it (the unpacked Linux source, for the figures in
/// docs/benchmarks.md); /usr/share otherwise.
/// </summary>
[MemoryDiagnoser]
public class ScannerBenchmarks
{
    private readonly Stack<DirectoryListing> _pool = new();
    private DirectoryScanner _scanner = new(LinuxSystemCalls.Instance);
    private byte[] _tree = [];

    /// <summary>Whether extended attributes and ACLs are asked for, too.</summary>
    [Params(false, true)]
    public bool Attributes { get; set; }

    private ScanFields Fields => ScanFields.LinkTargets | (Attributes ? ScanFields.Xattrs | ScanFields.Acls : 0);

    [GlobalSetup]
    public void Setup()
    {
        _tree = Encoding.UTF8.GetBytes(Environment.GetEnvironmentVariable("NATIVESYNC_BENCH_TREE") ?? "/usr/share");
        _scanner = new DirectoryScanner(LinuxSystemCalls.Instance);
    }

    /// <summary>Entries seen.</summary>
    [Benchmark(Baseline = true)]
    public long Scan() => Walk(digest: false);

    /// <summary>With the digest of each directory, as in a session.</summary>
    [Benchmark]
    public long ScanAndDigest() => Walk(digest: true);

    private long Walk(bool digest)
    {
        LinuxSystemCalls io = LinuxSystemCalls.Instance;
        int root = io.OpenPath(_tree, OpenFlags.Read | OpenFlags.Directory);
        long entries = Walk(io, root, digest);
        io.Close(root);
        return entries;
    }

    private long Walk(LinuxSystemCalls io, int fd, bool digest)
    {
        DirectoryListing listing = _pool.TryPop(out DirectoryListing? kept) ? kept : new DirectoryListing();
        if (_scanner.Scan(fd, Fields, listing) < 0)
        {
            return 0;
        }

        if (digest)
        {
            DirectoryDigest.Compute(listing, (DigestFields)0x1FF, null);
        }

        long entries = listing.Count;
        for (int i = 0; i < listing.Count; i++)
        {
            if (listing.Metadata(i).IsDirectory && io.OpenAt(fd, listing.Name(i), OpenFlags.Read | OpenFlags.Directory) is var child and >= 0)
            {
                entries += Walk(io, child, digest);
                io.Close(child);
            }
        }

        _pool.Push(listing);
        return entries;
    }
}
