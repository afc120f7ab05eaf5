namespace NativeSync.Engine.Session;

/// <summary>
/// How much may be under way on a lane. Packs are taken in order by the peer, so a slow lane with much under way holds up what came over the others:
/// the window begins small, grows with each round trip somewhat faster than TCP's own does on a new connection, and shrinks when packs take much longer
/// than the line is long. Guarded by the outbox's monitor.
/// </summary>
/// <param name="isFirst">The first lane has been under way for a while when this begins to count.</param>
internal sealed class LaneWindow(bool isFirst)
{
    private const int Smallest = 64 * 1024;

    private const int Beginning = 256 * 1024;

    /// <summary>OpenSSH's window of 2 MiB, and two packs in buffers on the way.</summary>
    private const int Largest = 3 * 1024 * 1024;

    private long _size = isFirst ? Largest : Beginning;

    /// <summary>Bytes under way.</summary>
    public long UnderWay { get; private set; }

    /// <summary>The peer has confirmed something.</summary>
    public bool Confirms { get; private set; }

    /// <summary>Whether another pack may go: not by crumbs.</summary>
    public bool HasRoom => UnderWay == 0 || _size - UnderWay >= Math.Min(_size / 2, RecordOutbox.PackSize);

    /// <summary>Bytes that the next pack may have.</summary>
    public long Room => _size - UnderWay;

    /// <summary>A pack goes.</summary>
    public void Add(int bytes) => UnderWay += bytes;

    /// <summary>Nobody will say that it is there.</summary>
    public void Forget(int bytes) => UnderWay -= bytes;

    /// <summary>A pack is there.</summary>
    /// <param name="bytes">Of it.</param>
    /// <param name="took">Clock ticks since it went.</param>
    /// <param name="expected">Clock ticks that it may take where nothing holds it up.</param>
    public void Confirm(int bytes, long took, long expected)
    {
        Confirms = true;
        UnderWay -= bytes;
        if (took <= expected)
        {
            _size = Math.Min(Largest, _size + 2 * bytes);
        }
        else if (took > 2 * expected)
        {
            _size = Math.Max(Smallest, _size - bytes / 2);
        }
    }

    /// <summary>Nothing is under way any more.</summary>
    public void Clear() => UnderWay = 0;
}
