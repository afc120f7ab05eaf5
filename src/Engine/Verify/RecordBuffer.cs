using NativeSync.Protocol;

namespace NativeSync.Engine.Verify;

/// <summary>Collects records into packs for a sink. Used by one thread at a time.</summary>
internal sealed class RecordBuffer(IRecordSink sink)
{
    /// <summary>A pack is sent once it has so much; what is larger anyway is still taken whole.</summary>
    private const int SendAt = 256 * 1024;

    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(ProtocolLimits.MaxRawRecords);
    private int _used;

    /// <summary>Room for records behind what is there; after <see cref="EnsureAsync"/> at least the bound asked for.</summary>
    public Span<byte> Room => _buffer.AsSpan(_used);

    public void Commit(int count) => _used += count;

    /// <summary>Makes room for so many bytes, sending what is there if need be.</summary>
    public ValueTask EnsureAsync(int bound, CancellationToken ct) =>
        _used > 0 && (_used >= SendAt || _buffer.Length - _used < bound) ? FlushAsync(ct) : ValueTask.CompletedTask;

    public async ValueTask FlushAsync(CancellationToken ct)
    {
        if (_used > 0)
        {
            await sink.SendAsync(_buffer.AsMemory(0, _used), ct).ConfigureAwait(false);
            _used = 0;
        }
    }
}
