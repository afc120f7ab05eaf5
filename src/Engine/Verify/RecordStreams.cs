namespace NativeSync.Engine.Verify;

/// <summary>Takes packs of records in order, each at most ProtocolLimits.MaxRawRecords long and borrowed until the task completes.</summary>
internal interface IRecordSink
{
    ValueTask SendAsync(ReadOnlyMemory<byte> records, CancellationToken ct);
}

/// <summary>Gives packs of records in order.</summary>
internal interface IRecordSource : IAsyncDisposable
{
    /// <summary>The next pack, valid until the next call; empty at the end of the stream.</summary>
    ValueTask<ReadOnlyMemory<byte>> ReceiveAsync(CancellationToken ct);

    /// <summary>After the last pack: waits until the giving side is done too.</summary>
    ValueTask FinishAsync(CancellationToken ct);
}
