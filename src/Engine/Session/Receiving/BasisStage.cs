using NativeSync.Engine.Delta;
using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session.Receiving.Directories;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving;

/// <summary>
/// Reads what is here, on a thread of its own: signatures of files that are to be updated by a delta, and digests for --checksum
/// and --detect-renamed.
/// docs/protocol.md, "Deltas".
/// </summary>
/// <remarks>
/// The handle of each basis stays open from its signature to its patch, so that both see the same file; the patch of a large one may
/// begin, and even end, before its signature does, which therefore reads through a handle of its own. How many may be open, and how many
/// bytes of signatures may be under way, is bounded here. Guarded by <c>_gate</c>.
/// </remarks>
internal sealed class BasisStage : IDisposable
{
    private static readonly int MaxOpen = DescriptorLimit.Share(64, part: 8);
    private const long MaxSignatureBytes = 8 * 1024 * 1024;

    /// <summary>Who reads more than this lets others' records go first: some milliseconds.</summary>
    public const long LongHash = 4 * 1024 * 1024;

    private readonly object _gate = new();
    private readonly Queue<BasisRequest> _requests = new();
    private readonly Dictionary<(int Directory, int Index), Basis> _open = [];
    private readonly SyncContext _context;
    private readonly ReceiverTree _tree;
    private readonly CancellationTokenRegistration _registration;
    private Thread? _thread;
    private long _signatureBytes;
    private (int Directory, int Index)? _signing;
    private bool _isUnneeded;
    private bool _completed;

    public BasisStage(SyncContext context, ReceiverTree tree)
    {
        _context = context;
        _tree = tree;
        _registration = context.Abort.Token.Register(Wake);
    }

    public void RequestDelta(ReceiverDirectory directory, int index) => Add(new BasisRequest(BasisTask.Signature, directory, index));

    public void RequestCompare(ReceiverDirectory directory, int index) => Add(new BasisRequest(BasisTask.Compare, directory, index));

    /// <param name="directory">Where the entry is.</param>
    /// <param name="index">The entry.</param>
    /// <param name="delta">What is asked for when nothing is found.</param>
    public void RequestSearch(ReceiverDirectory directory, int index, bool delta) =>
        Add(new BasisRequest(delta ? BasisTask.SearchElseDelta : BasisTask.Search, directory, index));

    /// <summary>The open basis of an entry, which becomes the caller's; its handle is -1 when there is none.</summary>
    public BasisFile TakeBasis(ReceiverDirectory directory, int index)
    {
        lock (_gate)
        {
            if (!_open.Remove((directory.Id, index), out var basis))
            {
                return new BasisFile(-1);
            }

            _signatureBytes -= basis.SignatureBytes;
            Monitor.PulseAll(_gate);
            return basis.File;
        }
    }

    /// <summary>
    /// A writer's part: waits until nothing more of the signature of a file is on its way whose content has come already, because its source ends
    /// early or has nothing in common with what is here. Nothing may follow the end of a session.
    /// </summary>
    public void AwaitSignature(ReceiverDirectory directory, int index)
    {
        if (CutShort(directory, index))
        {
            Await(directory, index);
        }
    }

    /// <summary>A writer's part: there will be no patch, so its basis is closed; waits for the signature as <see cref="AwaitSignature"/> does.</summary>
    public void Drop(ReceiverDirectory directory, int index)
    {
        var isUnderWay = CutShort(directory, index);
        TakeBasis(directory, index).Close(_context.Io);
        if (isUnderWay)
        {
            Await(directory, index);
        }
    }

    /// <summary>The dispatcher's part: the file comes whole, so its basis is closed, and read no more. Waits for nobody.</summary>
    /// <exception cref="ProtocolException">No delta was asked for, or its answer has come.</exception>
    public void Release(ReceiverDirectory directory, int index)
    {
        CutShort(directory, index);
        var basis = TakeBasis(directory, index);
        if (basis.Fd < 0)
        {
            throw new ProtocolException(ProtocolError.BadOrder, "a delta is declined that was not asked for");
        }

        basis.Close(_context.Io);

        // What was kept of a former run was the basis then, and would be taken again after the next cut, in place of the more useful that comes now.
        _tree.Placement.Resume.Remove(_tree.PathOf(directory, index));
    }

    public void Dispose()
    {
        _registration.Dispose();
        lock (_gate)
        {
            _completed = true;
            Monitor.PulseAll(_gate);
        }

        _thread?.Join();
        foreach (var basis in _open.Values)
        {
            basis.File.Close(_context.Io);
        }

        _open.Clear();
    }

    /// <summary>Nobody needs the rest of a signature, so nothing more is read for it; false when it is out. Who then waits holds nothing back.</summary>
    private bool CutShort(ReceiverDirectory directory, int index)
    {
        lock (_gate)
        {
            if (_signing != (directory.Id, index))
            {
                return false;
            }

            _isUnneeded = true;
        }

        _context.Outbox.Flush();
        return true;
    }

    private void Await(ReceiverDirectory directory, int index)
    {
        lock (_gate)
        {
            while (_signing == (directory.Id, index) && !_completed && _context.Abort.Reason is null)
            {
                Monitor.Wait(_gate);
            }
        }
    }

    private void Wake()
    {
        lock (_gate)
        {
            Monitor.PulseAll(_gate);
        }
    }

    private void Add(in BasisRequest request)
    {
        lock (_gate)
        {
            _requests.Enqueue(request);
            _thread ??= _context.RunStage("basis", Run);
            Monitor.PulseAll(_gate);
        }
    }

    private void Run()
    {
        while (Take(out var request))
        {
            RecordOutbox.Hold();
            switch (request.Task)
            {
                case BasisTask.Compare:
                    Compare(request.Directory, request.Index);
                    break;
                case BasisTask.Search or BasisTask.SearchElseDelta:
                    _tree.Finder.Search(request.Directory, request.Index, request.Task == BasisTask.SearchElseDelta);
                    break;
                default:
                    SendSignature(request.Directory, request.Index);
                    break;
            }
        }
    }

    private bool Take(out BasisRequest request)
    {
        lock (_gate)
        {
            while (true)
            {
                _context.Abort.ThrowIfAborted();
                if (_completed)
                {
                    request = default;
                    return false;
                }

                if (_open.Count < MaxOpen && (_signatureBytes < MaxSignatureBytes || _open.Count == 0) && _requests.TryDequeue(out request))
                {
                    return true;
                }

                _context.Outbox.Flush();
                Monitor.Wait(_gate);
            }
        }
    }

    private void Compare(ReceiverDirectory directory, int index)
    {
        var fd = _tree.Bases.Open(directory, index, out var status);
        var error = fd;
        UInt128 digest = default;
        if (fd >= 0)
        {
            if (status.Size > LongHash)
            {
                _context.Outbox.Flush();
            }

            error = FileDigest.Compute(_context.Io, _context.Digests, fd, status, out digest);
            _context.Io.Close(fd);
        }

        if (error < 0)
        {
            _tree.Contents.AskWhole(directory, index);
            return;
        }

        _context.Batch?.Compare(directory.Id, index, digest);
        using var scope = _context.Outbox.Enter(Records.CompareBound);
        var writer = new WireWriter(scope.Room);
        Records.WriteCompare(ref writer, directory.Id, index, digest);
        scope.Commit(writer.Position);
    }

    private void SendSignature(ReceiverDirectory directory, int index)
    {
        var basis = _tree.Bases.OpenBasis(directory, index);
        if (basis.Fd < 0 || basis.Length == 0)
        {
            basis.Close(_context.Io);
            _tree.Contents.AskWhole(directory, index);
            return;
        }

        var own = basis.Duplicate(_context.Io);
        if (own.Fd < 0)
        {
            basis.Close(_context.Io);
            _tree.Contents.AskWhole(directory, index);
            return;
        }

        try
        {
            SendSignature(directory, index, basis, own);
        }
        finally
        {
            own.Close(_context.Io);
            lock (_gate)
            {
                _signing = null;
                Monitor.PulseAll(_gate);
            }
        }
    }

    /// <param name="directory">Where the entry is.</param>
    /// <param name="index">The entry.</param>
    /// <param name="basis">Waits for the patch.</param>
    /// <param name="own">The same, to read here.</param>
    private void SendSignature(ReceiverDirectory directory, int index, in BasisFile basis, in BasisFile own)
    {
        var layout = BlockLayout.For(basis.Length, _context.Options.BlockSize);
        var bytes = layout.BlockCount * (layout.StrongLength + 4);
        lock (_gate)
        {
            _open.Add((directory.Id, index), new Basis(basis, bytes));
            _signatureBytes += bytes;
            _isUnneeded = false;
            _signing = (directory.Id, index);
        }

        using (var scope = _context.Outbox.Enter(Records.WantDeltaBound))
        {
            var writer = new WireWriter(scope.Room);
            Records.WriteWantDelta(ref writer, new WantDeltaRecord(directory.Id, index, layout.BasisLength, layout.BlockSize, layout.StrongLength));
            scope.Commit(writer.Position);
        }

        if (_context.Has(JobFlags.Append))
        {
            return;
        }

        var strong = layout.StrongLength;
        long sent = 0;
        var error = SignatureGenerator.Generate(new Reader(own.Through(_context.Io), this), own.Fd, layout, (count, encoded) =>
        {
            if (Volatile.Read(ref _isUnneeded))
            {
                return;
            }

            sent += count;
            using var scope = _context.Outbox.Enter(Records.SignatureBound(count, strong));
            var writer = new WireWriter(scope.Room);
            Records.WriteSignature(ref writer, count, strong, encoded);
            scope.Commit(writer.Position);
        });
        if (error < 0 && !Volatile.Read(ref _isUnneeded))
        {
            // The basis shrank or cannot be read. The sender waits for all blocks, so it gets some that match nothing;
            // the redo after the failed verification asks for the whole file.
            Pad(layout, sent);
        }
    }

    private void Pad(in BlockLayout layout, long sent)
    {
        const int chunk = 4096;
        var blocks = new byte[chunk * layout.EntrySize];
        for (var left = layout.BlockCount - sent; left > 0 && !Volatile.Read(ref _isUnneeded);)
        {
            var count = (int)Math.Min(left, chunk);
            using var scope = _context.Outbox.Enter(Records.SignatureBound(count, layout.StrongLength));
            var writer = new WireWriter(scope.Room);
            Records.WriteSignature(ref writer, count, layout.StrongLength, blocks.AsSpan(0, count * layout.EntrySize));
            scope.Commit(writer.Position);
            left -= count;
        }
    }

    /// <summary>Reads nothing more once nobody needs it: a large basis may take hours.</summary>
    private sealed class Reader(ISystemCalls inner, BasisStage stage) : SystemCallsDecorator(inner)
    {
        public override nint ReadAt(int fd, Span<byte> buffer, long offset) =>
            Volatile.Read(ref stage._isUnneeded) ? -Errno.ECANCELED : Inner.ReadAt(fd, buffer, offset);
    }

    private readonly record struct Basis(BasisFile File, long SignatureBytes);

    private readonly record struct BasisRequest(BasisTask Task, ReceiverDirectory Directory, int Index);

    private enum BasisTask : byte
    {
        Signature,
        Compare,
        Search,
        SearchElseDelta,
    }
}
