using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Verify;

/// <summary>
/// One directory under way from the walker through the readers to the writer. The listing does not change once the walker has
/// handed it on; each digest is written by the one reader that took its index; <see cref="Completed"/> publishes them.
/// </summary>
internal sealed class ManifestDirectory
{
    private readonly TaskCompletionSource _completed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private readonly List<ManifestFault> _faults = [];
    private int _next = -1;
    private int _pending = 1;

    public required int Id { get; init; }
    public required int Parent { get; init; }
    public required byte[] Path { get; init; }
    public required byte[] Name { get; init; }
    public required DirectoryListing Listing { get; init; }

    /// <summary>Kept open until every file is read; null for a directory that could not be opened.</summary>
    public required DirectoryHandle? Handle { get; init; }

    /// <summary>Digests by index; empty for a directory without files.</summary>
    public UInt128[] Digests { get; set; } = [];

    /// <summary>Which digests are there.</summary>
    public bool[] HasDigest { get; set; } = [];

    /// <summary>Entry by entry; null where a file has one name; null for a directory without any.</summary>
    public LinkedFile?[]? Links { get; set; }

    /// <summary>Whether the name is the first of its file; null like Links.</summary>
    public bool[]? FirstOfLinks { get; set; }

    /// <summary>Files whose content is to be read.</summary>
    public int FilesToRead { get; set; }

    public Task Completed => _completed.Task;

    /// <summary>Trouble met while reading contents; sorted by index. Valid after completion.</summary>
    public IReadOnlyList<ManifestFault> Faults => _faults;

    /// <summary>The next index to work on, or -1.</summary>
    public int TakeNext()
    {
        while (true)
        {
            int index = Interlocked.Increment(ref _next);
            if (index >= Listing.Count)
            {
                return -1;
            }

            if (NeedsDigest(index))
            {
                return index;
            }
        }
    }

    /// <summary>A regular file, and the first of its names.</summary>
    public bool NeedsDigest(int index) => Listing.Metadata(index).IsRegular && (FirstOfLinks == null || Links![index] == null || FirstOfLinks[index]);

    /// <summary>One more reader works on this directory.</summary>
    public void AddWorker() => Interlocked.Increment(ref _pending);

    /// <summary>A reader, or the walker, is done; the last one completes.</summary>
    public void Done()
    {
        if (Interlocked.Decrement(ref _pending) == 0)
        {
            Handle?.Release();
            _faults.Sort(static (x, y) => x.Index.CompareTo(y.Index));
            _completed.TrySetResult();
        }
    }

    public void AddFault(ManifestFault fault)
    {
        lock (_gate)
        {
            _faults.Add(fault);
        }
    }
}

/// <summary>A file whose content could not be read, or did not hold still (a warning).</summary>
internal readonly record struct ManifestFault(int Index, Operation Operation, int Error, bool Warning);

/// <summary>A directory's descriptor, shared by the walker and the readers; the last one closes it.</summary>
internal sealed class DirectoryHandle(ISystemCalls io, int fd)
{
    private int _references = 1;

    public int Fd => fd;

    public void AddReference() => Interlocked.Increment(ref _references);

    public void Release()
    {
        if (Interlocked.Decrement(ref _references) == 0)
        {
            io.Close(fd);
        }
    }
}
