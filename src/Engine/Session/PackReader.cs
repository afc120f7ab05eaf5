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
        var reader = new WireReader(payload.AsSpan(0, length));
        var codec = reader.ReadByte();
        var rawLength = reader.ReadCount(ProtocolLimits.MaxRawRecords);
        var start = length - reader.Remaining;
        switch (codec)
        {
            case 0 when rawLength == reader.Remaining:
                return (payload, start, rawLength);
            case 1:
                var raw = ArrayPool<byte>.Shared.Rent(rawLength);
                try
                {
                    _codec.Decompress(payload.AsSpan(start, length - start), raw.AsSpan(0, rawLength));
                    return (raw, 0, rawLength);
                }
                catch
                {
                    ArrayPool<byte>.Shared.Return(raw);
                    throw;
                }

            default:
                throw new ProtocolException(ProtocolError.ValueOutOfRange, "a pack of records has an unknown codec or a wrong length");
        }
    }

    public void Dispose() => _codec.Dispose();
}
