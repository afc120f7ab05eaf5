namespace NativeSync.Engine.Buffers;

/// <summary>A rented array that several hold: the last one to let go of it gives it back.</summary>
/// <param name="array">Of <see cref="PackBuffers"/>; who makes this holds it.</param>
internal sealed class SharedBuffer(byte[] array)
{
    private int _holders = 1;

    public byte[] Array => array;

    /// <summary>One more holds it.</summary>
    public SharedBuffer Hold()
    {
        Interlocked.Increment(ref _holders);
        return this;
    }

    /// <summary>One holds it no longer.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _holders) == 0)
        {
            PackBuffers.Return(array);
        }
    }
}
