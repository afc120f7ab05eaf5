namespace NativeSync.Engine;

/// <summary>How a transfer goes on when its line drops.</summary>
public sealed record ReconnectOptions
{
    /// <summary>How long to try for after each loss; zero for not at all.</summary>
    public TimeSpan Limit { get; init; }

    /// <summary>The wait before the first attempt; each further one is twice as long.</summary>
    public TimeSpan FirstWait { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest wait.</summary>
    public TimeSpan LongestWait { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The other end was reached before: that the first connection cannot be had is a loss like any other, and not final.</summary>
    public bool WasReached { get; init; }

    /// <summary>Where time comes from.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Told of each loss and each vain attempt, before the wait.</summary>
    public Action<LineLoss>? OnLost { get; init; }

    /// <summary>Told when the other end is there again.</summary>
    public Action? OnResumed { get; init; }

    /// <summary>Told of the connection over which all was done, before it is closed.</summary>
    public Action<IConnection>? OnDone { get; init; }
}

/// <summary>The line dropped, or could not be had again.</summary>
/// <param name="Attempt">The attempt that follows, from 1 for each loss.</param>
/// <param name="Wait">How long until then.</param>
/// <param name="Reason">What happened: one escaped line.</param>
public readonly record struct LineLoss(int Attempt, TimeSpan Wait, string Reason);
