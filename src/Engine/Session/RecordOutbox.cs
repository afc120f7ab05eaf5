using System.Buffers;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>
/// Where the stages of one end put their records, and where the send loop takes packs of them. Records are appended to
/// an open pack; the send loop takes it as soon as the lane is free, so that packs are small while the line is idle and
/// full while it is busy, without any timer. A stage that has more to append at once may hold back meanwhile, so that thousands
/// of small records do not become as many packs, system calls and wake-ups at both ends.
/// </summary>
/// <remarks>
/// Guarded by its own monitor: the open pack, the queue of full packs and the queue of control frames.
/// Producers wait in <see cref="Enter"/> while too much is queued; the send loop waits in <see cref="Take"/>.
/// The receive loop only calls <see cref="Control"/>, <see cref="Wake"/> and <see cref="Complete"/>, which never wait.
/// </remarks>
internal sealed class RecordOutbox
{
    /// <summary>Bytes of records in a pack: large enough for compression to find what files share, small enough to flow.</summary>
    public const int PackSize = 512 * 1024;

    private const int MaxQueuedPacks = 6;

    /// <summary>What is held back goes when it is as much as this, or as many records: soon enough for the other end to begin.</summary>
    private const int HeldBytes = 2 * 1024;
    private const int HeldRecords = 32;

    [ThreadStatic]
    private static bool t_holds;

    private readonly object _gate = new();
    private readonly Queue<Pack> _full = new();
    private readonly Queue<byte[]> _control = new();
    private readonly SessionAbort _abort;
    private Pack? _open;
    private byte[]? _last;
    private bool _completed;
    private bool _plain;

    // The open pack: how many records were held back in it, and whether it may go.
    private int _held;
    private bool _ready;

    public RecordOutbox(SessionAbort abort)
    {
        _abort = abort;
        abort.Token.Register(Wake);
    }

    /// <summary>
    /// Until <see cref="Flush"/>, what this thread appends may wait for more of it. It must not wait for anybody, nor do anything long,
    /// before it has flushed.
    /// </summary>
    public static void Hold() => t_holds = true;

    /// <summary>Lets go what is held back.</summary>
    public void Flush()
    {
        t_holds = false;
        lock (_gate)
        {
            if (_open is { IsEmpty: false } && !_ready)
            {
                _ready = true;
                Monitor.PulseAll(_gate);
            }
        }
    }

    /// <summary>
    /// Begins to append records that take at most <paramref name="bound"/> bytes. Dispose the scope when they are committed.
    /// Waits while the line is behind.
    /// </summary>
    public Scope Enter(int bound)
    {
        Monitor.Enter(_gate);
        try
        {
            while (_full.Count >= MaxQueuedPacks && _abort.Reason is null)
            {
                Monitor.Wait(_gate);
            }

            _abort.ThrowIfAborted();
            if (_open is { } open && Math.Min(open.Buffer.Length, Pack.HeaderRoom + ProtocolLimits.MaxRawRecords) - open.End < bound)
            {
                Close(open);
            }

            _open ??= new Pack(ArrayPool<byte>.Shared.Rent(Math.Max(PackSize, bound + Pack.HeaderRoom))) { Plain = _plain };
            return new Scope(this, _open);
        }
        catch
        {
            Monitor.Exit(_gate);
            throw;
        }
    }

    /// <summary>Whether records from now on go into packs that are not compressed.</summary>
    public void SetPlain(bool plain)
    {
        lock (_gate)
        {
            if (_plain == plain)
            {
                return;
            }

            _plain = plain;
            if (_open is { IsEmpty: false } open)
            {
                Close(open);
            }
            else if (_open is { } empty)
            {
                empty.Plain = plain;
            }
        }
    }

    /// <summary>Queues an encoded control frame; it overtakes records.</summary>
    public void Control(byte[] frame)
    {
        lock (_gate)
        {
            _control.Enqueue(frame);
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Control frames that wait: many only when the peer does not take what it asks for.</summary>
    public int QueuedControls
    {
        get
        {
            lock (_gate)
            {
                return _control.Count;
            }
        }
    }

    /// <summary>No more records will come; after all of them this frame is the last.</summary>
    public void CompleteWith(byte[] lastFrame)
    {
        lock (_gate)
        {
            _last = lastFrame;
            _completed = true;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>No more records will come: the send loop ends when all is sent.</summary>
    public void Complete()
    {
        lock (_gate)
        {
            _completed = true;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>
    /// Waits for something to send. A control frame comes first; then the oldest full pack, else the open one.
    /// </summary>
    /// <returns>False when all has been sent and no more will come.</returns>
    public bool Take(out byte[]? control, out Pack? pack)
    {
        control = null;
        pack = null;
        lock (_gate)
        {
            while (true)
            {
                _abort.ThrowIfAborted();
                if (_control.TryDequeue(out control))
                {
                    return true;
                }

                if (_full.TryDequeue(out pack))
                {
                    Monitor.PulseAll(_gate);
                    return true;
                }

                if (_open is { IsEmpty: false } open && (_ready || _completed))
                {
                    pack = open;
                    _open = null;
                    _ready = false;
                    return true;
                }

                if (_last is { } last)
                {
                    control = last;
                    _last = null;
                    return true;
                }

                if (_completed)
                {
                    return false;
                }

                Monitor.Wait(_gate);
            }
        }
    }

    /// <summary>Wakes everybody who waits here, to look again.</summary>
    public void Wake()
    {
        lock (_gate)
        {
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Waits, as the send loop, until <paramref name="ready"/> says so, sending on control frames meanwhile through the return value.</summary>
    /// <returns>A control frame to send first, or null when ready.</returns>
    public byte[]? WaitFor(Func<bool> ready)
    {
        lock (_gate)
        {
            while (true)
            {
                _abort.ThrowIfAborted();
                if (_control.TryDequeue(out var control))
                {
                    return control;
                }

                if (ready())
                {
                    return null;
                }

                Monitor.Wait(_gate);
            }
        }
    }

    private void Exit() => Monitor.Exit(_gate);

    /// <summary>The open pack is full, or the next must be another.</summary>
    private void Close(Pack open)
    {
        _full.Enqueue(open);
        _open = null;
        _ready = false;
        Monitor.PulseAll(_gate);
    }

    /// <summary>Records were appended to the open pack.</summary>
    private void Appended(Pack pack)
    {
        _held++;
        if (!_ready && (!t_holds || _held >= HeldRecords || pack.End >= Pack.HeaderRoom + HeldBytes))
        {
            _ready = true;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>A pack under way: its buffer is rented and belongs to whoever holds the pack.</summary>
    internal sealed class Pack(byte[] buffer)
    {
        /// <summary>Bytes kept free at the start, so that the frame's header can be written in front of the records.</summary>
        public const int HeaderRoom = 16;

        public byte[] Buffer { get; } = buffer;

        /// <summary>The end of the records in <see cref="Buffer"/>.</summary>
        public int End { get; set; } = HeaderRoom;

        public ReadOnlySpan<byte> Records => Buffer.AsSpan(HeaderRoom, End - HeaderRoom);

        public bool IsEmpty => End == HeaderRoom;

        /// <summary>It is sent as it is.</summary>
        public bool Plain { get; set; }

        public void Return() => ArrayPool<byte>.Shared.Return(Buffer);
    }

    /// <summary>The right to append; holds the outbox until disposed.</summary>
    internal readonly ref struct Scope(RecordOutbox owner, Pack pack)
    {
        /// <summary>Room for at least the bound that was asked for.</summary>
        public Span<byte> Room => pack.Buffer.AsSpan(pack.End);

        /// <summary>Makes the first <paramref name="count"/> bytes of <see cref="Room"/> part of the pack.</summary>
        public void Commit(int count)
        {
            if (count > 0)
            {
                owner._held = pack.IsEmpty ? 0 : owner._held;
                pack.End += count;
                owner.Appended(pack);
            }
        }

        public void Dispose() => owner.Exit();
    }
}
