namespace NativeSync.TestKit.Line;

/// <summary>What a <see cref="LongLine"/> is like, the same in both directions.</summary>
/// <param name="BitsPerSecond">Capacity in bits of IP packets; 0 for no limit.</param>
/// <param name="RoundTrip">Both ways together, without what waits in the queue.</param>
/// <param name="Loss">The share of packets that are dropped at random, 0 to 1.</param>
public sealed record LineShape(long BitsPerSecond, TimeSpan RoundTrip, double Loss = 0)
{
    /// <summary>How long a packet may wait for its turn before the queue is full and it is dropped: what routers have.</summary>
    public TimeSpan Queue { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>So that a run can be repeated.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Bytes a second; 0 for no limit.</summary>
    public double BytesPerSecond => BitsPerSecond / 8.0;
}
