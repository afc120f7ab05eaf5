using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session.Receiving.Directories;
using NativeSync.Engine.Session.Receiving.Elsewhere;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving;

/// <summary>
/// Threads that write contents. All work of one directory goes to one thread, so that files of a directory do not contend for
/// its lock and the tokens of a file stay in order. The packs that the work borrows bound how much can be queued.
/// </summary>
internal sealed class FileWriters : IDisposable
{
    private readonly SyncContext _context;
    private readonly ReceiverTree _tree;
    private readonly Worker[] _workers;

    /// <summary>What came whole as a stream, by its digest; of the dispatcher.</summary>
    private readonly Dictionary<ulong, ArrivedFile> _arrived = [];
    private IncomingFile? _stream;
    private bool _inStream;

    public FileWriters(SyncContext context, ReceiverTree tree)
    {
        _context = context;
        _tree = tree;
        _workers = new Worker[Math.Clamp(Environment.ProcessorCount, 1, 4)];
        for (var i = 0; i < _workers.Length; i++)
        {
            _workers[i] = new Worker(context, this, i);
        }
    }

    /// <summary>A small file, whole; or one whose content came before (--detect-renamed).</summary>
    public void Whole(ReceiverDirectory directory, int index, InboundPack pack, ReadOnlySpan<byte> data, ContentFlags flags, UInt128 digest)
    {
        if (directory.Skipped)
        {
            return;
        }

        if ((flags & ContentFlags.Repeated) != 0)
        {
            var arrived = _arrived.GetValueOrDefault((ulong)digest);
            (arrived is null ? WorkerFor(directory) : _workers[arrived.Writer]).Add(
                new WriteJob(WriteTask.CopyArrived, directory, index, null, null, 0, 0, 0, flags, digest) { Arrived = arrived });
            return;
        }

        pack.AddReference();
        WorkerFor(directory).Add(new WriteJob(WriteTask.Whole, directory, index, null, pack, OffsetIn(pack, data), data.Length, 0, flags, digest));
    }

    /// <summary>A file whose content is in an alternate directory.</summary>
    public void CopyHere(ReceiverDirectory directory, int index) =>
        WorkerFor(directory).Add(new WriteJob(WriteTask.CopyHere, directory, index, null, null, 0, 0, 0, 0, default));

    /// <summary>
    /// A file whose content was found under another name (--detect-renamed). One thread moves, for all directories: with several, moving 26,000 files took
    /// 1 to 10 % longer (four series of five, two processors).
    /// </summary>
    public void PutFound(ReceiverDirectory directory, int index, bool mayMove) =>
        (mayMove ? _workers[0] : WorkerFor(directory)).Add(new WriteJob(WriteTask.PutFound, directory, index, null, null, 0, 0, 0, 0, default));

    /// <summary>Begins a token stream.</summary>
    public void Begin(ReceiverDirectory directory, in FileBeginRecord begin)
    {
        if (_inStream)
        {
            throw new ProtocolException(ProtocolError.BadOrder, "a file begins inside another one");
        }

        _inStream = true;
        _stream = null;
        if (!directory.Skipped)
        {
            _stream = new IncomingFile(_context, _tree, directory, begin.Index, begin.Size, begin.BasisLength);
            Add(WriteTask.Begin, null, 0, 0, 0);
        }
    }

    public void Literal(InboundPack pack, ReadOnlySpan<byte> data)
    {
        if (InStream())
        {
            pack.AddReference();
            Add(WriteTask.Literal, pack, OffsetIn(pack, data), data.Length, 0);
        }
    }

    public void Copy(in CopyRecord copy)
    {
        if (InStream())
        {
            WorkerFor(_stream!.Directory).Add(new WriteJob(WriteTask.Copy, _stream.Directory, _stream.Index, _stream, null, 0, 0, copy.Length, 0, default, copy.Offset));
        }
    }

    public void Hole(long length)
    {
        if (InStream())
        {
            Add(WriteTask.Hole, null, 0, 0, length);
        }
    }

    public void End(in FileEndRecord end)
    {
        if (InStream())
        {
            if (_context.Options.DetectRenamed && !_stream!.HasBasis && end is { Errno: 0, Flags: ContentFlags.None } && _arrived.Count < ArrivedFile.Most)
            {
                _arrived[(ulong)end.Digest] = _stream.Arrived = new ArrivedFile(_stream.Directory.Path, _stream.Directory.Id % _workers.Length);
            }

            WorkerFor(_stream!.Directory).Add(new WriteJob(WriteTask.End, _stream.Directory, _stream.Index, _stream, null, 0, 0, end.Errno, end.Flags, end.Digest));
        }

        _inStream = false;
        _stream = null;
    }

    /// <summary>The sender cannot give a file; it keeps what is here.</summary>
    public void SourceFailed(ReceiverDirectory directory, in FileFailedRecord failed)
    {
        if (!directory.Skipped)
        {
            WorkerFor(directory).Add(new WriteJob(WriteTask.SourceFailed, directory, failed.Index, null, null, 0, 0, failed.Errno, 0, default));
        }
    }

    /// <summary>The dispatcher is through with a pack: what it left to the threads is begun at the latest now.</summary>
    public void GoOn()
    {
        foreach (var worker in _workers)
        {
            worker.GoOn();
        }
    }

    /// <summary>Ends the threads; files that are not complete are abandoned.</summary>
    public void Dispose()
    {
        foreach (var worker in _workers)
        {
            worker.Dispose();
        }
    }

    private static int OffsetIn(InboundPack pack, ReadOnlySpan<byte> data)
    {
        pack.Records.Span.Overlaps(data, out var offset);
        return offset;
    }

    private bool InStream() => _inStream
        ? _stream is not null
        : throw new ProtocolException(ProtocolError.BadOrder, "a token outside of a file");

    private void Add(WriteTask task, InboundPack? pack, int offset, int length, long size) =>
        WorkerFor(_stream!.Directory).Add(new WriteJob(task, _stream.Directory, _stream.Index, _stream, pack, offset, length, size, 0, default));

    private Worker WorkerFor(ReceiverDirectory directory) => _workers[directory.Id % _workers.Length];

    private void Do(in WriteJob job, Dictionary<IncomingFile, bool> open)
    {
        switch (job.Task)
        {
            case WriteTask.Whole:
                WholeFile.Write(_context, _tree, job.Directory, job.Index, job.Data, job.Flags, job.Digest);
                break;
            case WriteTask.CopyHere:
                _tree.Reconciler.CopyHere(job.Directory, job.Index);
                break;
            case WriteTask.CopyArrived:
                ArrivedFile.Copy(_context, _tree, job.Arrived, job.Directory, job.Index, job.Digest);
                break;
            case WriteTask.PutFound:
                _tree.Finder.Put(job.Directory, job.Index);
                break;
            case WriteTask.Begin:
                open.Add(job.File!, true);
                job.File!.Open();
                break;
            case WriteTask.Literal:
                job.File!.Literal(job.Data);
                break;
            case WriteTask.Copy:
                job.File!.Copy(job.BasisOffset, job.Size);
                break;
            case WriteTask.Hole:
                job.File!.Hole(job.Size);
                break;
            case WriteTask.End:
                job.File!.End((int)job.Size, job.Flags, job.Digest);
                open.Remove(job.File!);
                break;
            default:
                _tree.Basis.Drop(job.Directory, job.Index);
                _tree.Contents.SourceFailed(job.Directory, job.Index, (int)job.Size);
                break;
        }
    }

    /// <summary>One thread and its queue.</summary>
    private sealed class Worker : IDisposable
    {
        /// <summary>
        /// A thread that sleeps is woken for this much, or for what there is when the dispatcher stops holding back: one that is woken for each small
        /// file falls asleep again before the next one comes.
        /// </summary>
        private const int WorthWaking = 16;

        private readonly object _gate = new();
        private readonly Queue<WriteJob> _jobs = new();
        private readonly SyncContext _context;
        private readonly FileWriters _owner;
        private readonly string _name;
        private readonly CancellationTokenRegistration _registration;
        private Thread? _thread;
        private bool _completed;
        private bool _isAsleep;

        public Worker(SyncContext context, FileWriters owner, int number)
        {
            _context = context;
            _owner = owner;
            _name = $"write-{number}";
            _registration = context.Abort.Token.Register(Wake);
        }

        public void Add(in WriteJob job)
        {
            lock (_gate)
            {
                _jobs.Enqueue(job);
                _thread ??= _context.RunStage(_name, Run);
                if (_isAsleep && (_jobs.Count >= WorthWaking || !RecordOutbox.IsHolding))
                {
                    Monitor.Pulse(_gate);
                }
            }
        }

        public void GoOn()
        {
            lock (_gate)
            {
                if (_isAsleep && _jobs.Count > 0)
                {
                    Monitor.Pulse(_gate);
                }
            }
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
            while (_jobs.TryDequeue(out var job))
            {
                job.Pack?.Release();
            }
        }

        private void Wake()
        {
            lock (_gate)
            {
                Monitor.PulseAll(_gate);
            }
        }

        private void Run()
        {
            var open = new Dictionary<IncomingFile, bool>();
            try
            {
                while (Take(out var job))
                {
                    try
                    {
                        LetGo(job.Task);
                        _owner.Do(job, open);
                    }
                    finally
                    {
                        job.Pack?.Release();
                    }
                }
            }
            finally
            {
                foreach (var file in open.Keys)
                {
                    file.Abandon();
                }
            }
        }

        /// <summary>Small files end one after the other; what is told of them goes before a large one begins or is copied.</summary>
        private void LetGo(WriteTask next)
        {
            if (next is WriteTask.Begin or WriteTask.CopyArrived)
            {
                _context.Outbox.Flush();
            }
            else
            {
                RecordOutbox.Hold();
            }
        }

        private bool Take(out WriteJob job)
        {
            lock (_gate)
            {
                while (true)
                {
                    while (_jobs.TryDequeue(out job))
                    {
                        // What came of a file that the next run goes on with is written even then.
                        if (_context.Abort.Reason is null || job is { Task: WriteTask.Literal or WriteTask.Copy or WriteTask.Hole, File.Resumes: true })
                        {
                            return true;
                        }

                        job.Pack?.Release();
                    }

                    _context.Abort.ThrowIfAborted();
                    if (_completed)
                    {
                        return false;
                    }

                    _context.Outbox.Flush();
                    _isAsleep = true;
                    Monitor.Wait(_gate);
                    _isAsleep = false;
                }
            }
        }
    }
}

/// <summary>What a writer does.</summary>
internal enum WriteTask : byte
{
    Whole,
    CopyHere,
    PutFound,
    CopyArrived,
    Begin,
    Literal,
    Copy,
    Hole,
    End,
    SourceFailed,
}

/// <summary>One piece of work of a writer; holds a reference on its pack.</summary>
internal readonly record struct WriteJob(
    WriteTask Task, ReceiverDirectory Directory, int Index, IncomingFile? File, InboundPack? Pack, int Offset, int Length, long Size,
    ContentFlags Flags, UInt128 Digest, long BasisOffset = 0)
{
    /// <summary>Of <see cref="WriteTask.CopyArrived"/>.</summary>
    public ArrivedFile? Arrived { get; init; }

    public ReadOnlySpan<byte> Data => Pack!.Records.Span.Slice(Offset, Length);
}
