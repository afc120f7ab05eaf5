using NativeSync.Engine.Buffers;
using NativeSync.Engine.Compression;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>A pack under way: its buffer is rented and belongs to whoever holds the pack.</summary>
internal sealed class OutboundPack(byte[] buffer)
{
    /// <summary>Bytes kept free at the start, so that the frame's header can be written in front of the records.</summary>
    public const int HeaderRoom = RecordsFrame.MaxPrefixSize;

    /// <summary>A pack can be cut behind a record about every so many bytes.</summary>
    private const int CutEvery = 64 * 1024;

    private readonly int[] _cuts = new int[RecordOutbox.PackSize / CutEvery - 1];
    private int _cutCount;
    private SharedBuffer? _buffer = new(buffer);

    public byte[] Buffer => _buffer?.Array ?? [];

    /// <summary>The start of the records in <see cref="Buffer"/>.</summary>
    public int Start { get; private set; } = HeaderRoom;

    /// <summary>The end of the records in <see cref="Buffer"/>.</summary>
    public int End { get; private set; } = HeaderRoom;

    public ReadOnlySpan<byte> Records => Buffer.AsSpan(Start, End - Start);

    public bool IsEmpty => End == Start;

    /// <summary>It is sent as it is.</summary>
    public bool Plain { get; set; }

    /// <summary>Its turn in the stream that it is a part of, if it is one.</summary>
    public (PackStream Stream, long Number)? Turn { get; set; }

    /// <summary>Its place among all packs; negative until a lane has taken it.</summary>
    public long Number { get; set; } = -1;

    /// <summary>Its place among those of its lane.</summary>
    public ulong Ordinal { get; set; }

    /// <summary>When it went (clock ticks).</summary>
    public long SentAt { get; set; }

    /// <summary>Bytes of it that count as under way on the line.</summary>
    public int Counted { get; set; }

    /// <summary>It has its credit.</summary>
    public bool Paid { get; set; }

    /// <summary>Bytes of files that its records stand for.</summary>
    public long Content { get; set; }

    /// <summary>What it cost in credit.</summary>
    public int Payload { get; set; }

    /// <summary>The whole frame, in <see cref="Buffer"/>, once it is kept in that form.</summary>
    public ReadOnlyMemory<byte> Frame { get; private set; }

    /// <summary>Whole records were appended.</summary>
    public void Append(int count)
    {
        End += count;
        if (_cutCount < _cuts.Length && End - (_cutCount == 0 ? Start : _cuts[_cutCount - 1]) >= CutEvery)
        {
            _cuts[_cutCount++] = End;
        }
    }

    /// <summary>The records end there now.</summary>
    public void Shorten(int end)
    {
        End = end;
        _cutCount = 0;
    }

    /// <summary>
    /// Takes the first records off as a pack of their own, of at most so many bytes where that is possible. Null when this one is not larger, or
    /// cannot be cut.
    /// </summary>
    public OutboundPack? CutHead(long most)
    {
        var at = 0;
        while (at + 1 < _cutCount && _cuts[at + 1] - Start <= most)
        {
            at++;
        }

        if (End - Start <= most || _cutCount == 0 || _cuts[at] == End)
        {
            return null;
        }

        var length = _cuts[at] - Start;
        var head = new OutboundPack(PackBuffers.Rent(length + HeaderRoom)) { Plain = Plain };
        Records[..length].CopyTo(head.Buffer.AsSpan(HeaderRoom));
        head.End += length;
        Start = _cuts[at];
        _cutCount -= at + 1;
        _cuts.AsSpan(at + 1, _cutCount).CopyTo(_cuts);
        return head;
    }

    /// <summary>Keeps the frame in place of the records, in no more room than it needs: it may have to be sent again. <see cref="Buffer"/> is the frame's then.</summary>
    public void Seal(ReadOnlyMemory<byte> frame, int payload, FrameStore store)
    {
        Payload = payload;
        if (frame.Length <= Buffer.Length / 2 || !frame.Span.Overlaps(Buffer))
        {
            var room = store.Take(frame.Length);
            frame.Span.CopyTo(room.Span);
            Return();
            _buffer = room.Buffer;
            frame = room.Memory;
        }

        Frame = frame;
    }

    /// <summary>Its buffer, held once more: a peer may confirm a pack of which it has seen the beginning.</summary>
    public SharedBuffer? Hold() => _buffer?.Hold();

    /// <summary>Lets go of the buffer.</summary>
    public void Return()
    {
        _buffer?.Release();
        _buffer = null;
        Frame = default;
    }
}
