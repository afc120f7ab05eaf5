using System.Buffers;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>A pack under way: its buffer is rented and belongs to whoever holds the pack.</summary>
internal sealed class OutboundPack(byte[] buffer)
{
    /// <summary>Bytes kept free at the start, so that the frame's header can be written in front of the records.</summary>
    public const int HeaderRoom = RecordsFrame.MaxPrefixSize;

    public byte[] Buffer { get; private set; } = buffer;

    /// <summary>The end of the records in <see cref="Buffer"/>.</summary>
    public int End { get; set; } = HeaderRoom;

    public ReadOnlySpan<byte> Records => Buffer.AsSpan(HeaderRoom, End - HeaderRoom);

    public bool IsEmpty => End == HeaderRoom;

    /// <summary>It is sent as it is.</summary>
    public bool Plain { get; set; }

    /// <summary>Its place among all packs; negative until a lane has taken it.</summary>
    public long Number { get; set; } = -1;

    /// <summary>It has its credit.</summary>
    public bool Paid { get; set; }

    /// <summary>What it cost in credit.</summary>
    public int Payload { get; set; }

    /// <summary>The whole frame, in <see cref="Buffer"/>, once it is kept in that form.</summary>
    public ReadOnlyMemory<byte> Frame { get; private set; }

    /// <summary>Keeps the frame in place of the records, in no more room than it needs: it may have to be sent again.</summary>
    public void Seal(ReadOnlyMemory<byte> frame, int payload)
    {
        Payload = payload;
        if (frame.Length <= Buffer.Length / 2 || !frame.Span.Overlaps(Buffer))
        {
            var smaller = ArrayPool<byte>.Shared.Rent(frame.Length);
            frame.Span.CopyTo(smaller);
            Return();
            Buffer = smaller;
            frame = smaller.AsMemory(0, frame.Length);
        }

        Frame = frame;
    }

    public void Return() => ArrayPool<byte>.Shared.Return(Buffer);
}
