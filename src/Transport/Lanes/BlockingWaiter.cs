namespace NativeSync.Transport;

/// <summary>Lets one dedicated thread wait for pipe operations without allocating for each.</summary>
/// <remarks>Used by one thread only; at most one operation at a time.</remarks>
internal sealed class BlockingWaiter : IDisposable
{
    /// <summary>Without spinning: the other side of the pipe needs the processor more than we need the microseconds.</summary>
    private readonly ManualResetEventSlim _done = new(false, spinCount: 0);
    private readonly Action _set;

    public BlockingWaiter() => _set = _done.Set;

    /// <summary>The result of <paramref name="operation"/>, waiting for it as long as it takes; rethrows its exception.</summary>
    public T Wait<T>(ValueTask<T> operation)
    {
        System.Runtime.CompilerServices.ConfiguredValueTaskAwaitable<T>.ConfiguredValueTaskAwaiter awaiter = operation.ConfigureAwait(false).GetAwaiter();
        if (!awaiter.IsCompleted)
        {
            _done.Reset();
            awaiter.UnsafeOnCompleted(_set);
            _done.Wait();
        }

        return awaiter.GetResult();
    }

    public void Dispose() => _done.Dispose();
}
