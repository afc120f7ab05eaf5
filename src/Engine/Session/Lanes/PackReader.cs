using NativeSync.Engine.Buffers;
using NativeSync.Engine.Compression;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>Opens the payload of Records frames. docs/protocol.md, "Records". Belongs to one consuming thread at a time.</summary>
/// <param name="inOrder">They come one after the other as their numbers say, so that there are streams.</param>
internal sealed class PackReader(bool inOrder = true) : IDisposable
{
    private readonly PackCodec _codec = new();

    private readonly DecompressionStream?[] _streams = new DecompressionStream?[ProtocolLimits.MaxStreams];

    /// <summary>
    /// Gives where the records are: in the payload's own buffer, not held once more, when they are plain, in a newly rented one when they were compressed.
    /// </summary>
    /// <exception cref="ProtocolException">Unknown codec, lengths out of bounds, or bytes that do not decompress to what they declare.</exception>
    public SharedSlice Unpack(SharedSlice payload)
    {
        var frame = RecordsFrame.Parse(payload.Span, out var body);
        if (frame.IsPlain)
        {
            return payload with { Start = payload.Start + payload.Length - body.Length, Length = body.Length };
        }

        SharedSlice raw = new(new SharedBuffer(PackBuffers.Rent(frame.RawLength)), 0, frame.RawLength);
        try
        {
            if (frame.Codec == RecordsCodec.ZstdPart)
            {
                Continue(body, raw.Span);
            }
            else
            {
                _codec.Decompress(body, raw.Span);
            }

            return raw;
        }
        catch
        {
            raw.Release();
            throw;
        }
    }

    public void Dispose()
    {
        _codec.Dispose();
        Array.ForEach(_streams, static stream => stream?.Dispose());
    }

    private void Continue(ReadOnlySpan<byte> part, Span<byte> raw)
    {
        if (!inOrder)
        {
            throw new ProtocolException(ProtocolError.BadCompression, "a pack is a part of a stream where each is read by itself");
        }

        var index = part[0] & ~PackStream.Anew;
        if (index >= _streams.Length)
        {
            throw new ProtocolException(ProtocolError.ValueOutOfRange, $"stream {index} of {_streams.Length}");
        }

        var stream = _streams[index] ??= new DecompressionStream(PackStream.WindowOf(index));
        if (!stream.TryDecompress(part[1..], raw, (part[0] & PackStream.Anew) != 0))
        {
            throw new ProtocolException(ProtocolError.BadCompression, "a part of a compressed stream is damaged");
        }
    }
}
