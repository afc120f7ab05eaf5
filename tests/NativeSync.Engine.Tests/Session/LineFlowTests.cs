using System.Buffers;
using NativeSync.Engine.Session;

namespace NativeSync.Engine.Tests.Session;

/// <summary>How much is under way, on a line that is only reckoned: microseconds, bytes.</summary>
public sealed class LineFlowTests
{
    private const long Second = 1_000_000;
    private const int PackBytes = 128 * 1024;

    /// <summary>The line is full, and what waits in front of it less than routers let wait.</summary>
    [Theory]
    [InlineData(25, 200)]
    [InlineData(62.5, 60)]
    [InlineData(12.5, 100)]
    public void ALineIsFilledAndItsQueueIsNot(double megabytes, int milliseconds)
    {
        var (share, queue) = Run(megabytes, milliseconds, _ => 0);
        Assert.InRange(share, 0.95, 1.01);
        Assert.InRange(queue, 0, 0.09);
    }

    /// <summary>Most packs take longer, since TCP had to send a part of them, or of one before them, again: that is no queue.</summary>
    [Fact]
    public void LossesDoNotStopIt()
    {
        var random = new Random(1);
        var (share, _) = Run(12.5, 100, line => random.Next(100) < 36 ? line : 0);
        Assert.InRange(share, 0.9, 1.01);
    }

    /// <summary>Somebody else keeps the queue full: what is under way is no less than what the line holds.</summary>
    [Fact]
    public void AQueueOfOthersDoesNotStarveIt()
    {
        var flow = new LineFlow(Second);
        flow.Heard(Second / 10);
        long now = Second;
        for (var i = 0; i < 1000; i++)
        {
            // 10 MB/s, and 300 ms for what a line of 100 ms carries.
            now += PackBytes / 10;
            flow.Confirm(PackBytes, 3 * Second / 10, now);
        }

        flow.Add(1_200_000);
        Assert.True(flow.HasRoom);
    }

    /// <summary>Cut where records end, everything comes out once and in order.</summary>
    [Fact]
    public void APackThatIsCutHoldsTheSameRecords()
    {
        var random = new Random(1);
        for (var run = 0; run < 200; run++)
        {
            var pack = new OutboundPack(ArrayPool<byte>.Shared.Rent(RecordOutbox.PackSize + OutboundPack.HeaderRoom));
            var expected = new byte[random.Next(1, RecordOutbox.PackSize)];
            random.NextBytes(expected);
            expected.CopyTo(pack.Buffer.AsSpan(OutboundPack.HeaderRoom));
            for (int at = 0, count; at < expected.Length; at += count)
            {
                count = Math.Min(expected.Length - at, random.Next(1, 200_000));
                pack.Append(count);
            }

            var got = new List<byte>();
            while (pack.CutHead(random.Next(1, 300_000)) is { } head)
            {
                Assert.False(head.IsEmpty);
                got.AddRange(head.Records);
                head.Return();
            }

            got.AddRange(pack.Records);
            pack.Return();
            Assert.Equal(expected, got);
        }
    }

    /// <summary>The share of the line that was used, and how long packs waited at most, in seconds, once it had begun.</summary>
    private static (double Share, double Queue) Run(double megabytes, int milliseconds, Func<long, long> extra)
    {
        long line = milliseconds * Second / 1000;
        var flow = new LineFlow(Second);
        flow.Heard(line);
        var under = new PriorityQueue<long, long>();
        var sent = 0;
        long now = 1, free = 0, carried = 0;
        var last = new long[2];
        double queue = 0;
        const long Begins = 4 * Second, Ends = 12 * Second;
        while (now < Ends)
        {
            while (flow.HasRoom)
            {
                flow.Add(PackBytes);
                free = Math.Max(free, now) + (long)(PackBytes / megabytes);
                // In order on each of two connections.
                var connection = sent++ % 2;
                last[connection] = Math.Max(last[connection], free + line + extra(line));
                under.Enqueue(now, last[connection]);
                queue = now > Begins ? Math.Max(queue, (free - now) / (double)Second) : 0;
            }

            under.TryDequeue(out var from, out now);
            flow.Forget(PackBytes);
            flow.Confirm(PackBytes, now - from, now);
            carried += now > Begins ? PackBytes : 0;
        }

        return (carried / megabytes / (Ends - Begins), queue);
    }
}
