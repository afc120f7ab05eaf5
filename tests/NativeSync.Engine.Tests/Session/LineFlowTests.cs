using System.Buffers;
using NativeSync.Engine.Session;

namespace NativeSync.Engine.Tests.Session;

/// <summary>How much is under way, on a line that is only reckoned: microseconds, bytes.</summary>
public sealed class LineFlowTests
{
    private const long Second = 1_000_000;
    private const int PackBytes = 128 * 1024;

    /// <summary>
    /// TCP always has something to send, whatever the line is like, though what is lost holds up all that came after it for one or two round trips.
    /// </summary>
    [Theory]
    [InlineData(25, 200, 0)]
    [InlineData(62.5, 60, 0)]
    [InlineData(12.5, 100, 0)]
    [InlineData(2.5, 30, 0)]
    [InlineData(25, 200, 2)]
    [InlineData(62.5, 60, 2)]
    [InlineData(12.5, 100, 20)]
    public void TheLineNeverWaitsForUs(double megabytes, int milliseconds, int percentLost) =>
        Assert.InRange(Run(megabytes, milliseconds, percentLost).Share, 0.97, 1.01);

    /// <summary>What a slow line has under way is bounded by what it holds, once that is known: the rest can still be overtaken.</summary>
    [Fact]
    public void ASlowLineHasLittleUnderWay() => Assert.InRange(Run(2.5, 30, 0).UnderWay, 0, 1.2e6);

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

    /// <summary>The share of the line that was used from the fifth second to the sixteenth, and what was under way in the end.</summary>
    private static (double Share, double UnderWay) Run(double megabytes, int milliseconds, int percentLost)
    {
        var random = new Random(1);
        var line = milliseconds * Second / 1000;
        var flow = new LineFlow(Second);
        flow.Heard(line);
        var under = new Queue<(long From, long There)>();
        long now = 1, free = 0, carried = 0, there = 0, underWay = 0;
        const long Begins = 5 * Second, Ends = 16 * Second;
        while (now < Ends)
        {
            while (flow.HasRoom)
            {
                flow.Add(PackBytes);
                underWay += PackBytes;

                // TCP sends at the line's rate what it has, and a lost packet again when it hears of that, which is a round trip later; that may be
                // lost, too. What came meanwhile is handed on only then.
                free = Math.Max(free, now) + (long)(PackBytes / megabytes);
                there = Math.Max(there, free + line);
                if (random.Next(100) < percentLost)
                {
                    there = Math.Max(there, free + line + line * random.Next(1, 3));
                }

                under.Enqueue((now, there));
            }

            (var from, now) = under.Dequeue();
            flow.Forget(PackBytes);
            underWay -= PackBytes;
            flow.Confirm(PackBytes, now - from, now);
            carried += now > Begins ? PackBytes : 0;
        }

        return (carried / megabytes / (Ends - Begins), underWay);
    }
}
