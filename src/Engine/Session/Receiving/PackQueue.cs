namespace NativeSync.Engine.Session.Receiving;

/// <summary>Packs between the receive loop and the dispatcher. Unbounded by itself: the credit that the sender was granted bounds it.</summary>
internal sealed class PackQueue : IDisposable
{
    private readonly object _gate = new();
    private readonly Queue<InboundPack> _packs = new();
    private readonly SessionAbort _abort;
    private readonly CancellationTokenRegistration _registration;
    private bool _completed;

    public PackQueue(SessionAbort abort)
    {
        _abort = abort;
        _registration = abort.Token.Register(Complete);
    }

    /// <summary>False when nothing more is taken; the pack stays the caller's then.</summary>
    public bool TryAdd(InboundPack pack)
    {
        lock (_gate)
        {
            if (!_completed)
            {
                _packs.Enqueue(pack);
                Monitor.PulseAll(_gate);
                return true;
            }
        }

        return false;
    }

    /// <summary>The next pack; null when there will be none.</summary>
    public InboundPack? Take()
    {
        lock (_gate)
        {
            while (true)
            {
                _abort.ThrowIfAborted();
                if (_packs.TryDequeue(out var pack))
                {
                    return pack;
                }

                if (_completed)
                {
                    return null;
                }

                Monitor.Wait(_gate);
            }
        }
    }

    public void Complete()
    {
        lock (_gate)
        {
            _completed = true;
            Monitor.PulseAll(_gate);
        }
    }

    public void Dispose()
    {
        _registration.Dispose();
        Complete();
        while (_packs.TryDequeue(out var pack))
        {
            pack.Release();
        }
    }
}
