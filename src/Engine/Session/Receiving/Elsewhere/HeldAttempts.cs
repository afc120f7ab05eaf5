using NativeSync.Engine.Session.Receiving.Directories;

namespace NativeSync.Engine.Session.Receiving.Elsewhere;

/// <summary>
/// Proved contents that wait until it is known whether the file that has them stays. Because who waits pins its directory's listing
/// at the sender, whose room is bounded, not all can wait.
/// </summary>
/// <remarks>Used by the dispatcher alone.</remarks>
internal sealed class HeldAttempts
{
    /// <summary>A third of what the sender keeps of listings that are not settled; hard links may take another.</summary>
    private const long MaxPinnedBytes = 8 * 1024 * 1024;

    private readonly Dictionary<ulong, List<(ReceiverDirectory Directory, int Index)>> _waiting = [];
    private readonly Dictionary<int, int> _pinned = [];
    private long _pinnedBytes;

    /// <summary>Lets one wait for a directory.</summary>
    /// <returns>False when there is no room.</returns>
    public bool TryAdd(ulong waitsFor, ReceiverDirectory directory, int index)
    {
        var members = _pinned.GetValueOrDefault(directory.Id);
        var bytes = members > 0 ? 0 : directory.Remote!.Entries.Footprint;
        if (_pinnedBytes + bytes > MaxPinnedBytes)
        {
            return false;
        }

        _pinnedBytes += bytes;
        _pinned[directory.Id] = members + 1;
        if (!_waiting.TryGetValue(waitsFor, out var list))
        {
            _waiting.Add(waitsFor, list = []);
        }

        list.Add((directory, index));
        return true;
    }

    /// <summary>Those that wait for a directory.</summary>
    public IReadOnlyList<(ReceiverDirectory Directory, int Index)> Take(ulong directory)
    {
        if (!_waiting.Remove(directory, out var list))
        {
            return [];
        }

        foreach (var (held, _) in list)
        {
            Release(held);
        }

        return list;
    }

    /// <summary>All.</summary>
    public IReadOnlyList<(ReceiverDirectory Directory, int Index)> TakeAll()
    {
        var all = new List<(ReceiverDirectory Directory, int Index)>();
        foreach (var list in _waiting.Values)
        {
            all.AddRange(list);
        }

        _waiting.Clear();
        _pinned.Clear();
        _pinnedBytes = 0;
        return all;
    }

    private void Release(ReceiverDirectory directory)
    {
        var members = _pinned[directory.Id] - 1;
        if (members > 0)
        {
            _pinned[directory.Id] = members;
            return;
        }

        _pinned.Remove(directory.Id);
        _pinnedBytes -= directory.Remote!.Entries.Footprint;
    }
}
