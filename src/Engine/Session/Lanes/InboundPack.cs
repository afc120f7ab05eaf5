using System.Buffers;

namespace NativeSync.Engine.Session;

/// <summary>
/// A received pack of records. Its buffer is rented and shared by all who still write from it; the last
/// <see cref="Release"/> returns it, and tells the lanes that its bytes are consumed, which grants the peer new credit.
/// </summary>
internal sealed class InboundPack
{
    private readonly LaneGroup _lanes;
    private readonly int _wireLength;
    private byte[] _buffer;
    private int _references = 1;

    public InboundPack(LaneGroup lanes, byte[] rented, int wireLength)
    {
        _lanes = lanes;
        _buffer = rented;
        _wireLength = wireLength;
    }

    /// <summary>Called once, when nobody needs the pack any more.</summary>
    public Action? OnReleased { get; set; }

    /// <summary>The Records payload as received, until <see cref="Unpack"/>.</summary>
    public ReadOnlySpan<byte> Payload => _buffer.AsSpan(0, _wireLength);

    /// <summary>The records, after <see cref="Unpack"/>.</summary>
    public ReadOnlyMemory<byte> Records { get; private set; }

    /// <summary>Decompresses, if need be. Called once, by the stage that consumes the pack.</summary>
    /// <exception cref="Protocol.ProtocolException">The payload is malformed.</exception>
    public void Unpack(PackReader reader)
    {
        var (buffer, start, length) = reader.Unpack(_buffer, _wireLength);
        if (!ReferenceEquals(buffer, _buffer))
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = buffer;
        }

        Records = buffer.AsMemory(start, length);
    }

    /// <summary>One more stage works from this pack.</summary>
    public void AddReference() => Interlocked.Increment(ref _references);

    /// <summary>It was here before: nobody will consume it, and it counts for nothing.</summary>
    public void Drop() => ArrayPool<byte>.Shared.Return(_buffer);

    /// <summary>A stage is done with it.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _references) == 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = [];
            _lanes.Consumed(_wireLength);
            OnReleased?.Invoke();
        }
    }
}
