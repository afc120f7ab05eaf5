using NativeSync.Engine.Buffers;
using NativeSync.Engine.Compression;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>Opens the payload of Records frames. docs/protocol.md, "Records". Belongs to one consuming thread at a time.</summary>
/// <param name="inOrder">They come one after the other as their numbers say, so that there is a window.</param>
internal sealed class PackReader(bool inOrder = true) : IDisposable
{
    private readonly PackCodec _codec = new();

    /// <summary>The window is the end of what is in use; it is moved to the front each time that there is no room behind it.</summary>
    private byte[] _kept = [];
    private int _keptEnd;

    private ReadOnlySpan<byte> Window => _kept.AsSpan(Math.Max(0, _keptEnd - ProtocolLimits.MaxWindow).._keptEnd);

    /// <summary>
    /// Gives where the records are: in the payload's own buffer, not held once more, when they are plain, in a newly rented one when they were compressed.
    /// </summary>
    /// <exception cref="ProtocolException">Unknown codec, lengths out of bounds, or bytes that do not decompress to what they declare.</exception>
    public SharedSlice Unpack(SharedSlice payload)
    {
        var frame = RecordsFrame.Parse(payload.Span, out var body);
        if (frame.IsKept && !inOrder)
        {
            throw new ProtocolException(ProtocolError.BadCompression, "a pack refers to others where each is read by itself");
        }

        if (frame.IsPlain)
        {
            Keep(frame, body);
            return payload with { Start = payload.Start + payload.Length - body.Length, Length = body.Length };
        }

        SharedSlice raw = new(new SharedBuffer(PackBuffers.Rent(frame.RawLength)), 0, frame.RawLength);
        try
        {
            _codec.Decompress(body, raw.Span, frame.IsKept ? Window : []);
            Keep(frame, raw.Span);
            return raw;
        }
        catch
        {
            raw.Release();
            throw;
        }
    }

    public void Dispose() => _codec.Dispose();

    private void Keep(in RecordsFrame frame, ReadOnlySpan<byte> records)
    {
        if (!frame.IsKept)
        {
            return;
        }

        if (_kept.Length == 0)
        {
            _kept = new byte[2 * ProtocolLimits.MaxWindow];
        }

        if (_keptEnd + records.Length > _kept.Length)
        {
            var rest = _kept.AsSpan(0, _keptEnd)[^(ProtocolLimits.MaxWindow - records.Length)..];
            rest.CopyTo(_kept);
            _keptEnd = rest.Length;
        }

        records.CopyTo(_kept.AsSpan(_keptEnd));
        _keptEnd += records.Length;
    }
}
