using NativeSync.Engine.Compression;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>Makes Records frames of packs: plain in place, or compressed. docs/protocol.md, "Records". Belongs to one send loop.</summary>
internal sealed class PackWriter(int? level) : IDisposable
{
    private const byte Plain = 0;
    private const byte Zstd = 1;

    private readonly PackCodec? _codec = level is null ? null : new PackCodec();
    private byte[] _packed = [];

    /// <summary>The frame of a pack; valid until the next call and while the pack lives.</summary>
    /// <param name="pack">The pack; the room before its records is overwritten.</param>
    /// <param name="payload">Bytes of the frame's payload: what it costs in credit.</param>
    public ReadOnlyMemory<byte> Encode(RecordOutbox.Pack pack, out int payload)
    {
        var raw = pack.Records;
        if (_codec is { } codec && !pack.Plain)
        {
            if (_packed.Length < raw.Length + RecordOutbox.Pack.HeaderRoom)
            {
                _packed = new byte[raw.Length + RecordOutbox.Pack.HeaderRoom];
            }

            var packed = codec.Compress(raw, _packed.AsSpan(RecordOutbox.Pack.HeaderRoom), level!.Value);
            if (packed > 0)
            {
                return Head(_packed, Zstd, raw.Length, packed, out payload);
            }
        }

        return Head(pack.Buffer, Plain, raw.Length, raw.Length, out payload);
    }

    public void Dispose() => _codec?.Dispose();

    private static ReadOnlyMemory<byte> Head(byte[] buffer, byte codec, int rawLength, int length, out int payload)
    {
        Span<byte> scratch = stackalloc byte[RecordOutbox.Pack.HeaderRoom];
        var inner = new WireWriter(scratch);
        inner.WriteByte(codec);
        inner.WriteVarint((ulong)rawLength);
        payload = inner.Position + length;
        Span<byte> outer = stackalloc byte[RecordOutbox.Pack.HeaderRoom];
        var header = new WireWriter(outer);
        header.WriteByte((byte)FrameType.Records);
        header.WriteVarint((ulong)payload);
        var start = RecordOutbox.Pack.HeaderRoom - inner.Position - header.Position;
        outer[..header.Position].CopyTo(buffer.AsSpan(start));
        scratch[..inner.Position].CopyTo(buffer.AsSpan(start + header.Position));
        return buffer.AsMemory(start, header.Position + payload);
    }
}
