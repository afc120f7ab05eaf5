using NativeSync.Engine.Buffers;
using NativeSync.Engine.Compression;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>
/// The window of packs at the end that sends: which records the other end will have when a pack comes to be unpacked. They stay in the buffers of their
/// packs, which live a little longer. docs/protocol.md, "Records".
/// </summary>
/// <remarks>Guarded by the outbox's monitor.</remarks>
/// <param name="level">At which the next pack will be compressed.</param>
/// <param name="least">Bytes of the smallest pack that is kept: of smaller ones the window would hold hundreds of buffers for what fits into a few.</param>
internal sealed class PackHistory(Func<int> level, int least)
{
    private readonly Queue<SharedSlice> _kept = new();
    private int _length;

    /// <summary>A lane has taken the pack that is the next in order: whether it is kept, and what comes before it, is settled now.</summary>
    public void Take(OutboundPack pack)
    {
        if (pack.Plain || pack.Records.Length < least || level() < PackCodec.WindowLevel)
        {
            return;
        }

        var before = _kept.ToArray();
        foreach (var records in before)
        {
            _ = records.Hold();
        }

        pack.Keep(before);
        _kept.Enqueue(pack.Kept);
        _length += pack.Records.Length;
        while (_length - _kept.Peek().Length >= ProtocolLimits.MaxWindow)
        {
            var oldest = _kept.Dequeue();
            _length -= oldest.Length;
            oldest.Release();
        }
    }

    /// <summary>Lets go of the buffers.</summary>
    public void Return()
    {
        while (_kept.TryDequeue(out var records))
        {
            records.Release();
        }

        _length = 0;
    }
}
