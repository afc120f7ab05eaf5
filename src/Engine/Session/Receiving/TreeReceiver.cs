using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Filters;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving;

/// <summary>
/// The receiving end: compares what the sender announces with what is here, asks for what differs, and brings it about.
/// docs/protocol.md, "Flow of a push".
/// </summary>
/// <remarks>
/// One dispatcher thread takes the packs in order and does what concerns structure: comparing, directories, links, deletions.
/// Contents go to writer threads; signatures and digests of what is here are made by the basis thread. The dispatcher may
/// wait for the lane and for writers, never for the basis thread; writers wait for nobody but the lane.
/// </remarks>
internal sealed class TreeReceiver : IDisposable
{
    private const int PacksInMemory = 16;

    private readonly SyncContext _context;
    private readonly byte[] _destination;
    private readonly SemaphoreSlim _packs = new(PacksInMemory);
    private readonly PackQueue _queue;
    private readonly DirectoryScanner _scanner;
    private readonly XattrFilter? _xattrFilter;
    private readonly IdentityMapper? _identities;
    private readonly TaskCompletionSource<Statistics> _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ReceiverTree? _tree;
    private volatile bool _sawEnd;
    private bool _isNothing;
    private int _finishing;

    public TreeReceiver(SyncContext context, byte[] destination)
    {
        _context = context;
        _destination = destination;
        _queue = new PackQueue(context.Abort);
        _xattrFilter = context.XattrFilter(FilterSide.Receiver);
        _scanner = new DirectoryScanner(context.Io, _xattrFilter);
        _identities = MakeMapper(context);
    }

    /// <summary>null: numbers stay what they are.</summary>
    private static IdentityMapper? MakeMapper(SyncContext context)
    {
        var options = context.Options;
        if (context.Has(JobFlags.NumericIds) && options.UserMap.Length == 0 && options.GroupMap.Length == 0)
        {
            return null;
        }

        var local = IdentityMap.Load(context.Io);
        var users = options.UserMap.Length > 0 ? IdentityRules.Parse(options.UserMap, "--usermap", name => local.UserId(name)) : null;
        var groups = options.GroupMap.Length > 0 ? IdentityRules.Parse(options.GroupMap, "--groupmap", name => local.GroupId(name)) : null;
        return new IdentityMapper(local, users, groups, byName: !context.Has(JobFlags.NumericIds))
        {
            UnknownNames = [.. users?.Unknown ?? [], .. groups?.Unknown ?? []],
        };
    }

    /// <summary>The sender's totals and this end's counts, once everything is done.</summary>
    public Task<Statistics> Finished => _finished.Task;

    /// <summary>Takes a pack from the receive loop; never waits.</summary>
    public void Receive(InboundPack pack)
    {
        if (_queue.TryAdd(pack))
        {
            return;
        }

        try
        {
            if (_finished.Task.IsCompletedSuccessfully)
            {
                HandleLate(pack);
            }
        }
        finally
        {
            pack.Release();
        }
    }

    /// <summary>The dispatcher stage.</summary>
    public void Run()
    {
        using var reader = new PackReader();
        while (_queue.Take() is { } pack)
        {
            _packs.Wait(_context.Abort.Token);
            pack.OnReleased = () => _packs.Release();
            try
            {
                pack.Unpack(reader);
                Handle(pack);
            }
            finally
            {
                pack.Release();
            }
        }
    }

    /// <summary>Lets the dispatcher end.</summary>
    public void Stop() => _queue.Complete();

    public void Dispose()
    {
        _queue.Dispose();
        _tree?.Dispose();
    }

    private ReceiverTree Tree => _tree ?? throw new ProtocolException(ProtocolError.BadOrder, "the first record is not Root");

    private void Handle(InboundPack pack)
    {
        var reader = new RecordReader(pack.Records.Span, RecordSide.Sender);
        while (reader.TryNext(out var type))
        {
            switch (type)
            {
                case RecordType.Root:
                    HandleRoot(Records.ReadRoot(ref reader.Wire));
                    break;
                case RecordType.Probe:
                    HandleProbe(Records.ReadProbe(ref reader.Wire));
                    break;
                case RecordType.Close:
                    HandleClose(Records.ReadClose(ref reader.Wire).Directory);
                    break;
                case RecordType.Entries:
                    HandleEntries(ref reader);
                    break;
                case RecordType.Whole:
                    var whole = Records.ReadWhole(ref reader.Wire);
                    Tree.Writers.Whole(Arriving(whole.Directory, whole.Index), whole.Index, pack, whole.Data, whole.Flags, whole.Digest);
                    break;
                case RecordType.FileBegin:
                    var begin = Records.ReadFileBegin(ref reader.Wire);
                    Tree.Writers.Begin(Arriving(begin.Directory, begin.Index), begin);
                    break;
                case RecordType.Literal:
                    Tree.Writers.Literal(pack, Records.ReadLiteral(ref reader.Wire).Data);
                    break;
                case RecordType.Copy:
                    Tree.Writers.Copy(Records.ReadCopy(ref reader.Wire));
                    break;
                case RecordType.Hole:
                    Tree.Writers.Hole(Records.ReadHole(ref reader.Wire).Length);
                    break;
                case RecordType.FileEnd:
                    Tree.Writers.End(Records.ReadFileEnd(ref reader.Wire));
                    break;
                case RecordType.FileFailed:
                    var failed = Records.ReadFileFailed(ref reader.Wire);
                    Tree.Writers.SourceFailed(Arriving(failed.Directory, failed.Index), failed);
                    break;
                case RecordType.Same:
                    var same = Records.ReadSame(ref reader.Wire);
                    Tree.ContentIsSame(Awaited(same.Directory, same.Index), same.Index);
                    break;
                case RecordType.Different:
                    var different = Records.ReadDifferent(ref reader.Wire);
                    Tree.ContentDiffers(Awaited(different.Directory, different.Index), different.Index);
                    break;
                case RecordType.Identity:
                    HandleIdentity(Records.ReadIdentity(ref reader.Wire));
                    break;
                case RecordType.Problem:
                    HandleProblem(Records.ReadProblem(ref reader.Wire));
                    break;
                case RecordType.EndOfTree:
                    if (_sawEnd || !Tree.IsClosed)
                    {
                        throw new ProtocolException(ProtocolError.BadOrder, "the tree ends twice, or with directories that are not closed");
                    }

                    Tree.SourceTotals = Records.ReadEndOfTree(ref reader.Wire);
                    Tree.EndOfTree();
                    _sawEnd = true;
                    _context.Progress.TotalsAreFinal();
                    FinishIfDone();
                    break;
                default:
                    reader.Skip(type);
                    break;
            }
        }
    }

    /// <summary>All is in place. What may still come is that the source could not remove something.</summary>
    private void HandleLate(InboundPack pack)
    {
        using var packs = new PackReader();
        pack.Unpack(packs);
        var reader = new RecordReader(pack.Records.Span, RecordSide.Sender);
        while (reader.TryNext(out var type))
        {
            if (type == RecordType.Problem)
            {
                HandleProblem(Records.ReadProblem(ref reader.Wire));
            }
            else
            {
                reader.Skip(type);
            }
        }
    }

    private void HandleRoot(RootRecord root)
    {
        if (_tree is not null)
        {
            throw new ProtocolException(ProtocolError.BadOrder, "a second Root record");
        }

        _isNothing = (root.Flags & RootFlags.Nothing) != 0;
        var destination = _isNothing
            ? new DestinationRoot(-1, null, Created: false, [])
            : DestinationRoot.Resolve(_context, _destination, (root.Flags & RootFlags.SingleFile) != 0);
        DirectoryGoal? goal = null;
        if ((root.Flags & RootFlags.Attributes) != 0)
        {
            goal = new DirectoryGoal([], root.Attributes.Metadata, XattrBlob.Select(root.Attributes.Xattrs, _xattrFilter).ToArray()) { IsNew = destination.Created };
        }

        _tree = new ReceiverTree(_context, destination, goal, _identities, FinishIfDone, directory => Scan(directory, out _));
        _tree.CompareRoot(_scanner);
    }

    private void HandleProbe(in ProbeRecord probe)
    {
        var tree = Tree;
        ReceiverDirectory? parent = null;
        if (probe.Directory != 0)
        {
            parent = Get(probe.Parent);
            if (parent.Closed)
            {
                throw new ProtocolException(ProtocolError.BadOrder, $"directory {probe.Parent} gets a child after it was closed");
            }
        }

        var directory = new ReceiverDirectory(probe.Directory, parent, probe.Name.ToArray())
        {
            Void = parent is { Void: true },

            // Below a void directory that could not be made all still comes unasked, and each directory there is settled by itself.
            Skipped = parent is { Skipped: true, Void: false },
        };
        tree.Announce(directory);
        if (!directory.Void && !directory.Skipped)
        {
            var verdict = Compare(directory, probe.Digest);
            tree.Answer(directory, verdict);
        }
    }

    /// <summary>Looks at what is here under that name.</summary>
    private Verdict Compare(ReceiverDirectory directory, UInt128 digest)
    {
        var tree = Tree;
        if (_isNothing)
        {
            directory.Skipped = true;
            return Verdict.Skip;
        }

        if (tree.Root.Fd < 0)
        {
            return Missing(directory);
        }

        var listing = Scan(directory, out var error);
        if (error is -Errno.ENOENT or -Errno.ENOTDIR or -Errno.ELOOP)
        {
            // Something else in its place exists, too: --existing replaces it, --ignore-existing leaves it. Below that nothing exists.
            directory.Displaces = error != -Errno.ENOENT && directory.Parent is not { Displaces: true };
            if (_context.Has(directory.Displaces ? JobFlags.IgnoreExisting : JobFlags.Existing))
            {
                directory.Skipped = true;
                return Verdict.Skip;
            }

            return Missing(directory);
        }

        if (listing is null)
        {
            tree.Report(Operation.ReadDirectory, -error, directory.Path);
            directory.Skipped = true;
            return Verdict.Skip;
        }

        foreach (var problem in listing.Problems ?? [])
        {
            tree.Report(problem.Operation, problem.Error, PathBytes.Join(directory.Path, problem.Name));
        }

        var atRisk = EntrySelection.ForReceiving(directory.Rules!, listing, directory.Path);
        if (_context.DigestsDecide && tree.Root.Rename is null && !directory.ViaLink
            && DirectoryDigest.Compute(atRisk, _context.DigestFields, _identities) == digest)
        {
            tree.IsSame(directory, atRisk);
            return Verdict.Same;
        }

        directory.Local = listing;
        return Verdict.Differs;
    }

    /// <summary>What is here of a directory; null and -errno when it cannot be listed.</summary>
    private DirectoryListing? Scan(ReceiverDirectory directory, out int error)
    {
        var fd = Tree.Handles.Open(directory.Path, out var viaLink);
        directory.ViaLink = viaLink;
        error = fd;
        if (fd < 0)
        {
            return null;
        }

        var listing = new DirectoryListing();
        error = _scanner.Scan(fd, _context.ScanFields, listing);
        directory.Rules = Tree.EnterRules(directory.Parent?.Rules, directory.Path, fd);
        _context.Io.Close(fd);
        return error < 0 ? null : listing;
    }

    /// <summary>A directory that is not here: all of it comes unasked, unless some of it need not come.</summary>
    private Verdict Missing(ReceiverDirectory directory)
    {
        directory.Void = !Tree.AsksForAll;
        return directory.Void ? Verdict.Void : Verdict.Differs;
    }

    private void HandleEntries(ref RecordReader reader)
    {
        var header = Records.ReadEntries(ref reader.Wire);
        var directory = Get(header.Directory);
        if (directory.Resolved || directory.Remote is { IsComplete: true } || directory.Remote?.Count != header.First && !(directory.Remote is null && header.First == 0))
        {
            throw new ProtocolException(ProtocolError.BadOrder, $"the entries of directory {header.Directory} come twice or out of order");
        }

        var remote = directory.Remote ??= new RemoteListing();
        var decoder = new EntryDecoder();
        for (var i = 0; i < header.Count; i++)
        {
            var entry = decoder.Read(ref reader.Wire);
            if (_context.Has(JobFlags.MungeLinks) && !entry.LinkTarget.IsEmpty)
            {
                entry.LinkTarget = (byte[])[.. LinkSafety.MungePrefix, .. entry.LinkTarget];
            }

            if (remote.Count > 0 && remote.Entries.Name(remote.Count - 1).SequenceCompareTo(entry.Name) >= 0)
            {
                throw new ProtocolException(ProtocolError.BadOrder, $"the entries of directory {header.Directory} are not in byte order");
            }

            entry.Xattrs = XattrBlob.Select(entry.Xattrs, _xattrFilter);
            remote.Add(entry);
        }

        if ((header.Flags & EntriesFlags.Incomplete) != 0)
        {
            remote.Entries.Incomplete = true;
        }

        remote.IsSelected |= (header.Flags & EntriesFlags.Selected) != 0;
        if ((header.Flags & EntriesFlags.Last) != 0)
        {
            remote.Complete();
            Tree.EntriesAreHere(directory);
        }
    }

    private void HandleClose(int id)
    {
        Tree.Close(Get(id));
        FinishIfDone();
    }

    private void HandleProblem(in ProblemRecord problem) => _context.Problems.Add(new SyncProblem(
        problem.Operation, problem.Errno, problem.Path.ToArray(), OnSource: true, (problem.Flags & ProblemFlags.Warning) != 0) { Detail = problem.Detail.ToArray() });

    private void HandleIdentity(in IdentityRecord identity)
    {
        if (identity.Kind == IdentityKind.User)
        {
            _identities?.DefineUser(identity.Number, identity.Name);
        }
        else
        {
            _identities?.DefineGroup(identity.Number, identity.Name);
        }
    }

    private ReceiverDirectory Get(int id) => Tree.Get(id);

    /// <summary>The directory of an entry whose content is expected.</summary>
    private ReceiverDirectory Awaited(int id, int index)
    {
        var directory = Get(id);
        if (directory.Skipped)
        {
            return directory;
        }

        return directory.Remote is { } remote && index < remote.Count && remote.State(index) == ContentState.Awaited
            ? directory
            : throw new ProtocolException(ProtocolError.BadOrder, $"content of entry {index} in directory {id} was not asked for");
    }

    /// <summary>The same, for content that comes now: it cannot come twice.</summary>
    private ReceiverDirectory Arriving(int id, int index)
    {
        var directory = Awaited(id, index);
        if (!directory.Skipped)
        {
            directory.Remote!.State(index) = ContentState.Arriving;
        }

        return directory;
    }

    private void FinishIfDone()
    {
        if (_sawEnd && (Tree.IsDone || !Tree.HasRoot) && Interlocked.Exchange(ref _finishing, 1) == 0)
        {
            Tree.Late.Run();
            _finished.TrySetResult(Tree.TakeStatistics());
            _queue.Complete();
        }
    }
}
