namespace NativeSync.Engine.Buffers;

/// <summary>
/// Room for frames that stay for a while: what is under way until the other end confirms it, what has come until it is worked on. They are of any length below
/// a pack's, so that several share a buffer, which goes back when the last of them has gone; small ones have one of their own, since a peer could keep half a
/// megabyte from us by each that it leaves behind. Safe for use by many threads.
/// </summary>
internal sealed class FrameStore : IDisposable
{
    private readonly Lock _gate = new();
    private SharedBuffer? _open;
    private int _used;
    private bool _disposed;

    public FrameStore() => PackBuffers.Open();

    /// <summary>Room for so many bytes, held for the caller.</summary>
    public SharedSlice Take(int length)
    {
        if (length is <= PackBuffers.Small or > PackBuffers.UsualLength / 2)
        {
            return new SharedSlice(new SharedBuffer(PackBuffers.Rent(length)), 0, length);
        }

        lock (_gate)
        {
            if (_disposed)
            {
                return new SharedSlice(new SharedBuffer(PackBuffers.Rent(length)), 0, length);
            }

            if (_open is null || length > _open.Array.Length - _used)
            {
                _open?.Release();
                _open = new SharedBuffer(PackBuffers.Rent(PackBuffers.UsualLength));
                _used = 0;
            }

            SharedSlice slice = new(_open.Hold(), _used, length);
            _used += length;
            return slice;
        }
    }

    /// <summary>What was taken stays until it is let go of.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            _open?.Release();
            _open = null;
        }

        PackBuffers.Close();
    }
}
