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
    [Trait("Category", "Slow")]
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

    /// <summary>
    /// Another route, or a queue of somebody else's, in the middle of it: the line is full again soon, and stays so when the way is short again.
    /// </summary>
    [Theory]
    [InlineData(25, 30, 600)]
    [InlineData(12.5, 20, 300)]
    [InlineData(62.5, 15, 200)]
    [InlineData(2.5, 30, 600)]
    public void TheLineIsFilledAgainWhenItHasBecomeLonger(double megabytes, int milliseconds, int later)
    {
        var line = new Line(megabytes, milliseconds);
        line.Run(until: 5);
        line.Milliseconds = later;
        line.Run(until: 17);
        Assert.InRange(line.Run(until: 30), 0.97, 1.01);
        line.Milliseconds = milliseconds;
        Assert.InRange(line.Run(until: 40), 0.97, 1.1);
    }

    /// <summary>An answer shows that the line is short again; then there is as little under way as before.</summary>
    [Fact]
    public void ALineThatIsShortAgainHasLittleUnderWay()
    {
        var line = new Line(12.5, 20);
        line.Run(until: 5);
        line.Milliseconds = 300;
        line.Run(until: 20);
        Assert.InRange(line.UnderWay, 5e6, 20e6);
        line.Milliseconds = 20;
        line.Run(until: 22);
        line.Flow.Heard(20_000);
        line.Run(until: 25);
        Assert.InRange(line.UnderWay, 0, 1.3e6);
    }

    /// <summary>That it is slower and not longer shows when more under way brings nothing.</summary>
    [Fact]
    public void ALineThatBecameSlowerDoesNotGetMore()
    {
        var line = new Line(25, 30);
        line.Run(until: 5);
        line.Megabytes = 2.5;
        Assert.InRange(line.Run(until: 30), 0.97, 1.2);
        Assert.InRange(line.UnderWay, 0, 1.3e6);
    }

    /// <summary>The share of the line that was used from the fifth second to the sixteenth, and what was under way in the end.</summary>
    private static (double Share, double UnderWay) Run(double megabytes, int milliseconds, int percentLost)
    {
        var line = new Line(megabytes, milliseconds) { PercentLost = percentLost };
        line.Run(until: 5);
        return (line.Run(until: 16), line.UnderWay);
    }

    private sealed class Line(double megabytes, int milliseconds)
    {
        private readonly Random _random = new(1);
        private readonly Queue<(long From, long There)> _under = new();
        private long _now = 1;
        private long _free;
        private long _there;
        private long _until;

        public LineFlow Flow { get; } = Begin(milliseconds);

        public double Megabytes { get; set; } = megabytes;

        public int Milliseconds { get; set; } = milliseconds;

        public int PercentLost { get; init; }

        public double UnderWay { get; private set; }

        /// <summary>Until that second; the share of the line that was used.</summary>
        public double Run(long until)
        {
            var begun = _until;
            long carried = 0;
            var line = Milliseconds * Second / 1000;
            while (_now < until * Second)
            {
                while (Flow.HasRoom)
                {
                    Flow.Add(PackBytes);
                    UnderWay += PackBytes;

                    // TCP sends at the line's rate what it has, and a lost packet again when it hears of that, which is a round trip later; that may be
                    // lost, too. What came meanwhile is handed on only then.
                    _free = Math.Max(_free, _now) + (long)(PackBytes / Megabytes);
                    _there = Math.Max(_there, _free + line);
                    if (_random.Next(100) < PercentLost)
                    {
                        _there = Math.Max(_there, _free + line + line * _random.Next(1, 3));
                    }

                    _under.Enqueue((_now, _there));
                }

                (var from, _now) = _under.Dequeue();
                Flow.Forget(PackBytes);
                UnderWay -= PackBytes;
                Flow.Confirm(PackBytes, _now - from, _now);
                carried += PackBytes;
            }

            _until = until;
            return carried / Megabytes / ((until - begun) * Second);
        }

        private static LineFlow Begin(int milliseconds)
        {
            var flow = new LineFlow(Second);
            flow.Heard(milliseconds * Second / 1000);
            return flow;
        }
    }
}
