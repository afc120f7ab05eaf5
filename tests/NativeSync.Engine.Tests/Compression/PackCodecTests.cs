using FsCheck.Xunit;
using NativeSync.Engine.Compression;
using NativeSync.Engine.Tests.Delta;
using NativeSync.Protocol;

namespace NativeSync.Engine.Tests.Compression;

public sealed class PackCodecTests : IDisposable
{
    private readonly PackCodec _codec = new();

    public void Dispose() => _codec.Dispose();

    [Theory]
    [InlineData(-5)]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(9)]
    public void WhatCompressesComesBack(int level)
    {
        byte[] raw = Text(1 << 20);
        byte[] packed = new byte[raw.Length];
        int length = _codec.Compress(raw, packed, level);
        Assert.InRange(length, 1, raw.Length / 2);
        byte[] back = new byte[raw.Length];
        _codec.Decompress(packed.AsSpan(0, length), back);
        Assert.Equal(raw, back);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(60_000)]
    [InlineData(1 << 20)]
    public void WhatDoesNotCompressIsLeftAlone(int length)
        => Assert.Equal(-1, _codec.Compress(DeltaHarness.Random(length, 1), new byte[2 * length], 1));

    [Fact]
    public void APackThatIsHalfTextIsCompressed()
    {
        // As pages of new data between old text: 4 KiB of each in turn.
        byte[] raw = Text(1 << 20);
        for (int at = 0; at < raw.Length; at += 8192)
        {
            DeltaHarness.Random(4096, at).CopyTo(raw, at);
        }

        Assert.InRange(_codec.Compress(raw, new byte[raw.Length], 1), 1, raw.Length * 8 / 10);
    }

    [Fact]
    public void ALittleTextAmongMuchNoiseIsCompressed()
    {
        // As the rest of a block beside each new region of 64 KiB.
        byte[] raw = Text(1 << 20);
        for (int at = 0; at + (68 << 10) <= raw.Length; at += 68 << 10)
        {
            DeltaHarness.Random(64 << 10, at).CopyTo(raw, at);
        }

        Assert.InRange(_codec.Compress(raw, new byte[raw.Length], 1), 1, raw.Length * 97 / 100);
    }

    [Fact]
    public void NoiseThatRepeatsIsCompressed()
    {
        byte[] piece = DeltaHarness.Random(1500, 7);
        byte[] raw = DeltaHarness.Concat([.. Enumerable.Repeat(piece, 700)]);
        Assert.InRange(_codec.Compress(raw, new byte[raw.Length], 1), 1, raw.Length / 10);
    }

    /// <summary>Sixteen lanes at the strongest level take turns; what comes out is what went in.</summary>
    [Fact]
    public void ManyLanesShareTheStrongContexts() => Parallel.For(0, 16, new ParallelOptions { MaxDegreeOfParallelism = 16 }, i =>
    {
        using PackCodec codec = new();
        byte[] raw = Text(20_000 + i), packed = new byte[raw.Length], back = new byte[raw.Length];
        int length = codec.Compress(raw, packed, 5 + i % 15);
        Assert.InRange(length, 1, raw.Length / 2);
        codec.Decompress(packed.AsSpan(0, length), back);
        Assert.Equal(raw, back);
    });

    [Fact]
    public void LevelZeroIsNone() => Assert.Equal(-1, _codec.Compress(Text(10_000), new byte[10_000], PackCodec.NoCompression));

    [Fact]
    public void ADestinationThatIsTooSmallIsNotWorthIt() => Assert.Equal(-1, _codec.Compress(Text(10_000), new byte[100], 1));

    [Property(MaxTest = 300)]
    public void DamageIsAProtocolErrorOrAnotherContentOfTheSameLength(int position, byte value)
    {
        byte[] raw = Text(20_000);
        byte[] packed = new byte[raw.Length];
        int length = _codec.Compress(raw, packed, 1);
        packed[(position & int.MaxValue) % length] ^= value;
        AssertBounded(packed.AsSpan(0, length), raw.Length);
    }

    [Property(MaxTest = 300)]
    public void NoiseIsAProtocolError(byte[] noise) => AssertBounded(noise, 1000);

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    public void AnotherLengthThanDeclaredIsAProtocolError(int difference)
    {
        byte[] raw = Text(20_000);
        byte[] packed = new byte[raw.Length];
        int length = _codec.Compress(raw, packed, 1);
        Assert.Throws<ProtocolException>(() => _codec.Decompress(packed.AsSpan(0, length), new byte[raw.Length + difference]));
        Assert.Throws<ProtocolException>(() => _codec.Decompress(packed.AsSpan(0, length - 1), new byte[raw.Length]));
    }

    [Fact]
    public void ABombIsBoundedByTheDeclaredLength()
    {
        byte[] packed = new byte[100_000];
        int length = _codec.Compress(new byte[32 << 20], packed, 1);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<ProtocolException>(() => _codec.Decompress(packed.AsSpan(0, length), new byte[1000]));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
    }

    [Fact]
    public void ManyThreadsMayUseOneCodec()
    {
        byte[] raw = Text(100_000);
        Parallel.For(0, 64, _ =>
        {
            byte[] packed = new byte[raw.Length];
            int length = _codec.Compress(raw, packed, 1);
            byte[] back = new byte[raw.Length];
            _codec.Decompress(packed.AsSpan(0, length), back);
            Assert.Equal(raw, back);
        });
    }

    private void AssertBounded(ReadOnlySpan<byte> packed, int length)
    {
        try
        {
            _codec.Decompress(packed, new byte[length]);
        }
        catch (ProtocolException e)
        {
            Assert.Equal(ProtocolError.BadCompression, e.Kind);
        }
    }

    private static byte[] Text(int length)
    {
        Random random = new(1);
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++)
        {
            bytes[i] = (byte)"the quick brown fox jumps over it "[(i + random.Next(2)) % 34];
        }

        return bytes;
    }
}
