using FsCheck.Xunit;
using NativeSync.Engine.Delta;

namespace NativeSync.Engine.Tests.Delta;

public sealed class RollingChecksumTests
{
    /// <summary>The definition of docs/protocol.md, literally.</summary>
    private static uint Definition(ReadOnlySpan<byte> window)
    {
        uint sum = 0;
        uint power = 1;
        for (int i = window.Length - 1; i >= 0; i--, power *= RollingChecksum.Multiplier)
        {
            sum += window[i] * power;
        }

        return sum;
    }

    [Fact]
    public void EveryLengthIsTheDefinition()
    {
        byte[] data = DeltaHarness.Random(1100, 1);
        for (int length = 0; length <= data.Length; length++)
        {
            Assert.Equal(Definition(data.AsSpan(0, length)), RollingChecksum.Compute(data.AsSpan(0, length)));
        }
    }

    [Fact]
    public void ExtremeBytesAreTheDefinition()
    {
        byte[] data = new byte[4096];
        data.AsSpan().Fill(255);
        Assert.Equal(Definition(data), RollingChecksum.Compute(data));
    }

    [Fact]
    public void TheWayOfOtherProcessorsIsTheDefinition()
    {
        byte[] data = DeltaHarness.Random(1024, 5);
        for (int length = 0; length <= data.Length; length += 32)
        {
            Assert.Equal(Definition(data.AsSpan(0, length)), RollingChecksum.ComputeLanes(data.AsSpan(0, length)));
        }
    }

    [Property]
    public void RollingIsComputing(byte[] data)
    {
        byte[] padded = [.. data, .. new byte[40]];
        uint power = RollingChecksum.Power(37);
        uint sum = RollingChecksum.Compute(padded.AsSpan(0, 37));
        for (int i = 1; i + 37 <= padded.Length; i++)
        {
            sum = RollingChecksum.Roll(sum, padded[i - 1], padded[i + 36], power);
            Assert.Equal(RollingChecksum.Compute(padded.AsSpan(i, 37)), sum);
        }
    }

    /// <summary>The search in eights stops exactly where a search one by one does, with the right checksum.</summary>
    [Theory]
    [InlineData(256, 60)]
    [InlineData(512, 5000)]
    public void TheSearchStopsAtEveryPositionThatTheFilterLetsThrough(int window, int blocks)
    {
        byte[] basis = DeltaHarness.Random(blocks * window, 2);
        byte[] data = DeltaHarness.Concat(DeltaHarness.Random(3000, 3), basis[..(20 * window)], DeltaHarness.Random(3000, 4));
        BlockIndex index = DeltaHarness.Sign(basis, window).Index(preferLast: false);
        RollingSearch search = new(index, window);
        int stop = data.Length - window + 1;
        List<int> expected = [.. Enumerable.Range(0, stop).Where(i => index.MayContain(Definition(data.AsSpan(i, window))))];
        Assert.NotEmpty(expected);

        List<int> found = [];
        uint sum = RollingChecksum.Compute(data.AsSpan(0, window));
        for (int at = 0; ; at++)
        {
            at += search.Find(ref data[at], stop - at, ref sum);
            if (at == stop)
            {
                break;
            }

            Assert.Equal(Definition(data.AsSpan(at, window)), sum);
            found.Add(at);
            if (at + 1 == stop)
            {
                break;
            }

            sum = search.Roll(sum, data[at], data[at + window]);
        }

        Assert.Equal(expected, found);
    }
}
