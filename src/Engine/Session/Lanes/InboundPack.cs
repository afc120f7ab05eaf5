using NativeSync.Engine.Buffers;

namespace NativeSync.Engine.Session;

/// <summary>
/// A received pack of records. Its buffer is rented and shared by all who still write from it; the last
/// <see cref="Release"/> returns it, and tells the lanes that its bytes are consumed, which grants the peer new credit.
/// </summary>
internal sealed class InboundPack
{
    private readonly LaneGroup _lanes;
    private readonly int _wireLength;
    private SharedSlice _content;
    private int _references = 1;

    /// <param name="lanes">Where it came.</param>
    /// <param name="payload">Of its frame, held for it.</param>
    public InboundPack(LaneGroup lanes, SharedSlice payload)
    {
        _lanes = lanes;
        _content = payload;
        _wireLength = payload.Length;
    }

    /// <summary>Called once, when nobody needs the pack any more.</summary>
    public Action? OnReleased { get; set; }

    /// <summary>The Records payload as received, until <see cref="Unpack"/>.</summary>
    public ReadOnlySpan<byte> Payload => _content.Span;

    /// <summary>The records, after <see cref="Unpack"/>.</summary>
    public ReadOnlyMemory<byte> Records { get; private set; }

    /// <summary>Decompresses, if need be. Called once, by the stage that consumes the pack.</summary>
    /// <exception cref="Protocol.ProtocolException">The payload is malformed.</exception>
    public void Unpack(PackReader reader)
    {
        var records = reader.Unpack(_content);
        if (!ReferenceEquals(records.Buffer, _content.Buffer))
        {
            _content.Release();
        }

        _content = records;
        Records = records.Memory;
    }

    /// <summary>One more stage works from this pack.</summary>
    public void AddReference() => Interlocked.Increment(ref _references);

    /// <summary>It was here before: nobody will consume it, and it counts for nothing.</summary>
    public void Drop() => _content.Release();

    /// <summary>A stage is done with it.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _references) == 0)
        {
            _content.Release();
            _content = default;
            _lanes.Consumed(_wireLength);
            OnReleased?.Invoke();
        }
    }
}
