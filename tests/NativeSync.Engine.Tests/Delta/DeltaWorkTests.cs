using NativeSync.Engine.Delta;

namespace NativeSync.Engine.Tests.Delta;

/// <summary>The matcher's work, counted and not timed: never quadratic, and little where there is nothing to win.</summary>
public sealed class DeltaWorkTests
{
    private const int Block = 512;

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, 8)]
    [InlineData(0x5A, 0)]
    [InlineData(0x5A, 8)]
    public void EqualBlocksAreLinear(byte value, int strong)
    {
        byte[] basis = new byte[2000 * Block];
        basis.AsSpan().Fill(value);
        byte[] content = DeltaHarness.Concat(DeltaHarness.Random(77, 1), basis, DeltaHarness.Random(77, 2), basis);
        MatchResult result = DeltaHarness.RoundTrip(basis, content, Block, strongLength: strong).Result;
        AssertLinear(result);
        Assert.InRange(result.LiteralBytes, 0, 154 + (4 * Block));
        Assert.InRange(DeltaHarness.Sign(basis, Block, strong).Index(preferLast: false).Count, 0, 2);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(100)]
    [InlineData(Block)]
    [InlineData(Block + 1)]
    public void PeriodicContentIsLinear(int period)
    {
        byte[] pattern = DeltaHarness.Random(period, 3);
        byte[] basis = new byte[2000 * Block];
        for (int i = 0; i < basis.Length; i++)
        {
            basis[i] = pattern[i % period];
        }

        MatchResult result = DeltaHarness.RoundTrip(basis, DeltaHarness.Concat([1], basis[..^9999], [2, 3], basis[77..]), Block).Result;
        AssertLinear(result);
    }

    [Fact]
    public void ShuffledBlocksAreLinearAndFound()
    {
        byte[] basis = DeltaHarness.Random(2000 * Block, 4);
        byte[][] blocks = [.. basis.Chunk(Block)];
        new Random(5).Shuffle(blocks);
        MatchResult result = DeltaHarness.RoundTrip(basis, DeltaHarness.Concat(blocks), Block).Result;
        AssertLinear(result);
        Assert.Equal(0, result.LiteralBytes);
    }

    [Fact]
    public void WeakChecksumsThatLieCostNoMoreThanTheBudget()
    {
        // Every position of the content has the checksum that the signature announces for all its blocks, and none is what it says.
        const int Length = 4 << 20;
        byte[] content = new byte[Length];
        content.AsSpan().Fill(0x41);
        BlockLayout layout = new(1000 * Block, Block, 8);
        Signature signature = new(layout);
        byte[] entry = new byte[layout.EntrySize];
        for (int i = 0; i < 1000; i++)
        {
            SignatureGenerator.Encode(content.AsSpan(0, Block), 8, entry);
            BitConverter.TryWriteBytes(entry.AsSpan(4), (long)i);
            signature.Append(entry);
        }

        MatchOptions options = new() { SearchBudget = 1 << 18 };
        ChunkedSource source = new(content, int.MaxValue);
        RebuildSink sink = new(new byte[layout.BasisLength]);
        MatchResult result = DeltaMatcher.Match(ref source, Length, signature, ref sink, options);
        Assert.Equal(Length, result.LiteralBytes);
        Assert.InRange(result.Comparisons, 1, (2 * options.SearchBudget / Block) + (2 * 1000) + (Length / layout.BlockSize));
    }

    [Fact]
    public void NothingInCommonIsSearchedOnlyInSamplesOnceTheBudgetIsGone()
    {
        const int Length = 24 << 20;
        MatchOptions options = new() { SearchBudget = 1 << 20 };
        byte[] basis = DeltaHarness.Random(Length, 6);
        MatchResult result = DeltaHarness.RoundTrip(basis, DeltaHarness.Random(Length, 7), 2048, options, strongLength: 0).Result;
        Assert.Equal(Length, result.LiteralBytes);
        Assert.InRange(result.Searched, options.SearchBudget, options.SearchBudget + (Length / 8));
        Assert.InRange(result.Comparisons, 1, 2 * Length / 2048);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(8)]
    public void TheSearchResumesWhereTheBasisAppears(int strong)
    {
        const int New = 24 << 20;
        byte[] basis = DeltaHarness.Random(16 << 20, 8);
        byte[] content = DeltaHarness.Concat(DeltaHarness.Random(New + 123, 9), basis, [1, 2, 3], basis[..(4 << 20)]);
        MatchOptions options = new() { SearchBudget = 1 << 20 };
        MatchResult result = DeltaHarness.RoundTrip(basis, content, 2048, options, strongLength: strong).Result;
        int stride = options.SampleOneIn * (256 << 10);
        Assert.InRange(result.LiteralBytes, New, New + stride + (1 << 16));
    }

    [Fact]
    public void AFileChangedInPlaceIsHardlySearched()
    {
        byte[] basis = DeltaHarness.Random(8 << 20, 10);
        byte[] content = (byte[])basis.Clone();
        Random random = new(11);
        for (int i = 0; i < 100; i++)
        {
            random.NextBytes(content.AsSpan(random.Next(0, 2048) * 4096, 4096));
        }

        MatchResult result = DeltaHarness.RoundTrip(basis, content, 4096, strongLength: 0).Result;
        Assert.InRange(result.LiteralBytes, 1, 100 * 4096);
        Assert.InRange(result.Searched, 0, 100 * 4 * 4096);
        Assert.InRange(result.Comparisons, 2048, 2048 + 300);
    }

    private static void AssertLinear(MatchResult result)
    {
        // At most: two grids, their look-ahead (which doubles), and one candidate, for each block of the content.
        Assert.InRange(result.Comparisons, 0, (6 * result.Length / Block) + 10);
        Assert.InRange(result.Searched, 0, result.Length);
    }
}
