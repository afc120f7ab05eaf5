using System.Buffers;
using NativeSync.Engine.Session;

namespace NativeSync.Engine.Tests.Session;

/// <summary>How much is under way, on a line that is only reckoned: microseconds, bytes.</summary>
public sealed class LineFlowTests
{
    private const long Second = 1_000_000;
    private const int PackBytes = 128 * 1024;

    /// <summary>The line is filled, whether more or less than at first is to be under way, and what overruns its queue is left soon.</summary>
    [Theory]
    [InlineData(25, 200, 0)]
    [InlineData(62.5, 60, 0)]
    [InlineData(12.5, 100, 0)]
    [InlineData(12.5, 100, 20)]
    public void ALineIsFilled(double megabytes, int milliseconds, int percentLate)
    {
        var random = new Random(1);
        Assert.InRange(Run(megabytes, milliseconds, line => random.Next(100) < percentLate ? line : 0), percentLate > 0 ? 0.75 : 0.93, 1.01);
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

    /// <summary>The share of the line that was used from the fifth second to the sixteenth.</summary>
    private static double Run(double megabytes, int milliseconds, Func<long, long> extra)
    {
        var line = milliseconds * Second / 1000;
        var flow = new LineFlow(Second);
        flow.Heard(line);
        var under = new PriorityQueue<long, long>();
        var sent = 0;
        long now = 1, free = 0, carried = 0;
        var last = new long[2];

        // TCP lets out half as much again as the line holds; what is more waits in front of it.
        var window = (int)(1.5 * megabytes * line / PackBytes);
        var arrived = new List<long>();
        const long Begins = 5 * Second, Ends = 16 * Second;
        while (now < Ends)
        {
            while (flow.HasRoom)
            {
                flow.Add(PackBytes);

                // What finds the queue of 100 ms full is lost in part, and sent again.
                var goes = arrived.Count < window ? now : Math.Max(now, arrived[^window]);
                var lost = free - goes > Second / 10 ? 1.3 : 1;
                free = Math.Max(free, goes) + (long)(lost * PackBytes / megabytes);

                // In order on each of two connections.
                var connection = sent++ % 2;
                last[connection] = Math.Max(last[connection], free + line + extra(line));
                arrived.Add(last[connection]);
                under.Enqueue(now, last[connection]);
            }

            under.TryDequeue(out var from, out now);
            flow.Forget(PackBytes);
            flow.Confirm(PackBytes, now - from, now, isFirst: true);
            carried += now > Begins ? PackBytes : 0;
        }

        return carried / megabytes / (Ends - Begins);
    }
}
