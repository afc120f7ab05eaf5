using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Sending;

/// <summary>
/// The directories that are announced and not settled, and the work that the receiver's answers ask for. The scanner
/// waits here while too much is unsettled; the content stage waits here for work; the receive loop never waits.
/// </summary>
/// <remarks>All state is guarded by <c>_gate</c>. Work is done in the order in which it was asked for, so that a
/// directory's entries always precede its contents and those of its children.</remarks>
internal sealed class SenderTable
{
    /// <summary>Bytes of listings kept for directories that are not settled; the scanner waits beyond.</summary>
    private const long WindowBytes = 24 * 1024 * 1024;

    /// <summary>Listings kept for other directories.</summary>
    private const int MostSpares = 16;

    /// <summary>What stands where a listing was that has another use now.</summary>
    private static readonly DirectoryListing Settled = new();

    private readonly object _gate = new();
    private readonly Stack<DirectoryListing> _spares = new();
    private readonly Dictionary<int, SenderDirectory> _directories = [];
    private readonly Dictionary<int, SenderDirectory> _settled = [];
    private readonly Queue<SenderWork> _work = new();
    private readonly SessionAbort _abort;
    private readonly ProgressCounters _progress;
    private readonly RecordOutbox _outbox;
    private long _window;
    private bool _finished;

    public SenderTable(SessionAbort abort, ProgressCounters progress, RecordOutbox outbox)
    {
        _abort = abort;
        _progress = progress;
        _outbox = outbox;
        outbox.ContentArrived = bytes => progress.Settled(0, bytes);
        abort.Token.Register(() =>
        {
            lock (_gate)
            {
                Monitor.PulseAll(_gate);
            }
        });
    }

    /// <summary>The receiver settles nothing before it has seen the whole tree (--delete-before).</summary>
    public bool KeepsAll { get; init; }

    /// <summary>What is removed is confirmed at the end (--delay-updates): settled directories are known until then.</summary>
    public bool KeepsSettled { get; init; }

    /// <summary>Is told of bytes of content that will be sent, as far as that is sure.</summary>
    public Action<long> Expects { get; init; } = static _ => { };

    /// <summary>There is no room for another listing. Only the scanner, which asks, makes it so.</summary>
    public bool IsFull
    {
        get
        {
            lock (_gate)
            {
                return _window > WindowBytes && !KeepsAll;
            }
        }
    }

    /// <summary>Waits until there is room for another listing.</summary>
    public void WaitForRoom()
    {
        lock (_gate)
        {
            while (_window > WindowBytes && !KeepsAll && _abort.Reason is null)
            {
                Monitor.Wait(_gate);
            }

            _abort.ThrowIfAborted();
        }
    }

    /// <summary>True when the receiver does not want what is below this directory.</summary>
    public bool IsSkipped(SenderDirectory directory)
    {
        lock (_gate)
        {
            return directory.Skipped;
        }
    }

    /// <summary>True when no digest is needed: the receiver has nothing to compare with.</summary>
    public bool IsVoid(SenderDirectory directory)
    {
        lock (_gate)
        {
            return directory.Void;
        }
    }

    /// <summary>A listing to scan into: that of a directory which is the same at both ends, or a new one.</summary>
    public DirectoryListing TakeListing()
    {
        lock (_gate)
        {
            return _spares.TryPop(out var spare) ? spare : new DirectoryListing();
        }
    }

    /// <summary>Enters a scanned directory, before its Probe is sent.</summary>
    public void Add(SenderDirectory directory)
    {
        lock (_gate)
        {
            _directories.Add(directory.Id, directory);
            _window += directory.Listing.Footprint;
            if (directory.Parent is { } parent)
            {
                directory.Void = parent.Void;
                directory.Skipped = parent.Skipped;
                if (!parent.Answered)
                {
                    (parent.Children ??= []).Add(directory);
                }
            }
        }
    }

    /// <summary>Its Probe is in the outbox. A directory that turned out void meanwhile is now sent.</summary>
    public void Announced(SenderDirectory directory)
    {
        lock (_gate)
        {
            if (directory.Announced)
            {
                // The answer was quicker than we.
                return;
            }

            directory.Announced = true;
            if (directory.Skipped)
            {
                Settle(directory);
            }
            else if (directory.Void)
            {
                Enqueue(new SenderWork(SenderTask.Contents, directory));
            }
        }
    }

    /// <summary>The receiver's verdict on a directory.</summary>
    public void Answer(int id, Verdict verdict)
    {
        lock (_gate)
        {
            var directory = Get(id);
            if (directory.Answered || directory.Void)
            {
                throw new ProtocolException(ProtocolError.BadOrder, $"directory {id} was answered twice or unasked");
            }

            // Before that the scanner may still be reading the listing, whatever a peer says.
            var isScanned = directory.Announced;
            directory.Announced = true;
            directory.Answered = true;
            switch (verdict)
            {
                case Verdict.Same:
                    Settle(directory);
                    Reuse(directory, isScanned);
                    break;
                case Verdict.Differs:
                    Enqueue(new SenderWork(SenderTask.Entries, directory));
                    break;
                case Verdict.Void:
                    MarkVoid(directory);
                    break;
                default:
                    MarkSkipped(directory);
                    break;
            }

            directory.Children = null;
        }
    }

    /// <summary>The receiver wants something of a directory.</summary>
    public void Ask(SenderTask task, int id, int index, UInt128 digest = default, DeltaRequest? delta = null, (ulong Device, ulong Inode) copy = default)
    {
        lock (_gate)
        {
            var directory = task == SenderTask.Remove && _settled.TryGetValue(id, out var settled) ? settled : Get(id);
            if (index >= directory.Listing.Count || !(directory.Answered || directory.Void))
            {
                throw new ProtocolException(ProtocolError.BadOrder, $"directory {id} has no entry {index}, or was not answered yet");
            }

            Enqueue(new SenderWork(task, directory, index, digest, delta, copy));
        }
    }

    /// <summary>The path of an entry, for reports.</summary>
    public (SenderDirectory Directory, int Index) Find(int id, int index)
    {
        lock (_gate)
        {
            var directory = Get(id);
            return index < directory.Listing.Count
                ? (directory, index)
                : throw new ProtocolException(ProtocolError.BadOrder, $"directory {id} has no entry {index}");
        }
    }

    /// <summary>The path of a directory, for reports.</summary>
    public SenderDirectory Find(int id)
    {
        lock (_gate)
        {
            return Get(id);
        }
    }

    /// <summary>The receiver asks for nothing more of a directory's entries.</summary>
    public void Settle(int id)
    {
        lock (_gate)
        {
            Settle(Get(id));
        }
    }

    /// <summary>Counts content of a directory as done as soon as the receiver has it; the rest counts when it settles.</summary>
    public void Count(SenderDirectory directory, long bytes)
    {
        lock (_gate)
        {
            bytes = Math.Min(bytes, directory.ContentBytes - directory.CountedBytes);
            directory.CountedBytes += bytes;
            _outbox.CountContent(bytes);
        }
    }

    /// <summary>No more work will come: the receiver has all it wants.</summary>
    public void Finish()
    {
        lock (_gate)
        {
            _finished = true;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Work, if there is some now.</summary>
    public bool TryTake(out SenderWork work)
    {
        lock (_gate)
        {
            return _work.TryDequeue(out work);
        }
    }

    /// <summary>Waits for work. False when there will be none.</summary>
    public bool Take(out SenderWork work)
    {
        lock (_gate)
        {
            while (!_work.TryDequeue(out work))
            {
                _abort.ThrowIfAborted();
                if (_finished)
                {
                    return false;
                }

                Monitor.Wait(_gate);
            }

            return true;
        }
    }

    private SenderDirectory Get(int id) => _directories.TryGetValue(id, out var directory)
        ? directory
        : throw new ProtocolException(ProtocolError.BadOrder, $"directory {id} is not open");

    private void Enqueue(in SenderWork work)
    {
        _work.Enqueue(work);
        switch (work.Task)
        {
            case SenderTask.Contents:
                Expects(work.Directory.ContentBytes);
                break;
            case SenderTask.Whole:
                Expects(work.Directory.Listing.Metadata(work.Index).Size);
                break;
        }

        Monitor.PulseAll(_gate);
    }

    private void Settle(SenderDirectory directory)
    {
        directory.Answered = true;
        directory.Children = null;
        _directories.Remove(directory.Id);
        if (KeepsSettled)
        {
            _settled[directory.Id] = directory;
        }

        _window -= directory.Listing.Footprint;
        _progress.Settled(directory.Listing.Count, directory.ContentBytes - directory.CountedBytes);
        Monitor.PulseAll(_gate);
    }

    /// <summary>Nothing of a directory that is the same will be asked for.</summary>
    private void Reuse(SenderDirectory directory, bool isScanned)
    {
        if (isScanned && !KeepsSettled && _spares.Count < MostSpares)
        {
            var listing = directory.Listing;
            directory.Listing = Settled;
            listing.Recycle();
            _spares.Push(listing);
        }
    }

    /// <summary>With all below it that was scanned already.</summary>
    private void MarkVoid(SenderDirectory top)
    {
        foreach (var directory in Subtree(top))
        {
            directory.Void = true;
            directory.Answered = true;
            directory.Children = null;
            if (directory.Announced)
            {
                Enqueue(new SenderWork(SenderTask.Contents, directory));
            }
        }
    }

    private void MarkSkipped(SenderDirectory top)
    {
        var directories = Subtree(top);
        for (var i = directories.Count - 1; i >= 0; i--)
        {
            directories[i].Skipped = true;
            if (directories[i].Announced)
            {
                Settle(directories[i]);
            }
        }
    }

    /// <summary>A directory and all known ones below it, each before what it holds. No recursion: a tree may be deeper than a stack.</summary>
    private static List<SenderDirectory> Subtree(SenderDirectory top)
    {
        List<SenderDirectory> all = [];
        Stack<SenderDirectory> open = new([top]);
        while (open.TryPop(out var directory))
        {
            all.Add(directory);
            for (var i = (directory.Children?.Count ?? 0) - 1; i >= 0; i--)
            {
                open.Push(directory.Children![i]);
            }
        }

        return all;
    }
}

/// <summary>What the content stage does next.</summary>
internal enum SenderTask : byte
{
    /// <summary>Send the entries.</summary>
    Entries,

    /// <summary>Send the entries and the content of all files.</summary>
    Contents,

    /// <summary>Send one file whole.</summary>
    Whole,

    /// <summary>Send one file as a delta.</summary>
    Delta,

    /// <summary>Say whether one file's content has this digest, and send it if not.</summary>
    Compare,

    /// <summary>Remove one entry: the receiver has it.</summary>
    Remove,
}

/// <summary>One piece of work.</summary>
internal readonly record struct SenderWork(
    SenderTask Task, SenderDirectory Directory, int Index = 0, UInt128 Digest = default, DeltaRequest? Delta = null, (ulong Device, ulong Inode) Copy = default);
