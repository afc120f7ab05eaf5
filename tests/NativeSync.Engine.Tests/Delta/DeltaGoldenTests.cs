using NativeSync.Engine.Delta;

namespace NativeSync.Engine.Tests.Delta;

/// <summary>Small cases with the tokens that they must give.</summary>
public sealed class DeltaGoldenTests
{
    private const int Block = 512;
    private static readonly byte[] Basis = DeltaHarness.Random(20 * Block, 1);

    [Fact]
    public void NothingOverNothingIsNothing()
    {
        (MatchResult result, List<Token> tokens) = DeltaHarness.RoundTrip([], []);
        Assert.Empty(tokens);
        Assert.Equal(0, result.Length);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(Block - 1)]
    [InlineData(Block)]
    [InlineData(Block + 1)]
    [InlineData(3 * Block)]
    public void AnUnchangedFileIsOneCopy(int length)
    {
        foreach (int strong in (int[])[0, 1, 4, 16])
        {
            List<Token> tokens = DeltaHarness.RoundTrip(Basis[..length], Basis[..length], Block, strongLength: strong).Tokens;
            Assert.Equal([new Token('C', 0, length)], tokens);
        }
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 0)]
    [InlineData(0, 5000)]
    [InlineData(5000, 0)]
    public void AnEmptySideCostsWhatTheOtherHas(int basis, int content)
    {
        MatchResult result = DeltaHarness.RoundTrip(Basis[..basis], Basis[..content]).Result;
        Assert.Equal(content, result.LiteralBytes);
    }

    [Fact]
    public void AppendedDataIsTheOnlyLiteral()
        => Assert.Equal(
            [new Token('C', 0, Basis.Length), new Token('L', Basis.Length, 100)],
            DeltaHarness.RoundTrip(Basis, DeltaHarness.Concat(Basis, DeltaHarness.Random(100, 2)), Block).Tokens);

    [Fact]
    public void AppendedDataBehindAShortLastBlockIsTheOnlyLiteral()
    {
        byte[] basis = Basis[..(Basis.Length - 100)];
        Assert.Equal(
            [new Token('C', 0, basis.Length), new Token('L', basis.Length, 100)],
            DeltaHarness.RoundTrip(basis, DeltaHarness.Concat(basis, DeltaHarness.Random(100, 2)), Block).Tokens);
    }

    [Fact]
    public void ATruncatedFileIsACopyAndLessThanABlock()
        => Assert.Equal(
            [new Token('C', 0, 3 * Block), new Token('L', 3 * Block, 10)],
            DeltaHarness.RoundTrip(Basis, Basis[..((3 * Block) + 10)], Block).Tokens);

    [Theory]
    [InlineData(0)]
    [InlineData(8)]
    public void AnInsertionInFrontIsTheOnlyLiteral(int strong)
    {
        byte[] basis = Basis[..(Basis.Length - 100)]; // its short last block is found behind the shift as well
        byte[] content = DeltaHarness.Concat(DeltaHarness.Random(7, 2), basis);
        Assert.Equal(
            [new Token('L', 0, 7), new Token('C', 0, basis.Length)],
            DeltaHarness.RoundTrip(basis, content, Block, strongLength: strong).Tokens);
    }

    [Fact]
    public void ADeletionInFrontCostsTheRestOfItsBlock()
        => Assert.Equal(
            [new Token('L', 0, Block - 7), new Token('C', Block, Basis.Length - Block)],
            DeltaHarness.RoundTrip(Basis, Basis[7..], Block).Tokens);

    [Fact]
    public void AChangedByteCostsItsBlock()
    {
        byte[] content = (byte[])Basis.Clone();
        content[(5 * Block) + 3] ^= 1;
        foreach (int strong in (int[])[0, 1, 8])
        {
            Assert.Equal(
                [new Token('C', 0, 5 * Block), new Token('L', 5 * Block, Block), new Token('C', 6 * Block, 14 * Block)],
                DeltaHarness.RoundTrip(Basis, content, Block, strongLength: strong).Tokens);
        }
    }

    [Fact]
    public void MovedHalvesAreTwoCopies()
        => Assert.Equal(
            [new Token('C', 10 * Block, 10 * Block), new Token('C', 0, 10 * Block)],
            DeltaHarness.RoundTrip(Basis, [.. Basis[(10 * Block)..], .. Basis[..(10 * Block)]], Block).Tokens);

    [Fact]
    public void InPlaceOnlyWhatHasNotBeenOverwrittenIsCopied()
        => Assert.Equal(
            [new Token('C', 10 * Block, 10 * Block), new Token('L', 10 * Block, 10 * Block)],
            DeltaHarness.RoundTrip(Basis, [.. Basis[(10 * Block)..], .. Basis[..(10 * Block)]], Block, new MatchOptions { InPlace = true }).Tokens);

    [Fact]
    public void ZerosThatTheBasisDoesNotHaveAreAHole()
        => Assert.Equal(
            [new Token('C', 0, 8192), new Token('H', 8192, 1 << 20), new Token('C', 8192, Basis.Length - 8192)],
            DeltaHarness.RoundTrip(Basis, [.. Basis[..8192], .. new byte[1 << 20], .. Basis[8192..]], Block).Tokens);

    [Fact]
    public void AllZerosOverData()
        => Assert.Equal(
            [new Token('H', 0, 8192), new Token('L', 8192, 100)],
            DeltaHarness.RoundTrip(Basis, new byte[8292], Block).Tokens);

    [Fact]
    public void ALongLiteralTravelsInPiecesOfTheLimit()
    {
        MatchResult result = DeltaHarness.RoundTrip(Basis, DeltaHarness.Random(2_500_000, 3), Block).Result; // the sink asserts the limit
        Assert.Equal(2_500_000, result.LiteralBytes);
    }

    [Fact]
    public void ASourceThatEndsEarlyReportsWhatItHad()
    {
        Signature signature = DeltaHarness.Sign(Basis, Block);
        ChunkedSource source = new(Basis[..3000], 1000);
        RebuildSink sink = new(Basis);
        MatchResult result = DeltaMatcher.Match(ref source, Basis.Length, signature, ref sink);
        Assert.Equal((0, 3000L), (result.Error, result.Length));
        Assert.Equal(Basis[..3000], sink.Content.ToArray());
        Assert.Equal(System.IO.Hashing.XxHash128.HashToUInt128(Basis.AsSpan(0, 3000)), result.Digest);
    }

    [Fact]
    public void AReadErrorIsItsErrno()
    {
        Signature signature = DeltaHarness.Sign(Basis, Block);
        ChunkedSource source = new(Basis, 1000, failAt: 4000, errno: 5);
        RebuildSink sink = new(Basis);
        Assert.Equal(-5, DeltaMatcher.Match(ref source, Basis.Length, signature, ref sink).Error);
    }
}
