using System.Buffers;
using NativeSync.Engine.Compression;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>Opens the payload of Records frames. docs/protocol.md, "Records". Belongs to one consuming thread.</summary>
internal sealed class PackReader : IDisposable
{
    private readonly PackCodec _codec = new();

    /// <summary>
    /// Gives where the records are: in the payload's own buffer when they are plain, in a newly rented one when they were compressed.
    /// </summary>
    /// <exception cref="ProtocolException">Unknown codec, lengths out of bounds, or bytes that do not decompress to what they declare.</exception>
    public (byte[] Buffer, int Start, int Length) Unpack(byte[] payload, int length)
    {
        var frame = RecordsFrame.Parse(payload.AsSpan(0, length), out var body);
        if (frame.Codec == RecordsCodec.Plain)
        {
            return (payload, length - body.Length, body.Length);
        }

        var raw = ArrayPool<byte>.Shared.Rent(frame.RawLength);
        try
        {
            _codec.Decompress(body, raw.AsSpan(0, frame.RawLength));
            return (raw, 0, frame.RawLength);
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(raw);
            throw;
        }
    }

    public void Dispose() => _codec.Dispose();
}
