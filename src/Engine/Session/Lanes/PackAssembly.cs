using NativeSync.Engine.Buffers;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>The pack that records are appended to, and the full ones before it.</summary>
/// <remarks>Guarded by the outbox's monitor. Where a method says that something may be taken now, the outbox wakes the lanes.</remarks>
internal sealed class PackAssembly(int packSize, int maxQueued)
{
    /// <summary>What is held back goes when it is as much as this, or as many records: soon enough for the other end to begin.</summary>
    private const int HeldBytes = 2 * 1024;
    private const int HeldRecords = 32;

    /// <summary>While nobody stops to wait, the bound doubles so many times: the other end has enough to do, and each pack costs both ends a dozen wake-ups.</summary>
    private const int MostDoublings = 3;

    private readonly Queue<OutboundPack> _full = new();
    private OutboundPack? _open;
    private bool _plain;

    // The open pack: how many records were held back in it, and whether it may go.
    private int _held;
    private bool _ready;
    private int _doublings;

    /// <summary>So much is queued that producers have to wait.</summary>
    public bool IsBehind => _full.Count >= maxQueued;

    /// <summary>The pack in which there is room for a record.</summary>
    /// <param name="bound">Bytes of the record, at most.</param>
    /// <param name="closed">Another pack was full: it may be taken now.</param>
    public OutboundPack WithRoom(int bound, out bool closed)
    {
        closed = _open is { } open && Math.Min(open.Buffer.Length, OutboundPack.HeaderRoom + ProtocolLimits.MaxRawRecords) - open.End < bound;
        if (closed)
        {
            Close();
        }

        return _open ??= new OutboundPack(PackBuffers.Rent(Math.Max(packSize, bound + OutboundPack.HeaderRoom))) { Plain = _plain };
    }

    /// <summary>Whether packs are compressed, but for those that are plain.</summary>
    public bool Compresses { get; set; }

    /// <summary>There is something to take.</summary>
    public bool HasAny(bool evenHeld) => _full.Count > 0 || (_open is { IsEmpty: false } && (_ready || evenHeld));

    /// <summary>Records were appended to the open pack.</summary>
    /// <param name="count">Bytes of them.</param>
    /// <param name="isHeld">They may wait for more.</param>
    /// <returns>The pack may be taken now.</returns>
    public bool Append(int count, bool isHeld)
    {
        var pack = _open!;
        _held = pack.IsEmpty ? 1 : _held + 1;
        pack.Append(count);
        if (!isHeld)
        {
            return LetGo();
        }

        if (_ready || (_held < HeldRecords << _doublings && pack.End < OutboundPack.HeaderRoom + (HeldBytes << _doublings)))
        {
            return false;
        }

        _doublings = Math.Min(_doublings + 1, MostDoublings);
        return _ready = true;
    }

    /// <summary>What was appended last stands for so many bytes of files. False when it has been taken already.</summary>
    public bool TryCount(long content)
    {
        if (_open is null)
        {
            return false;
        }

        _open.Content += content;
        return true;
    }

    /// <summary>What was held back waits no longer.</summary>
    /// <returns>The pack may be taken now.</returns>
    public bool LetGo()
    {
        _doublings = 0;
        if (_ready || _open is not { IsEmpty: false })
        {
            return false;
        }

        return _ready = true;
    }

    /// <summary>Whether records from now on go into packs that are not compressed.</summary>
    /// <returns>A pack may be taken now.</returns>
    public bool SetPlain(bool plain)
    {
        if (_plain == plain)
        {
            return false;
        }

        _plain = plain;
        if (_open is { IsEmpty: false })
        {
            Close();
            return true;
        }

        if (_open is { } empty)
        {
            empty.Plain = plain;
        }

        return false;
    }

    /// <summary>Takes the oldest full pack, or its first records where only so many bytes are wanted.</summary>
    public bool TryTakeFull(long most, out OutboundPack? pack)
    {
        // Compressed alone, a part would take more room than it saves time.
        pack = _full.TryPeek(out var oldest) && (oldest.Plain || !Compresses) ? oldest.CutHead(most) : null;
        return pack is not null || _full.TryDequeue(out pack);
    }

    /// <summary>Takes the open pack, when there is anything in it.</summary>
    /// <param name="evenHeld">What is held back, too.</param>
    /// <param name="pack">The pack.</param>
    public bool TryTakeOpen(bool evenHeld, out OutboundPack? pack)
    {
        pack = _open;
        if (pack is not { IsEmpty: false } || !(_ready || evenHeld))
        {
            return false;
        }

        _open = null;
        _ready = false;
        return true;
    }

    /// <summary>Gives back the buffers of what was not taken.</summary>
    public void Return()
    {
        _open?.Return();
        _open = null;
        while (_full.TryDequeue(out var pack))
        {
            pack.Return();
        }
    }

    private void Close()
    {
        _full.Enqueue(_open!);
        _open = null;
        _ready = false;
    }
}
