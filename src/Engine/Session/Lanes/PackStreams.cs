using NativeSync.Engine.Compression;

namespace NativeSync.Engine.Session;

/// <summary>The streams of an end that compresses, and which pack goes on with which: several, so that packs are compressed beside each other. docs/protocol.md, "Records".</summary>
internal sealed class PackStreams : IDisposable
{
    /// <summary>From here on packs go through streams: what is weaker is for lines which no stream keeps up with.</summary>
    public const int Least = 1;

    private readonly Func<int> _most;
    private readonly Func<int> _lanes;
    private readonly PackStream[] _streams;
    private readonly CancellationTokenRegistration _stop;

    /// <param name="most">Streams that the next pack may go through, if any.</param>
    /// <param name="lanes">That are there, the first one included.</param>
    /// <param name="count">Of streams.</param>
    /// <param name="stop">Nobody waits for a turn any longer.</param>
    public PackStreams(Func<int> most, Func<int> lanes, int count, CancellationToken stop)
    {
        _most = most;
        _lanes = lanes;
        _streams = [.. Enumerable.Range(0, count).Select(index => new PackStream(index, stop))];
        _stop = stop.Register(() => Array.ForEach(_streams, static stream => stream.Wake()));
    }

    /// <summary>A lane has taken the pack that is the next in order. Under the outbox's monitor.</summary>
    /// <remarks>
    /// The first that has not enough to do, by its share of the lanes: where one suffices, all goes through it and finds the most. Of two that go on by turns each
    /// finds 4 % less.
    /// </remarks>
    public void Take(OutboundPack pack)
    {
        var most = pack.Plain ? 0 : Math.Min(_most(), _streams.Length);
        if (most > 0)
        {
            var share = Math.Max(1, _lanes() / most);
            var streams = _streams[..most];
            var stream = Array.Find(streams, stream => stream.Pending < share) ?? streams.MinBy(static stream => stream.Pending)!;
            pack.Turn = (stream, stream.GiveTurn());
        }
    }

    public void Dispose()
    {
        _stop.Dispose();
        Array.ForEach(_streams, static stream => stream.Dispose());
    }
}
