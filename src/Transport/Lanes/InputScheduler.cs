using System.IO.Pipelines;

namespace NativeSync.Transport;

/// <summary>
/// Continues who reads a lane's input: at first on the thread pool, and on the thread that brought the bytes, or cancelled, once the reader promises
/// not to block it. In a first copy over SSH waking a thread for each piece took 2 % of two processors (docs/benchmarks.md).
/// </summary>
internal sealed class InputScheduler : PipeScheduler
{
    private volatile bool _atOnce;

    /// <summary>The reader does not block.</summary>
    public bool AtOnce
    {
        set => _atOnce = value;
    }

    public override void Schedule(Action<object?> action, object? state)
    {
        if (_atOnce)
        {
            action(state);
        }
        else
        {
            System.Threading.ThreadPool.UnsafeQueueUserWorkItem(action, state, preferLocal: false);
        }
    }
}
