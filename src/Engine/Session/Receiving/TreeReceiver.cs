using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Filters;
using NativeSync.Engine.Session.Receiving.Directories;
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
internal sealed class TreeReceiver : IRecordHandler, IDisposable
{
    private const int PacksInMemory = 16;

    private readonly SyncContext _context;
    private readonly byte[] _destination;
    private readonly RequestedNames? _requested;
    private readonly SemaphoreSlim _packs = new(PacksInMemory);
    private readonly PackQueue _queue;
    private readonly XattrFilter? _xattrFilter;
    private readonly IdentityMapper? _identities;
    private readonly TaskCompletionSource<Statistics> _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ReceiverTree? _tree;
    private readonly RecordLoop _loop;
    private readonly Lock _lateGate = new();
    private bool _hasReadAll;

    /// <summary>Packs that came when all was done, while those before them are still read; null when that has ended.</summary>
    private Queue<InboundPack>? _late = new();
    private bool _isSingleFile;
    private volatile bool _sawEnd;
    private int _finishing;

    /// <param name="context">Of the session.</param>
    /// <param name="destination">Where to.</param>
    /// <param name="requested">The only names that may come; null where the sender says what comes.</param>
    public TreeReceiver(SyncContext context, byte[] destination, RequestedNames? requested = null)
    {
        _context = context;
        _destination = destination;
        _requested = requested;
        _queue = new PackQueue(context.Abort);
        _loop = new RecordLoop(RecordSide.Sender) { Batch = context.Batch };
        _xattrFilter = context.XattrFilter(FilterSide.Receiver);
        _identities = MakeMapper(context);
    }

    /// <summary>The sender's totals and this end's counts, once everything is done.</summary>
    public Task<Statistics> Finished => _finished.Task;

    private ReceiverTree Tree => _tree ?? throw new ProtocolException(ProtocolError.BadOrder, "the first record is not Root");

    /// <summary>Takes a pack from the receive loop; never waits.</summary>
    public void Receive(InboundPack pack)
    {
        if (_queue.TryAdd(pack))
        {
            return;
        }

        lock (_lateGate)
        {
            if (_late is { } late)
            {
                late.Enqueue(pack);
            }
            else
            {
                ReadLate(pack);
            }
        }
    }

    /// <summary>The dispatcher stage.</summary>
    public void Run()
    {
        try
        {
            ReadAll();
            _hasReadAll = true;
        }
        finally
        {
            lock (_lateGate)
            {
                var late = _late!;
                _late = null;
                while (late.TryDequeue(out var pack))
                {
                    ReadLate(pack);
                }
            }
        }
    }

    /// <summary>What comes when all is done is read after everything before it, and by the same reader: it may refer back to that.</summary>
    private void ReadLate(InboundPack pack)
    {
        if (_hasReadAll && _finished.Task.IsCompletedSuccessfully)
        {
            _loop.Batch = null; // what is told when all is done is no part of it
            _loop.Read(pack, new LateRecords(_context));
        }
        else
        {
            pack.Release();
        }
    }

    private void ReadAll()
    {
        while (_queue.Take() is { } pack)
        {
            try
            {
                _packs.Wait(_context.Abort.Token);
            }
            catch
            {
                pack.Release();
                throw;
            }

            pack.OnReleased = () => _packs.Release();
            RecordOutbox.Hold();
            _loop.Read(pack, this);
            _context.Outbox.Flush();
            _tree?.Writers.GoOn();
        }
    }

    /// <summary>Lets the dispatcher end.</summary>
    public void Stop() => _queue.Complete();

    public void Dispose()
    {
        _loop.Dispose();
        _queue.Dispose();
        _tree?.Dispose();
    }

    bool IRecordHandler.TryHandle(RecordType type, ref WireReader fields, InboundPack pack)
    {
        switch (type)
        {
            case RecordType.Root:
                HandleRoot(Records.ReadRoot(ref fields));
                return true;
            case RecordType.Probe:
                HandleProbe(Records.ReadProbe(ref fields));
                return true;
            case RecordType.Close:
                Tree.Directories.Close(Tree.Directories.Get(Records.ReadClose(ref fields).Directory));
                FinishIfDone();
                return true;
            case RecordType.Entries:
                HandleEntries(Records.ReadEntries(ref fields), ref fields);
                return true;
            case RecordType.Same:
                var same = Records.ReadSame(ref fields);
                Tree.Contents.IsSame(Awaited(same.Directory, same.Index), same.Index);
                return true;
            case RecordType.Different:
                var different = Records.ReadDifferent(ref fields);
                Tree.Contents.Differs(Awaited(different.Directory, different.Index), different.Index);
                return true;
            case RecordType.NoDelta:
                HandleNoDelta(Records.ReadNoDelta(ref fields));
                return true;
            case RecordType.Identity:
                HandleIdentity(Records.ReadIdentity(ref fields));
                return true;
            case RecordType.Problem:
                _context.Problems.Add(Records.ReadProblem(ref fields), onSource: true);
                return true;
            case RecordType.EndOfTree:
                HandleEnd(Records.ReadEndOfTree(ref fields));
                return true;
            default:
                return TryHandleContent(type, ref fields, pack);
        }
    }

    /// <summary>Contents go to the writers.</summary>
    private bool TryHandleContent(RecordType type, ref WireReader fields, InboundPack pack)
    {
        switch (type)
        {
            case RecordType.Whole:
                var whole = Records.ReadWhole(ref fields);
                Tree.Writers.Whole(Arriving(whole.Directory, whole.Index), whole.Index, pack, whole.Data, whole.Flags, whole.Digest);
                return true;
            case RecordType.FileBegin:
                var begin = Records.ReadFileBegin(ref fields);
                Tree.Writers.Begin(Arriving(begin.Directory, begin.Index), begin);
                return true;
            case RecordType.Literal:
                Tree.Writers.Literal(pack, Records.ReadLiteral(ref fields).Data);
                return true;
            case RecordType.Copy:
                Tree.Writers.Copy(Records.ReadCopy(ref fields));
                return true;
            case RecordType.Hole:
                Tree.Writers.Hole(Records.ReadHole(ref fields).Length);
                return true;
            case RecordType.FileEnd:
                Tree.Writers.End(Records.ReadFileEnd(ref fields));
                return true;
            case RecordType.FileFailed:
                var failed = Records.ReadFileFailed(ref fields);
                Tree.Writers.SourceFailed(Arriving(failed.Directory, failed.Index), failed);
                return true;
            default:
                return false;
        }
    }

    private void HandleRoot(RootRecord root)
    {
        if (_tree is not null)
        {
            throw new ProtocolException(ProtocolError.BadOrder, "a second Root record");
        }

        _requested?.Check(root);

        _isSingleFile = (root.Flags & RootFlags.SingleFile) != 0;
        var destination = (root.Flags & RootFlags.Nothing) != 0
            ? DestinationRoot.Nothing
            : DestinationRoot.Resolve(_context, _destination, _isSingleFile);
        DirectoryGoal? goal = null;
        if ((root.Flags & RootFlags.Attributes) != 0)
        {
            goal = new DirectoryGoal([], root.Attributes.Metadata, XattrBlob.Select(root.Attributes.Xattrs, _xattrFilter).ToArray()) { IsNew = destination.Created };
        }

        _tree = new ReceiverTree(_context, destination, goal, _identities, FinishIfDone);
        foreach (var note in destination.Notes)
        {
            _tree.Outcomes.Note(note);
        }

        if (goal is not null)
        {
            _context.Progress.Found(1, 0);
            _context.Progress.Settled(1, 0);
            _tree.Prober.CompareRoot(goal);
        }
    }

    private void HandleProbe(in ProbeRecord probe)
    {
        // The destination may be a file's name: what is beside it was not given away.
        if (_isSingleFile && probe.Directory != 0)
        {
            throw new ProtocolException(ProtocolError.BadOrder, "a directory comes where a single file was announced");
        }

        if (_requested is not null && probe.Directory != 0)
        {
            _requested.Check(PathBytes.Join(Tree.Directories.Get(probe.Parent).Path, probe.Name), isDirectory: true);
        }

        Tree.Prober.Probe(probe);
    }

    private void HandleEntries(in EntriesRecord header, ref WireReader fields)
    {
        var directory = Tree.Directories.Get(header.Directory);
        if (directory.Resolved)
        {
            throw new ProtocolException(ProtocolError.BadOrder, $"entries of directory {header.Directory} come that were not asked for");
        }

        var remote = directory.Remote ??= new RemoteListing();
        remote.Read(header, ref fields, _xattrFilter, _context.Has(JobFlags.MungeLinks));
        _requested?.Check(directory, remote.Entries, header.First);
        _requested?.Check(directory, remote);
        if (_isSingleFile && (remote.Count > 1 || (remote.Count == 1 && remote.Entries.Metadata(0).IsDirectory)))
        {
            throw new ProtocolException(ProtocolError.BadOrder, "more comes than the single file that was announced");
        }

        if (remote.IsComplete)
        {
            Tree.Resolver.EntriesAreHere(directory);
        }
    }

    private void HandleEnd(Statistics totals)
    {
        if (_sawEnd || !Tree.Directories.IsClosed)
        {
            throw new ProtocolException(ProtocolError.BadOrder, "the tree ends twice, or with directories that are not closed");
        }

        Tree.SourceTotals = totals;
        Tree.Resolver.EndOfTree();
        _sawEnd = true;
        _context.Progress.TotalsAreFinal();
        FinishIfDone();
    }

    private void HandleNoDelta(in NoDeltaRecord refusal)
    {
        var directory = Awaited(refusal.Directory, refusal.Index);
        if (!directory.Skipped)
        {
            Tree.Basis.Release(directory, refusal.Index);
        }
    }

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

    /// <summary>The directory of an entry whose content is expected.</summary>
    private ReceiverDirectory Awaited(int id, int index)
    {
        var directory = Tree.Directories.Get(id);
        if (directory.Skipped)
        {
            return directory;
        }

        return directory.Remote is { IsComplete: true } remote && index < remote.Count && remote.State(index) == ContentState.Awaited
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
        if (_sawEnd && (Tree.Directories.IsDone || !Tree.Directories.HasRoot) && Interlocked.Exchange(ref _finishing, 1) == 0)
        {
            Tree.Late.Run();
            Tree.Placement.Flush.Run();
            Tree.Placement.Unflushed.End(Tree.IsWhole);
            _finished.TrySetResult(Tree.TakeStatistics());
            _queue.Complete();
        }
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

    /// <summary>All is in place. What may still come is that the source could not remove something.</summary>
    private sealed class LateRecords(SyncContext context) : IRecordHandler
    {
        public bool TryHandle(RecordType type, ref WireReader fields, InboundPack pack)
        {
            if (type != RecordType.Problem)
            {
                return false;
            }

            context.Problems.Add(Records.ReadProblem(ref fields), onSource: true);
            return true;
        }
    }
}
