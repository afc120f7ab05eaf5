namespace NativeSync.Engine.Session;

/// <summary>
/// Tells how much of the files' content the peer has used up. It grants as much credit again as it uses up: what it has granted beyond
/// its window is behind it, and with it the content of the packs that were paid with that.
/// </summary>
/// <remarks>Guarded by the outbox's monitor.</remarks>
internal sealed class ContentTally
{
    private readonly Queue<(long PaidUntil, long Content)> _underWay = new();
    private long _paid;
    private long _granted;
    private long _window;
    private long _late;
    private long _left;

    /// <summary>Told of bytes of content that the peer has used up; must not wait.</summary>
    public Action<long>? Arrived { get; set; }

    /// <summary>The peer grants more.</summary>
    public void Grant(long bytes)
    {
        _granted += bytes;
        long arrived = 0;
        while (_underWay.TryPeek(out var pack) && pack.PaidUntil <= _granted - _window)
        {
            arrived += _underWay.Dequeue().Content;
        }

        Tell(arrived);
    }

    /// <summary>So much of what the peer grants it grants before anything is used up.</summary>
    public void Widen(long bytes) => _window += bytes;

    /// <summary>Content was appended.</summary>
    /// <param name="content">Bytes of it.</param>
    /// <param name="isLate">Its pack has been taken meanwhile: it counts with the next one that is paid.</param>
    public void Add(long content, bool isLate)
    {
        _left += content;
        _late += isLate ? content : 0;
    }

    /// <summary>A pack has its credit.</summary>
    public void Pay(OutboundPack pack, int payload)
    {
        _paid += payload;
        if (pack.Content + _late > 0)
        {
            _underWay.Enqueue((_paid, pack.Content + _late));
            _late = 0;
        }
    }

    /// <summary>The peer has everything.</summary>
    public void Finish() => Tell(_left);

    private void Tell(long content)
    {
        if (content > 0)
        {
            _left -= content;
            Arrived?.Invoke(content);
        }
    }
}
