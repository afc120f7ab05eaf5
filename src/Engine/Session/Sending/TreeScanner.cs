using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Filters;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Sending;

/// <summary>
/// Walks the sources depth first in byte order and announces each directory with its digest, without waiting for
/// answers, until the sender's window is full. docs/protocol.md, "Flow of a push".
/// </summary>
internal sealed class TreeScanner
{
    /// <summary>
    /// How often a link may lead back to a directory that it lies below. One loop takes 40 rounds, until the path has more links
    /// than the kernel passes; two side by side would take 2^40.
    /// </summary>
    private const int MostRounds = 1000;

    /// <summary>
    /// Entries that are scanned before the receiver hears of them: a few milliseconds of work. With more, the two ends would look at their
    /// trees in turn instead of at once; with less, small directories would cost a pack each.
    /// </summary>
    private const int MostHeld = 2000;

    private readonly SyncContext _context;
    private readonly SourceTree _sources;
    private readonly SenderTable _table;
    private readonly LinkGroups _links;
    private readonly Statistics _statistics;
    private readonly DirectoryScanner _scanner;
    private readonly LinkFollower _follower;
    private readonly SourceListings _listings;
    private readonly IdentityMapper? _identities;
    private readonly EmptyDirectories _emptiness;
    private readonly ScanFields _fields;
    private readonly HashSet<ulong> _oneFileSystem = [];
    private int _nextId;
    private int _rounds;
    private int _held;

    public TreeScanner(SyncContext context, SourceTree sources, SenderTable table, LinkGroups links, Statistics statistics)
    {
        _context = context;
        _sources = sources;
        _table = table;
        _links = links;
        _statistics = statistics;
        _scanner = new DirectoryScanner(context.Io, context.XattrFilter(FilterSide.Sender));
        _follower = new LinkFollower(context);
        _fields = context.SendFields;
        _listings = new SourceListings(context, table, _scanner, _follower, _fields);
        _emptiness = new EmptyDirectories(context);
        _identities = context.Has(JobFlags.NumericIds) ? null : new IdentityMapper(IdentityMap.Load(context.Io));
    }

    public void Run()
    {
        if (_context.Changes is { } changes)
        {
            List<byte[]> roots = [];
            AddRoots(_sources.Root, roots);
            changes.Begin(roots, RefusalToFollow());
        }

        AnnounceRoot();
        var root = new SenderDirectory(_nextId++, null, [], [.. _sources.Root.Contents.Select(c => c.Origin)]) { Node = _sources.Root };
        var walk = new Stack<Step>();
        if (Visit(root, []) is { } first)
        {
            walk.Push(first);
        }

        while (walk.TryPeek(out var step))
        {
            if (step.Next == step.Children.Count || _table.IsSkipped(step.Directory))
            {
                walk.Pop();
                Close(step.Directory);
                continue;
            }

            var child = step.Children[step.Next++];
            if (Visit(child.Open(_nextId++, step.Directory), child.Name) is { } below)
            {
                walk.Push(below);
            }
        }

        _context.Progress.TotalsAreFinal();
        using var scope = _context.Outbox.Enter(Records.EndOfTreeBound);
        var writer = new WireWriter(scope.Room);
        Records.WriteEndOfTree(ref writer, _statistics);
        scope.Commit(writer.Position);
        _context.Outbox.Flush();
    }

    /// <summary>The directories that the operator named.</summary>
    private static void AddRoots(SourceNode node, List<byte[]> to)
    {
        foreach (var (origin, _) in node.Contents)
        {
            to.Add(origin.RealPath);
        }

        foreach (var child in node.Children)
        {
            AddRoots(child, to);
        }
    }

    /// <summary>What depends on more than what happens in a directory itself, or on what is no event, takes a look at everything.</summary>
    private string? RefusalToFollow() =>
        _follower.IsActive ? "links are followed"
        : _context.Has(JobFlags.FileFlags) || _context.Has(JobFlags.ProjectIds) ? "inode flags and project ids change without an event"
        : _context.Has(JobFlags.AccessTimes) ? "reading is followed by nobody"
        : _context.Has(JobFlags.PruneEmptyDirectories) ? "whether a directory is empty shows below it"
        : _context.Filters.HasDirMerges ? "a rule file counts for all that is below it"
        : (_context.Options.SourceOptions & SourceOptions.CopyDevices) != 0 ? "what is written to a device is no event"
        : IsMerged(_sources.Root) ? "several sources share a directory, and what is gone from one shows that of another"
        : null;

    /// <summary>Whether the contents of several sources may meet at or below a name.</summary>
    private static bool IsMerged(SourceNode node) =>
        node.Contents.Count > 1 || (node.Contents.Count > 0 && node.Children.Count > 0) || node.Children.Any(IsMerged);

    private void AnnounceRoot()
    {
        var flags = _sources.IsSingleFile ? RootFlags.SingleFile : _sources.IsEmpty ? RootFlags.Nothing : 0;
        var metadata = default(Entry);
        if (_sources.Root.Own is { } place)
        {
            var fd = place.Take();
            FileStatus status = default;
            var error = fd < 0 ? fd : _context.Io.Stat(fd, out status);
            if (error < 0)
            {
                SenderProblems.Report(_context, new SyncProblem(Operation.Stat, -error, "."u8.ToArray(), OnSource: true, Warning: false));
            }
            else
            {
                flags = RootFlags.Attributes;
                _oneFileSystem.Add(status.Device);
                Interlocked.Increment(ref _statistics.Entries);
                Interlocked.Increment(ref _statistics.Directories);
                _context.Progress.Found(1, 0);
                _context.Progress.Settled(1, 0);
                metadata.Metadata = status.ToMetadata();
                _scanner.ReadInode(fd, _fields, ref metadata.Metadata);
                Adjust(ref metadata.Metadata);
                _sources.Metadata = metadata.Metadata;
                metadata.Xattrs = _scanner.ReadXattrs(fd, _fields);
                new IdentityAnnouncer(_context).Announce(metadata.Metadata.Uid, metadata.Metadata.Gid, metadata.Xattrs);
            }

            place.Return(fd);
        }

        using (var scope = _context.Outbox.Enter(Records.RootBound(metadata)))
        {
            var writer = new WireWriter(scope.Room);
            Records.WriteRoot(ref writer, flags, metadata);
            scope.Commit(writer.Position);
        }
    }

    /// <summary>Scans and announces one directory.</summary>
    /// <returns>What to walk below it; null when it could not be read and was not announced.</returns>
    private Step? Visit(SenderDirectory directory, byte[] name)
    {
        if (_table.IsFull)
        {
            _context.Outbox.Flush();
            _table.WaitForRoom();
        }

        if (_held > MostHeld)
        {
            _held = 0;
            _context.Outbox.Flush();
        }

        RecordOutbox.Hold();
        if (!_listings.TryScan(directory))
        {
            _context.Changes?.WillNotBeListed();
            return null;
        }

        var children = Survey(directory);
        _held += directory.Listing.Count;
        _table.Add(directory);
        var digest = !_context.DigestsDecide || directory.IsSelected || directory.Marks is not null || _table.IsVoid(directory) || HasUnwanted(directory.Listing)
            ? DirectoryDigest.Never()
            : DirectoryDigest.Compute(directory.Listing, _context.DigestFields, _identities);
        using (var scope = _context.Outbox.Enter(Records.ProbeBound))
        {
            var writer = new WireWriter(scope.Room);
            Records.WriteProbe(ref writer, directory.Id, directory.Parent?.Id ?? 0, name, digest);
            scope.Commit(writer.Position);
        }

        _table.Announced(directory);
        return new Step(directory, children);
    }

    /// <summary>What is not transferred because of its type is told by name, so the receiver must see the names.</summary>
    private bool HasUnwanted(DirectoryListing listing)
    {
        for (var i = 0; i < listing.Count; i++)
        {
            if (!EntrySelection.IsTypeWanted(_context, listing.Metadata(i)))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Drops what is not to be transferred, counts the rest, and collects the directories to descend into.</summary>
    private List<Child> Survey(SenderDirectory directory)
    {
        var listing = directory.Listing;
        ReportProblems(directory);
        LeaveOutDirectories(directory);
        var children = new List<Child>();
        var totals = new TreeTotals();
        for (var i = 0; i < listing.Count; i++)
        {
            ref var metadata = ref listing.Metadata(i);
            Adjust(ref metadata);
            var node = directory.Node?.Find(listing.Name(i));
            if (node is { Mark: not EntryMark.None })
            {
                (directory.Marks ??= new EntryMark[listing.Count])[i] = node.Mark;
                if (node.Mark == EntryMark.Missing)
                {
                    continue;
                }
            }

            totals.Count(metadata);
            if (metadata.IsDirectory)
            {
                var within = IsWithin(listing.Identity(i).Device, node);
                if (node is null && !MayHaveChanged(directory, i))
                {
                    continue;
                }

                if (within && ChildOf(directory, i, node) is { } child)
                {
                    children.Add(child);
                }
                else
                {
                    _context.Changes?.WillNotBeListed();
                }
            }
            else if (metadata.IsRegular)
            {
                directory.ContentBytes += metadata.Size;
            }
        }

        if (_context.Has(JobFlags.HardLinks))
        {
            directory.LinkGroups = _links.Assign(listing, directory.Path);
        }

        totals.AddTo(_statistics);
        _context.Progress.Found(listing.Count, directory.ContentBytes);
        return children;
    }

    /// <summary>Drops mount points (-xx) and directories with nothing but directories below (-m).</summary>
    private void LeaveOutDirectories(SenderDirectory directory)
    {
        if ((_context.Flags & (JobFlags.OmitMountPoints | JobFlags.PruneEmptyDirectories)) == 0)
        {
            return;
        }

        var kept = new List<int>();
        directory.Listing.Keep(directory, (listing, i, parent) =>
        {
            var node = parent.Node?.Find(listing.Name(i));
            var keep = !listing.Metadata(i).IsDirectory || (
                (!_context.Has(JobFlags.OmitMountPoints) || IsWithin(listing.Identity(i).Device, node))
                && (!_context.Has(JobFlags.PruneEmptyDirectories) || HasContent(parent, i, node)));
            if (keep)
            {
                kept.Add(i);
            }

            return keep;
        });
        directory.EntryOrigins = directory.EntryOrigins is { } origins ? [.. kept.Select(i => origins[i])] : null;
    }

    private bool HasContent(SenderDirectory parent, int index, SourceNode? node)
    {
        var listing = parent.Listing;
        var within = IsWithin(listing.Identity(index).Device, node);
        return node is { Children.Count: > 0 }
            || _emptiness.HasContent(within ? ContentsOf(parent, index, node) : [], PathBytes.Join(parent.Path, listing.Name(index)));
    }

    /// <summary>What travels of an entry, where that is not simply what it is.</summary>
    private void Adjust(ref EntryMetadata metadata)
    {
        metadata.Mode = _context.ChangeMode?.Apply(metadata.Mode) ?? metadata.Mode;
        metadata.HasAccessed = _context.Has(JobFlags.AccessTimes) && !metadata.IsDirectory;
    }

    /// <summary>False for a mount point that --one-file-system leaves empty. A source that is named itself defines its own file system.</summary>
    private bool IsWithin(ulong device, SourceNode? node)
    {
        if (node is not null)
        {
            _oneFileSystem.Add(device);
        }

        return !_context.Has(JobFlags.OneFileSystem) || _oneFileSystem.Contains(device);
    }

    /// <summary>Whether a narrow pass looks at a directory.</summary>
    private bool MayHaveChanged(SenderDirectory directory, int index)
    {
        if (_context.Changes is not { IsNarrow: true } changes)
        {
            return true;
        }

        foreach (var origin in directory.Contents)
        {
            if (changes.Contains(origin.Child(directory.Listing.Name(index)).RealPath))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The directory to descend into; null when nothing of its contents is wanted.</summary>
    private Child? ChildOf(SenderDirectory directory, int index, SourceNode? node)
    {
        var name = directory.Listing.Name(index).ToArray();
        var contents = ContentsOf(directory, index, node);
        ref var identity = ref directory.Listing.Identity(index);
        if ((contents.Length == 0 && node is not { Children.Count: > 0 }) || (identity.Followed && IsEndlessLoop(directory, identity, name)))
        {
            return null;
        }

        return new Child(name, PathBytes.Join(directory.Path, name), contents, node, (identity.Device, identity.Inode));
    }

    /// <summary>Where the contents of a directory are that are sent.</summary>
    private Origin[] ContentsOf(SenderDirectory directory, int index, SourceNode? node)
    {
        var contents = new List<Origin>();
        if (_context.Has(JobFlags.Recursive))
        {
            var name = directory.Listing.Name(index).ToArray();
            foreach (var origin in directory.Contents)
            {
                if (Descend(directory, origin, name) is { } below)
                {
                    contents.Add(below);
                }
            }
        }

        foreach (var (origin, _) in node?.Contents ?? [])
        {
            contents.Add(origin);
        }

        return [.. contents];
    }

    private Origin? Descend(SenderDirectory directory, in Origin origin, byte[] name)
    {
        if (directory.Contents.Length == 1 && directory.EntryOrigins is null && !_follower.IsActive)
        {
            return origin.Child(name);
        }

        return origin.Shows(PathBytes.Join(directory.Path, name)) ? _follower.Descend(origin, name, LinkSafety.Depth(directory.Path)) : null;
    }

    private bool IsEndlessLoop(SenderDirectory directory, in FileIdentity identity, byte[] name)
    {
        for (var above = directory; above is not null; above = above.Parent)
        {
            if (above.Identity == (identity.Device, identity.Inode) && ++_rounds > MostRounds)
            {
                SenderProblems.Unreadable(_context, PathBytes.Join(directory.Path, name), -Errno.ELOOP);
                return true;
            }
        }

        return false;
    }

    private void Close(SenderDirectory directory)
    {
        using var scope = _context.Outbox.Enter(Records.CloseBound);
        var writer = new WireWriter(scope.Room);
        Records.WriteClose(ref writer, directory.Id);
        scope.Commit(writer.Position);
    }

    private void ReportProblems(SenderDirectory directory)
    {
        foreach (var problem in directory.Listing.Problems ?? [])
        {
            SenderProblems.Report(_context, new SyncProblem(
                problem.Operation, problem.Error, PathBytes.Join(directory.Path, problem.Name), OnSource: true, Warning: false));
        }
    }

    /// <summary>A directory to descend into.</summary>
    private sealed record Child(byte[] Name, byte[] Path, Origin[] Contents, SourceNode? Node, (ulong Device, ulong Inode) Identity)
    {
        public SenderDirectory Open(int id, SenderDirectory parent) => new(id, parent, Path, Contents) { Node = Node, Identity = Identity };
    }

    /// <summary>A directory on the way down, and which child is next.</summary>
    private sealed class Step(SenderDirectory directory, List<Child> children)
    {
        public SenderDirectory Directory { get; } = directory;

        public List<Child> Children { get; } = children;

        public int Next { get; set; }
    }
}
