using System.Buffers;
using NativeSync.Engine.Delta;

namespace NativeSync.Engine.Session.Sending;

/// <summary>
/// A signature while it comes: the receive loop puts its records in, the content stage takes them out between the steps of its
/// matcher. So what is at its old place in a large file is found while the other end still reads its basis.
/// </summary>
/// <remarks>
/// Guarded by <c>_gate</c>: what came and was not taken. <see cref="Signature"/> belongs to who takes. The receive loop
/// never waits here. What comes is put into one buffer, for a peer may send blocks one by one.
/// </remarks>
internal sealed class IncomingSignature
{
    private readonly object _gate = new();
    private readonly SessionAbort _abort;
    private ArrayBufferWriter<byte> _came = new();
    private long _missing;
    private bool _isClosed;

    public IncomingSignature(BlockLayout layout, SessionAbort abort)
    {
        Signature = new Signature(layout);
        _missing = layout.BlockCount;
        _abort = abort;
    }

    /// <summary>How the basis was cut.</summary>
    public BlockLayout Layout => Signature.Layout;

    /// <summary>What was taken so far.</summary>
    public Signature Signature { get; }

    /// <summary>All of it has come.</summary>
    public bool IsComplete => _missing == 0;

    /// <summary>Nothing more of it need come.</summary>
    public bool IsClosed => Volatile.Read(ref _isClosed);

    /// <summary>The receive loop's part: more blocks came.</summary>
    /// <exception cref="NativeSync.Protocol.ProtocolException">Not whole blocks, or more than there are.</exception>
    public void Add(ReadOnlySpan<byte> blocks)
    {
        if (blocks.Length % Signature.Layout.EntrySize != 0)
        {
            throw DeltaErrors.Malformed("a signature record does not hold whole blocks");
        }

        _missing -= blocks.Length / Signature.Layout.EntrySize;
        if (_missing < 0)
        {
            throw DeltaErrors.Malformed("a signature holds more blocks than its basis");
        }

        lock (_gate)
        {
            if (!_isClosed)
            {
                _came.Write(blocks);
                Monitor.PulseAll(_gate);
            }
        }
    }

    /// <summary>Adds what came to the signature.</summary>
    /// <param name="wait">Waits until there is something.</param>
    public void Take(bool wait)
    {
        // Only while somebody waits: the session would keep every signature that it knows.
        using var registration = wait ? _abort.Token.Register(Wake) : default;
        ArrayBufferWriter<byte> came;
        lock (_gate)
        {
            while (wait && _came.WrittenCount == 0)
            {
                _abort.ThrowIfAborted();
                Monitor.Wait(_gate);
            }

            if (_came.WrittenCount == 0)
            {
                return;
            }

            came = _came;
            _came = new ArrayBufferWriter<byte>();
        }

        Signature.Append(came.WrittenSpan);
    }

    /// <summary>Nobody needs the rest. Said here before the other end hears of it, which may then break it off and go on with another.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            _came = new ArrayBufferWriter<byte>();
        }
    }

    private void Wake()
    {
        lock (_gate)
        {
            Monitor.PulseAll(_gate);
        }
    }
}
