namespace NativeSync.Engine.Session;

/// <summary>How far this end is. Written by all stages, read by the progress timer.</summary>
internal sealed class ProgressCounters
{
    private long _entries;
    private long _totalEntries;
    private long _bytes;
    private long _totalBytes;
    private int _final;

    public void Found(long entries, long bytes)
    {
        Interlocked.Add(ref _totalEntries, entries);
        Interlocked.Add(ref _totalBytes, bytes);
    }

    public void Settled(long entries, long bytes)
    {
        Interlocked.Add(ref _entries, entries);
        Interlocked.Add(ref _bytes, bytes);
    }

    public void TotalsAreFinal() => Volatile.Write(ref _final, 1);

    public SyncProgress Snapshot(long wireBytes) => new(
        Volatile.Read(ref _entries), Volatile.Read(ref _totalEntries), Volatile.Read(ref _bytes), Volatile.Read(ref _totalBytes),
        wireBytes, Volatile.Read(ref _final) == 1);
}
