using NativeSync.Engine.Delta;

namespace NativeSync.Engine.Tests.Delta;

/// <summary>What is seen of a basis by its sample, and what looking costs.</summary>
public sealed class SampleComparisonTests
{
    private const int Block = 256;
    private const int Length = (BlockOrder.MinBlocks * Block) + 100;

    private static readonly byte[] Basis = DeltaHarness.Random(Length, 21);
    private static readonly byte[] Noise = DeltaHarness.Random(2 * Length, 22);

    [Theory]
    [InlineData(Length, 0)]
    [InlineData(Length, 8)]
    [InlineData(2 * Length, 0)]
    [InlineData(100_000, 0)]
    [InlineData(Block, 0)]
    [InlineData(0, 0)]
    public void NothingIsFoundWhereThereIsNothingAndLittleIsLookedAt(int size, int strong)
    {
        Patchwork content = new(size, 0, 0, 0);
        Assert.False(SampleComparison.FindsAnything(ref content, size, Sampled(strong)));
        Assert.InRange(content.BytesRead[0], 0, Length / 16);
    }

    /// <summary>Wherever it lies: also when all before it is new.</summary>
    [Theory]
    [InlineData(Length, 0)]
    [InlineData(Length, 8)]
    [InlineData(2 * Length, 0)]
    public void ATenthThatMovedIsFound(int size, int strong)
    {
        int part = size / 10;
        Signature signature = Sampled(strong);
        for (int seed = 0; seed < 20; seed++)
        {
            Random random = new(seed);
            Patchwork content = new(size, random.Next(size - part), part, random.Next(Length - part));
            Assert.True(SampleComparison.FindsAnything(ref content, size, signature), $"seed {seed}");
        }
    }

    [Fact]
    public void AThirtiethInItsOldPlaceIsFound()
    {
        const int part = Length / 30;
        Signature signature = Sampled(0);
        for (int at = 0; at <= Length - part; at += part / 3)
        {
            Patchwork content = new(Length, at, part, at);
            Assert.True(SampleComparison.FindsAnything(ref content, Length, signature), $"at {at}");
        }
    }

    [Fact]
    public void AContentThatCannotBeReadIsLeftToWhoSendsIt()
    {
        ChunkedSource broken = new(Noise, int.MaxValue, failAt: Length / 2);
        Assert.True(SampleComparison.FindsAnything(ref broken, Length, Sampled(0)));
    }

    /// <summary>Only the sample has come.</summary>
    private static Signature Sampled(int strong)
    {
        BlockLayout layout = new(Length, Block, strong);
        Signature signature = new(layout);
        MemorySource source = new(Basis);
        using SignatureBuffers buffers = new(layout);
        for (int chunk = 0; !signature.SampleIsHere; chunk++)
        {
            Assert.False(signature.Complete);
            int used = buffers.Encode(ref source, chunk);
            signature.Append(buffers.Encoded[..used]);
        }

        return signature;
    }

    /// <summary>Noise, with a part of the basis in it.</summary>
    private readonly struct Patchwork(int size, int at, int part, int from) : IByteSource
    {
        public long[] BytesRead { get; } = new long[1];

        public int Read(long offset, Span<byte> destination)
        {
            int count = (int)Math.Min(destination.Length, size - offset);
            Noise.AsSpan((int)offset, count).CopyTo(destination);
            int begin = (int)Math.Max(at, offset);
            int end = (int)Math.Min(at + part, offset + count);
            if (begin < end)
            {
                Basis.AsSpan(from + begin - at, end - begin).CopyTo(destination[(int)(begin - offset)..]);
            }

            BytesRead[0] += count;
            return count;
        }
    }
}
