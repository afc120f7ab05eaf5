using NativeSync.Protocol;

namespace NativeSync.Engine.Session;

/// <summary>What an end does with the records of the other.</summary>
internal interface IRecordHandler
{
    /// <summary>Takes one record, with all of its fields.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="fields">Stands at its first field.</param>
    /// <param name="pack">Holds what the fields refer to.</param>
    /// <returns>False, with nothing read, when it is of no use here: it is checked and passed.</returns>
    /// <exception cref="ProtocolException">It is malformed, or not to come now.</exception>
    bool TryHandle(RecordType type, ref WireReader fields, InboundPack pack);
}

/// <summary>The reading loop of every end: unpacks a pack, hands on its records in order and gives it back. Of one thread at a time.</summary>
internal sealed class RecordLoop(RecordSide from) : IDisposable
{
    private readonly PackReader _reader = new();

    /// <summary>Records each pack before it is read; null for nobody.</summary>
    public Batch.BatchWriter? Batch { get; set; }

    public void Read(InboundPack pack, IRecordHandler handler)
    {
        try
        {
            pack.Unpack(_reader);
            Batch?.Append(pack.Records.Span);
            var records = new RecordReader(pack.Records.Span, from);
            while (records.TryNext(out var type))
            {
                if (!handler.TryHandle(type, ref records.Wire, pack))
                {
                    records.Skip(type);
                }
            }
        }
        finally
        {
            pack.Release();
        }
    }

    public void Dispose() => _reader.Dispose();
}
