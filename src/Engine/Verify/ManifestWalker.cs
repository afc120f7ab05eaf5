using System.Threading.Channels;
using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Filters;
using NativeSync.Engine.Session;
using NativeSync.Protocol;

namespace NativeSync.Engine.Verify;

/// <summary>
/// Scans directories depth first and hands each to the readers and to the writer. The way down is kept as a stack of handles; of a
/// very deep one the upper handles are let go and opened again, below the root handle and without following links, on the way back.
/// </summary>
internal sealed class ManifestWalker(ISystemCalls io, ManifestOptions options, FileReaders readers, ChannelWriter<ManifestStep> steps)
{
    /// <summary>Handles kept on the way down; directories under way to the writer come on top.</summary>
    private const int MaxHandles = 128;

    private sealed class Frame
    {
        public required ManifestDirectory Directory { get; init; }
        public required FileStatus Status { get; init; }
        public DirectoryHandle? Handle { get; set; }
        public required DirectoryRules Rules { get; init; }
        public int NextChild { get; set; }
    }

    private readonly DirectoryScanner _scanner = new(io, options.Filters.HasXattrRules ? name => options.Filters.IncludesXattr(name, FilterSide.Sender) ?? true : null);
    private readonly LinkTable _links = new();
    private readonly PathBuilder _path = new();
    private readonly List<Frame> _stack = [];

    /// <summary>Rule files of the directory under scan that cannot be read.</summary>
    private readonly List<(byte[] Path, int Error)> _unreadableRules = [];
    private FilterScope _filters = null!;
    private int _lastId = -1;

    public async Task RunAsync(ManifestRoot root, CancellationToken ct)
    {
        DirectoryHandle rootHandle = new(io, root.Fd);
        try
        {
            _filters = new FilterScope(options.Filters, io, FilterSide.Sender, options.Filters.NeedsRootPath ? RootPath.Of(io, root.Path) : [],
                options.Has(JobFlags.NulRuleFiles), (path, error) => _unreadableRules.Add((path, error)));
            if (root.SingleName != null)
            {
                await HandOnAsync(SingleEntry(root, rootHandle), ct).ConfigureAwait(false);
                await steps.WriteAsync(new ManifestStep(null, 0), ct).ConfigureAwait(false);
                return;
            }

            rootHandle.AddReference();
            await PushAsync(rootHandle, root.Status, [], 0, ct).ConfigureAwait(false);
            while (_stack.Count > 0)
            {
                await StepAsync(rootHandle, ct).ConfigureAwait(false);
            }
        }
        catch (FilterException e)
        {
            SessionException reason = new(e.ExitCode, e.Message, e);
            steps.TryComplete(reason);
            throw reason;
        }
        catch (Exception e)
        {
            steps.TryComplete(e);
            throw;
        }
        finally
        {
            foreach (Frame frame in _stack)
            {
                frame.Handle?.Release();
            }

            rootHandle.Release();
            readers.Complete();
            steps.TryComplete();
        }
    }

    private async ValueTask StepAsync(DirectoryHandle root, CancellationToken ct)
    {
        Frame top = _stack[^1];
        DirectoryListing listing = top.Directory.Listing;
        while (top.NextChild < listing.Count && !IsToWalk(listing, top.NextChild, top.Status.Device))
        {
            top.NextChild++;
        }

        if (top.NextChild == listing.Count)
        {
            _stack.RemoveAt(_stack.Count - 1);
            top.Handle?.Release();
            await steps.WriteAsync(new ManifestStep(null, top.Directory.Id), ct).ConfigureAwait(false);
            return;
        }

        int child = top.NextChild++;
        byte[] name = listing.Name(child).ToArray();
        int fd = OpenChild(root, top, child, out FileStatus status);
        if (fd < 0)
        {
            await UnreadableAsync(top, name, -fd, ct).ConfigureAwait(false);
            return;
        }

        await PushAsync(new DirectoryHandle(io, fd), status, name, top.Directory.Id, ct).ConfigureAwait(false);
    }

    private bool IsToWalk(DirectoryListing listing, int index, ulong device) =>
        listing.Metadata(index).IsDirectory && (!options.Has(JobFlags.OneFileSystem) || listing.Identity(index).Device == device);

    private int OpenChild(DirectoryHandle root, Frame parent, int index, out FileStatus status)
    {
        status = default;
        if (parent.Handle == null)
        {
            int again = io.OpenBeneath(root.Fd, parent.Directory.Path, OpenFlags.Read | OpenFlags.Directory);
            if (again < 0)
            {
                return again;
            }

            parent.Handle = new DirectoryHandle(io, again);
            int same = io.Stat(again, out FileStatus now);
            if (same < 0 || !now.SameObject(parent.Status))
            {
                return same < 0 ? same : -Errno.ESTALE; // moved meanwhile: what lies here now is something else
            }
        }

        int fd = io.OpenAt(parent.Handle.Fd, parent.Directory.Listing.Name(index), OpenFlags.Read | OpenFlags.Directory);
        if (fd < 0)
        {
            return fd;
        }

        int error = io.Stat(fd, out status);
        if (error < 0)
        {
            io.Close(fd);
            return error;
        }

        return fd;
    }

    private async ValueTask PushAsync(DirectoryHandle handle, FileStatus status, byte[] name, int parent, CancellationToken ct)
    {
        if (_stack.Count > 0)
        {
            _path.Assign(_stack[^1].Directory.Path);
            _path.Push(name);
        }

        DirectoryRules rules = _stack.Count == 0 ? _filters.EnterRoot(handle.Fd) : _filters.Enter(_stack[^1].Rules, _path.Span, handle.Fd);
        ManifestDirectory directory = Scan(handle, name, parent, rules);
        Frame frame = new() { Directory = directory, Status = status, Handle = handle, Rules = rules };
        handle.AddReference(); // the directory's own; the one that came in stays with the frame
        _stack.Add(frame);
        if (_stack.Count > MaxHandles && _stack[^(MaxHandles + 1)] is { Handle: { } upper } old)
        {
            old.Handle = null;
            upper.Release();
        }

        await HandOnAsync(directory, ct).ConfigureAwait(false);
    }

    private ManifestDirectory Scan(DirectoryHandle handle, byte[] name, int parent, DirectoryRules rules)
    {
        DirectoryListing listing = new();
        int error = _scanner.Scan(handle.Fd, options.ScanFields, listing);
        if (error < 0)
        {
            listing.AddProblem(Operation.ReadDirectory, -error, []);
            listing.Incomplete = true;
        }

        byte[] path = _path.ToArray();
        listing.Keep(options, static (from, i, o) => o.IsWanted(from.Metadata(i)));
        EntrySelection.ForSending(rules, listing, path);
        foreach ((byte[] file, int errno) in _unreadableRules)
        {
            listing.AddProblem(Operation.Open, errno, RuleText.FileName(file));
        }

        _unreadableRules.Clear();
        ManifestDirectory directory = new() { Id = ++_lastId, Parent = parent, Path = path, Name = name, Listing = listing, Handle = handle };
        Prepare(directory);
        return directory;
    }

    /// <summary>Finds the files with several names and counts what is to be read.</summary>
    private void Prepare(ManifestDirectory directory)
    {
        DirectoryListing listing = directory.Listing;
        int files = 0;
        for (int i = 0; i < listing.Count; i++)
        {
            ref EntryMetadata metadata = ref listing.Metadata(i);
            bool first = true;
            if (!metadata.IsDirectory && listing.Identity(i).LinkCount > 1)
            {
                directory.Links ??= new LinkedFile?[listing.Count];
                directory.FirstOfLinks ??= new bool[listing.Count];
                directory.Links[i] = _links.Meet(listing.Identity(i), directory.Path, listing.Name(i), out first);
                directory.FirstOfLinks[i] = first;
            }

            if (metadata.IsRegular && first)
            {
                files++;
            }

            if (metadata.IsDirectory)
            {
                metadata.Size = 0; // says nothing about the content
            }
        }

        directory.FilesToRead = files;
        if (files > 0)
        {
            directory.Digests = new UInt128[listing.Count];
            directory.HasDigest = new bool[listing.Count];
        }
    }

    private async ValueTask HandOnAsync(ManifestDirectory directory, CancellationToken ct)
    {
        readers.Enqueue(directory);
        directory.Done(); // the walker's own share
        await steps.WriteAsync(new ManifestStep(directory, 0), ct).ConfigureAwait(false);
    }

    private async ValueTask UnreadableAsync(Frame parent, byte[] name, int error, CancellationToken ct)
    {
        _path.Assign(parent.Directory.Path);
        _path.Push(name);
        DirectoryListing listing = new() { Incomplete = true };
        listing.AddProblem(error == Errno.ENOENT ? Operation.Vanished : Operation.Open, error, []);
        ManifestDirectory directory = new() { Id = ++_lastId, Parent = parent.Directory.Id, Path = _path.ToArray(), Name = name, Listing = listing, Handle = null };
        await HandOnAsync(directory, ct).ConfigureAwait(false);
        await steps.WriteAsync(new ManifestStep(null, directory.Id), ct).ConfigureAwait(false);
    }

    private ManifestDirectory SingleEntry(ManifestRoot root, DirectoryHandle handle)
    {
        DirectoryListing listing = new();
        int error = _scanner.ScanName(root.Fd, root.SingleName!, options.ScanFields, listing);
        if (error < 0)
        {
            listing.Clear();
            listing.AddProblem(Operation.Stat, -error, root.SingleName!);
            listing.Incomplete = true;
        }

        handle.AddReference();
        ManifestDirectory directory = new() { Id = ++_lastId, Parent = 0, Path = [], Name = [], Listing = listing, Handle = handle };
        Prepare(directory);
        return directory;
    }
}
