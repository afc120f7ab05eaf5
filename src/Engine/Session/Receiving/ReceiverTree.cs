using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Filters;
using NativeSync.Engine.Session.Receiving.Places;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving;

/// <summary>
/// The directories under way at the receiving end, and what must happen when the last thing in one of them is done: the
/// sender is told that nothing more is wanted, and the directory gets its final attributes, children before parents.
/// </summary>
/// <remarks>Counters, goals and the table are guarded by <c>_gate</c>; file-system work is done outside of it.</remarks>
internal sealed class ReceiverTree : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<int, ReceiverDirectory> _directories = [];
    private readonly SyncContext _context;
    private readonly Action _onProgress;
    private readonly Func<ReceiverDirectory, DirectoryListing?> _rescan;
    private readonly EntryReconciler _reconciler;
    private volatile bool _rootFinished;

    // Of the dispatcher alone: how many directories have not told all their entries, whether more can come, and, with
    // --delete-before, those that wait until none is left.
    private int _unknown;
    private bool _allAnnounced;
    private List<ReceiverDirectory>? _held;

    public ReceiverTree(SyncContext context, DestinationRoot root, DirectoryGoal? rootGoal, IdentityMapper? identities, Action onProgress, Func<ReceiverDirectory, DirectoryListing?> rescan)
    {
        _context = context;
        _onProgress = onProgress;
        _rescan = rescan;
        _held = context.Has(JobFlags.Delete) && context.Options.DeleteTiming == DeleteTiming.Before ? [] : null;
        Root = root;
        RootGoal = rootGoal;
        Filters = context.FiltersIn(FilterSide.Receiver, root.Path, (path, errno) => Report(Operation.Open, errno, path));
        Handles = new DirectoryHandles(context.Io, root.Fd, context.Has(JobFlags.KeepDirLinks) || (context.Options.SourceOptions & SourceOptions.NoImpliedDirs) != 0);
        Outcomes = new OutcomeReporter(context, Statistics, new Confirmer(context, this));
        Attributes = new AttributeWriter(context, Outcomes, identities);
        Late = new LateWork(context, this);
        Placement = new Placement(context, this);
        Alternates = new AlternateDirectories(context, this);
        Bases = new BasisChoices(context, this);
        Basis = new BasisStage(context, this);
        Writers = new FileWriters(context, this);
        Deleter = new Deleter(context, this);
        Links = new HardLinker(context, this);
        _reconciler = new EntryReconciler(context, this);
    }

    public DestinationRoot Root { get; }

    /// <summary>The filter rules at work here.</summary>
    public FilterScope Filters { get; }

    public DirectoryHandles Handles { get; }

    public AttributeWriter Attributes { get; }

    public OutcomeReporter Outcomes { get; }

    public FileWriters Writers { get; }

    public BasisStage Basis { get; }

    public Deleter Deleter { get; }

    public Placement Placement { get; }

    public AlternateDirectories Alternates { get; }

    public BasisChoices Bases { get; }

    public LateWork Late { get; }

    /// <summary>
    /// True when what is missing here cannot come unasked: it may be elsewhere, or not be wanted, or nothing may come before all is known.
    /// </summary>
    public bool AsksForAll => Alternates.IsOn || _context.Has(JobFlags.Existing) || Placement.Partials.IsShared || _context.Options.DeleteTiming == DeleteTiming.Before;

    public HardLinker Links { get; }

    public Statistics Statistics { get; } = new();

    public Statistics SourceTotals { get; set; } = new();

    /// <summary>False while no directory was announced; at the end that means that the source could not be read at all.</summary>
    public bool HasRoot { get; private set; }

    /// <summary>True when no directory can get further children.</summary>
    public bool IsClosed
    {
        get
        {
            lock (_gate)
            {
                return _directories.Values.All(d => d.Closed);
            }
        }
    }

    /// <summary>True when the root and all below it is done.</summary>
    public bool IsDone => _rootFinished;

    private DirectoryGoal? RootGoal { get; }

    /// <summary>The filter rules in a directory here, from those in the one above it (null for the root).</summary>
    public DirectoryRules EnterRules(DirectoryRules? above, byte[] path, int fd) => above is null ? Filters.EnterRoot(fd) : Filters.Enter(above, path, fd);

    /// <summary>Looks whether the destination directory itself is to change, and reports it.</summary>
    public void CompareRoot(DirectoryScanner scanner)
    {
        if (RootGoal is not { } goal)
        {
            return;
        }

        if (goal.IsNew)
        {
            goal.Differs = true;
            Outcomes.Root(OutcomeKind.Created, goal.Metadata, Changes.New);
        }
        else if (_context.Io.Stat(Root.Fd, out var status) >= 0)
        {
            var changes = Attributes.Compare(goal.Metadata, goal.Xattrs, status.ToMetadata(), scanner.ReadXattrs(Root.Fd, _context.ScanFields));
            goal.Differs = changes != 0;
            Outcomes.Root(changes != 0 ? OutcomeKind.MetadataOnly : OutcomeKind.Unchanged, goal.Metadata, changes);
        }
    }

    public ReceiverDirectory Get(int id)
    {
        lock (_gate)
        {
            return _directories.TryGetValue(id, out var directory)
                ? directory
                : throw new ProtocolException(ProtocolError.BadOrder, $"directory {id} was not announced, or is done");
        }
    }

    /// <summary>Enters a new directory.</summary>
    public void Announce(ReceiverDirectory directory)
    {
        lock (_gate)
        {
            if (!_directories.TryAdd(directory.Id, directory))
            {
                throw new ProtocolException(ProtocolError.BadOrder, $"directory {directory.Id} is announced twice");
            }

            HasRoot = true;
            if (directory.Parent is not { } parent)
            {
                directory.Goal = RootGoal;
                directory.GoalKnown = true;
            }
            else
            {
                parent.ChildrenPending++;
                if (parent.Resolved)
                {
                    Claim(parent, directory);
                }
                else
                {
                    (parent.Unclaimed ??= []).Add(directory);
                }
            }

            if (directory.Skipped)
            {
                directory.Resolved = true;
                directory.Settled = true;
            }
            else
            {
                _unknown++;
            }
        }
    }

    /// <summary>Tells the sender the verdict.</summary>
    public void Answer(ReceiverDirectory directory, Verdict verdict)
    {
        using (var scope = _context.Outbox.Enter(Records.AnswerBound))
        {
            var writer = new WireWriter(scope.Room);
            Records.WriteAnswer(ref writer, directory.Id, verdict);
            scope.Commit(writer.Position);
        }

        if (verdict == Verdict.Skip)
        {
            _unknown--;
            lock (_gate)
            {
                directory.Resolved = true;
                directory.Settled = true;
            }

            Advance(directory);
        }
    }

    /// <summary>The directory's own entries are as they should be; its children are announced all the same.</summary>
    public void IsSame(ReceiverDirectory directory, DirectoryListing listing)
    {
        _unknown--;
        long bytes = 0;
        for (var i = 0; i < listing.Count; i++)
        {
            ref var metadata = ref listing.Metadata(i);
            if (metadata.IsDirectory)
            {
                directory.Goals.Add(new DirectoryGoal(listing.Name(i).ToArray(), metadata, listing.Xattrs(i).ToArray()));
            }
            else if (metadata.IsRegular)
            {
                bytes += metadata.Size;
            }
        }

        Interlocked.Increment(ref Statistics.DirectoriesSame);
        CountProgress(listing.Count, bytes);
        lock (_gate)
        {
            MarkResolved(directory);
            directory.Settled = true;
        }
    }

    /// <summary>All entries of a directory have come.</summary>
    public void EntriesAreHere(ReceiverDirectory directory)
    {
        _unknown--;
        if (_held is not null)
        {
            _held.Add(directory);
        }
        else
        {
            Resolve(directory);
        }

        AllMayBeKnown();
    }

    /// <summary>Everything has been announced; entries may still come.</summary>
    public void EndOfTree()
    {
        _allAnnounced = true;
        AllMayBeKnown();
    }

    /// <summary>All entries have come: brings about what can be done at once, and asks for the contents that are needed.</summary>
    private void Resolve(ReceiverDirectory directory)
    {
        if (directory.Skipped)
        {
            return;
        }

        if (directory.ViaLink)
        {
            directory.Local = _rescan(directory);
        }

        var wanted = _reconciler.Reconcile(directory);
        lock (_gate)
        {
            directory.ContentPending += wanted;
            MarkResolved(directory);
        }

        directory.Local = null;
        Advance(directory);
    }

    /// <summary>
    /// Once every entry is known: with --delete-before only now something is done, first all deletions, then the rest in the order
    /// in which it came. A set of hard links of which nothing is here gets its leader.
    /// </summary>
    private void AllMayBeKnown()
    {
        if (!_allAnnounced || _unknown > 0)
        {
            return;
        }

        if (_held is { } held)
        {
            _held = null;
            foreach (var directory in held)
            {
                _reconciler.DeleteExtraneous(directory);
            }

            foreach (var directory in held)
            {
                Resolve(directory);
            }
        }

        Links.AllAreKnown();
    }

    /// <summary>No more children of this directory will be announced.</summary>
    public void Close(ReceiverDirectory directory)
    {
        lock (_gate)
        {
            directory.Closed = true;
        }

        Advance(directory);
    }

    /// <summary>What the directory of that path is to look like; null when it looks like that, or that is not known.</summary>
    public DirectoryGoal? GoalOf(ReadOnlySpan<byte> path)
    {
        lock (_gate)
        {
            foreach (var directory in _directories.Values)
            {
                if (path.SequenceEqual(directory.Path))
                {
                    return directory.Goal;
                }
            }
        }

        return Late.GoalOf(path);
    }

    /// <summary>Something in the directory was made, renamed or removed.</summary>
    public void Touch(ReceiverDirectory directory)
    {
        lock (_gate)
        {
            directory.Touched = true;
        }
    }

    /// <summary>Nothing more is expected for one entry.</summary>
    public void ContentSettled(ReceiverDirectory directory, int index)
    {
        if (directory.Remote is { } remote)
        {
            remote.State(index) = ContentState.Done;
            if (remote.Entries.Metadata(index).IsRegular)
            {
                _context.Progress.Settled(0, _context.Observer is null ? 0 : remote.Entries.Metadata(index).Size);
            }
        }

        lock (_gate)
        {
            directory.ContentPending--;
        }

        Advance(directory);
    }

    /// <summary>The answer to a Compare: the content here is that of the source.</summary>
    public void ContentIsSame(ReceiverDirectory directory, int index)
    {
        if (!directory.Skipped)
        {
            if (_reconciler.ContentIsSame(directory, index))
            {
                ContentSettled(directory, index);
            }
        }
    }

    /// <summary>The answer to a Compare: the content must be transferred.</summary>
    public void ContentDiffers(ReceiverDirectory directory, int index)
    {
        if (directory.Skipped)
        {
            return;
        }

        if (_context.Has(JobFlags.DryRun))
        {
            Outcomes.Done(OutcomeKind.Updated, directory, index, directory.Remote!.Differences(index) | Changes.Content);
            ContentDone(directory, index, succeeded: true);
            return;
        }

        _reconciler.ContentDiffers(directory, index);
    }

    /// <summary>An entry's content is left as it is, on purpose.</summary>
    public void ContentSkipped(ReceiverDirectory directory, int index)
    {
        Outcomes.Skipped(directory, index, isNew: false);
        ContentDone(directory, index, succeeded: true);
    }

    /// <summary>A member of a set of hard links leads, and its content is needed.</summary>
    public void Appointed(ReceiverDirectory directory, int index) => _reconciler.Appointed(directory, index);

    /// <summary>An entry's content cannot be put in place; why is reported.</summary>
    public void ContentGivenUp(ReceiverDirectory directory, int index) => ContentDone(directory, index, succeeded: false);

    /// <summary>A writer is done with an entry's content.</summary>
    /// <param name="directory">Where the entry is.</param>
    /// <param name="index">The entry.</param>
    /// <param name="error">0, or -errno.</param>
    /// <param name="size">Bytes of the file.</param>
    /// <param name="literal">Of them, bytes that came as data.</param>
    /// <param name="matched">Of them, bytes that came from the basis.</param>
    /// <param name="digest">XXH3-128 of the content.</param>
    public void ContentWritten(ReceiverDirectory directory, int index, int error, long size, long literal, long matched, UInt128 digest = default)
    {
        if (error is -Errno.ENOSPC or -Errno.EDQUOT)
        {
            throw new SessionException(ExitCodes.FileIo,
                $"no space left at the destination ({Errno.Describe(-error)}) while writing \"{ByteText.Escape(PathOf(directory, index))}\"; make room there and run again");
        }

        if (error < 0)
        {
            Outcomes.Failed(directory, index, Operation.Write, -error);
        }
        else
        {
            Touch(directory);
            Interlocked.Increment(ref Statistics.FilesTransferred);
            Interlocked.Add(ref Statistics.TransferredSize, size);
            Interlocked.Add(ref Statistics.LiteralBytes, literal);
            Interlocked.Add(ref Statistics.MatchedBytes, matched);
            Interlocked.Add(ref Statistics.DeltaFiles, matched > 0 ? 1 : 0);
            var changes = directory.Remote!.Differences(index);
            Outcomes.Done((changes & Changes.New) != 0 ? OutcomeKind.Created : OutcomeKind.Updated, directory, index, changes | Changes.Content, literal, digest);
        }

        ContentDone(directory, index, error >= 0);
    }

    /// <summary>A writer's part of --copy-dest.</summary>
    public void CopyHere(ReceiverDirectory directory, int index) => _reconciler.CopyHere(directory, index);

    /// <summary>A writer has copied an entry's content from another place of this machine.</summary>
    public void ContentCopied(ReceiverDirectory directory, int index, int error)
    {
        if (error < 0)
        {
            ContentWritten(directory, index, error, 0, 0, 0);
            return;
        }

        Touch(directory);
        if (directory.Remote!.Differences(index) is var changes and not 0)
        {
            Outcomes.Done(OutcomeKind.Copied, directory, index, changes);
        }
        else
        {
            Outcomes.Unchanged(directory, index);
        }

        ContentDone(directory, index, succeeded: true);
    }

    /// <summary>What arrived is not what the source had: asked for again, and given up after a few times.</summary>
    public void ContentMismatch(ReceiverDirectory directory, int index)
    {
        if (MayAskAgain(directory, index))
        {
            AskWhole(directory, index);
            return;
        }

        Outcomes.Failed(directory, index, Operation.Verify, 0);
        ContentDone(directory, index, succeeded: false);
    }

    /// <summary>The sender cannot give an entry's content: what is here stays.</summary>
    public void SourceFailed(ReceiverDirectory directory, int index, int errno)
    {
        _context.Problems.Add(new SyncProblem(Operation.Read, errno, PathOf(directory, index), OnSource: true, Warning: errno == Errno.ENOENT));
        ContentDone(directory, index, succeeded: false);
    }

    /// <summary>The source changed while it was read, and did not hold still: what came is kept, and listed.</summary>
    public void SourceChanged(ReceiverDirectory directory, int index)
    {
        Interlocked.Increment(ref Statistics.Unstable);
        Outcomes.Problem(Operation.Changed, 0, PathOf(directory, index), warning: true, onSource: true);
    }

    /// <summary>Counts another attempt at a content; false when there have been enough.</summary>
    public bool MayAskAgain(ReceiverDirectory directory, int index) => directory.Remote!.Attempts(index)++ < 2;

    public ReadOnlySpan<byte> LocalName(ReceiverDirectory directory, int index) =>
        directory.Parent is null && Root.Rename is { } rename ? rename : directory.Remote!.Entries.Name(index);

    /// <summary>Path of an entry relative to the destination.</summary>
    public byte[] PathOf(ReceiverDirectory directory, int index) => PathBytes.Join(directory.Path, LocalName(directory, index));

    /// <summary>The content of an entry is in place, or cannot be had: whoever waits for it goes on.</summary>
    private void ContentDone(ReceiverDirectory directory, int index, bool succeeded)
    {
        Bases.Forget(directory, index);
        if (succeeded && Placement.Partials.TakeFound(directory.Id, index) && directory.Remote!.State(index) != ContentState.Aside)
        {
            RemovePartial(directory, index);
        }

        Links.LeaderDone(directory.Remote!.Group(index), succeeded, directory.Remote.State(index) == ContentState.Aside);
        ContentSettled(directory, index);
    }

    private void RemovePartial(ReceiverDirectory directory, int index)
    {
        var handle = Handles.Take(directory);
        if (handle.Fd >= 0)
        {
            Placement.Partials.Remove(handle.Fd, LocalName(directory, index));
        }

        Handles.Return(handle);
    }

    /// <summary>Asks for a file again, whole.</summary>
    public void AskWhole(ReceiverDirectory directory, int index)
    {
        directory.Remote!.State(index) = ContentState.Awaited;
        Bases.Forget(directory, index);
        using var scope = _context.Outbox.Enter(Records.WantBound);
        var writer = new WireWriter(scope.Room);
        Records.WriteWant(ref writer, directory.Id, index);
        scope.Commit(writer.Position);
    }

    /// <summary>Trouble at this end with one path.</summary>
    public void Report(Operation operation, int errno, byte[] path) => Outcomes.Problem(operation, errno, path);

    /// <summary>The counts of both ends.</summary>
    public Statistics TakeStatistics()
    {
        Statistics.Entries = SourceTotals.Entries;
        Statistics.Files = SourceTotals.Files;
        Statistics.Directories = SourceTotals.Directories;
        Statistics.SymbolicLinks = SourceTotals.SymbolicLinks;
        Statistics.Devices = SourceTotals.Devices;
        Statistics.Specials = SourceTotals.Specials;
        Statistics.TotalSize = SourceTotals.TotalSize;
        return Statistics;
    }

    public void CountProgress(long entries, long bytes)
    {
        if (_context.Observer is not null)
        {
            _context.Progress.Found(entries, bytes);
            _context.Progress.Settled(entries, bytes);
        }
    }

    public void Dispose()
    {
        Writers.Dispose();
        Basis.Dispose();
        Placement.Dispose();
        Alternates.Dispose();
        Handles.Dispose();
        if (Root.Fd >= 0)
        {
            _context.Io.Close(Root.Fd);
        }
    }

    private static void Claim(ReceiverDirectory parent, ReceiverDirectory child)
    {
        child.Goal = parent.FindGoal(child.Name);
        child.GoalKnown = true;
        if (child is { Skipped: false, Goal: { } goal })
        {
            goal.Claimed = true;
        }
    }

    /// <summary>Under the gate.</summary>
    private static void MarkResolved(ReceiverDirectory directory)
    {
        directory.Resolved = true;
        foreach (var child in directory.Unclaimed ?? [])
        {
            Claim(directory, child);
        }
    }

    /// <summary>Does what has become possible for a directory, and then for those above it.</summary>
    private void Advance(ReceiverDirectory start)
    {
        for (var directory = start; directory is not null; directory = directory.Parent)
        {
            bool settle;
            bool finish;
            List<ReceiverDirectory>? claimed;
            lock (_gate)
            {
                settle = directory is { Resolved: true, Settled: false, ContentPending: 0 };
                directory.Settled |= settle;
                finish = directory is { Settled: true, Closed: true, GoalKnown: true, ChildrenPending: 0, ContentPending: 0, Finished: false };
                directory.Finished |= finish;
                claimed = directory.Resolved ? directory.Unclaimed : null;
                directory.Unclaimed = directory.Resolved ? null : directory.Unclaimed;
            }

            if (settle)
            {
                directory.Remote = null;
                using var scope = _context.Outbox.Enter(Records.SettledBound);
                var writer = new WireWriter(scope.Room);
                Records.WriteSettled(ref writer, directory.Id);
                scope.Commit(writer.Position);
            }

            foreach (var child in claimed ?? [])
            {
                Advance(child);
            }

            if (!finish)
            {
                return;
            }

            Finish(directory);
            lock (_gate)
            {
                // The unasked contents of one that could not be made may still be under way: it stays known, and they are dropped.
                if (directory is not { Void: true, Skipped: true })
                {
                    _directories.Remove(directory.Id);
                }

                if (directory.Parent is { } parent)
                {
                    parent.ChildrenPending--;
                }
            }

            if (directory.Parent is null)
            {
                Attributes.Locks.Set(Root.Fd);
                Attributes.Unkept.Tell(Outcomes);
                _rootFinished = true;
                _onProgress();
            }
        }
    }

    /// <summary>Gives the directory, and child directories that were not walked, their final attributes.</summary>
    private void Finish(ReceiverDirectory directory)
    {
        if (!directory.Skipped && !_context.Has(JobFlags.DryRun))
        {
            foreach (var goal in directory.Goals)
            {
                if (goal is { Claimed: false, Differs: true, IsPassage: false })
                {
                    ApplyGoal(PathBytes.Join(directory.Path, goal.Name), goal);
                }
            }

            if (directory.Goal is { IsPassage: false } own && (directory.Touched || own.Differs))
            {
                ApplyGoal(directory.Path, own);
            }
        }

        Handles.Forget(directory);
        Alternates.Forget(directory);
    }

    private void ApplyGoal(byte[] path, DirectoryGoal goal)
    {
        if (Late.IsExpected)
        {
            Late.AddGoal(path, goal);
        }
        else
        {
            Attributes.ApplyToDirectory(Handles, path, goal);
        }
    }
}
