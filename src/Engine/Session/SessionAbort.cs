namespace NativeSync.Engine.Session;

/// <summary>
/// The one reason for which a session ends early. The first reason wins; every loop of the session watches
/// <see cref="Token"/>, and every waiting stage registers a waker so that nobody sleeps through the end.
/// </summary>
internal sealed class SessionAbort : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private Exception? _reason;

    /// <summary>Cancelled as soon as there is a reason.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>Why the session ends; null while it does not.</summary>
    public Exception? Reason => Volatile.Read(ref _reason);

    /// <summary>Ends the session for this reason, unless it is ending already.</summary>
    public void Abort(Exception reason)
    {
        if (Interlocked.CompareExchange(ref _reason, reason, null) is null)
        {
            _source.Cancel();
        }
    }

    /// <summary>Throws the reason, if there is one.</summary>
    public void ThrowIfAborted()
    {
        if (Reason is { } reason)
        {
            throw new SessionAbortedException(reason);
        }
    }

    public void Dispose() => _source.Dispose();
}

/// <summary>Unwinds a stage of a session that is ending; the reason itself is <see cref="Exception.InnerException"/>.</summary>
internal sealed class SessionAbortedException(Exception reason) : Exception("the session is ending", reason);
