namespace NativeSync.Engine.Session;

/// <summary>
/// The order of the packs: they are numbered as they are taken, and take credit in the order of their numbers, so that the one which the peer waits
/// for is never the one that has no credit.
/// </summary>
/// <remarks>Guarded by the outbox's monitor.</remarks>
internal sealed class PackTurns
{
    private readonly List<OutboundPack> _again = [];
    private long _credit;
    private long _next;
    private long _turn;

    /// <summary>Packs on further lanes that the peer has not confirmed: they may have to be sent again.</summary>
    public int Away { get; private set; }

    /// <summary>Packs were handed back that no lane has taken again.</summary>
    public bool HasAgain => _again.Count > 0;

    /// <summary>The peer grants more.</summary>
    public void Grant(long bytes) => _credit += bytes;

    /// <summary>A lane has taken a pack.</summary>
    public void Taken(LanePort port, OutboundPack pack)
    {
        if (pack.Number < 0)
        {
            pack.Number = _next++;
        }

        Away += port.IsFirst ? 0 : 1;
    }

    /// <summary>No pack before it has still to take its credit.</summary>
    public bool IsNext(OutboundPack pack) => _turn == pack.Number;

    /// <summary>Takes the credit of a pack, if it is its turn.</summary>
    /// <returns>It did so now: the next one's turn has come.</returns>
    public bool TryPay(OutboundPack pack, int payload)
    {
        if (pack.Paid || _turn != pack.Number || _credit < payload)
        {
            return false;
        }

        _credit -= payload;
        _turn++;
        return pack.Paid = true;
    }

    /// <summary>One that comes before it is on nobody's hands: it has to go first, and somebody has to send it.</summary>
    public bool IsBehindAnother(OutboundPack pack) => _again.Count > 0 && _again[0].Number < pack.Number;

    /// <summary>Takes the oldest pack that was handed back.</summary>
    public bool TryTakeAgain(out OutboundPack? pack)
    {
        pack = null;
        if (_again.Count == 0)
        {
            return false;
        }

        pack = _again[0];
        _again.RemoveAt(0);
        return true;
    }

    /// <summary>A pack was taken and not sent.</summary>
    public void HandBack(LanePort port, OutboundPack pack)
    {
        Away -= port.IsFirst ? 0 : 1;
        var at = _again.Count;
        while (at > 0 && _again[at - 1].Number > pack.Number)
        {
            at--;
        }

        _again.Insert(at, pack);
    }

    /// <summary>Gives back the buffers of what was handed back and not taken again.</summary>
    public void Return()
    {
        foreach (var pack in _again)
        {
            pack.Return();
        }

        _again.Clear();
    }

    /// <summary>The peer has a pack of a further lane.</summary>
    public void Confirmed(OutboundPack pack)
    {
        Away--;
        pack.Return();
    }
}
