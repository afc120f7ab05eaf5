using NativeSync.Engine.Delta;

namespace NativeSync.Engine.Tests.Delta;

public sealed class StrongHashTests
{
    /// <summary>
    /// Where the weak checksum travels alone, another block with the same one can be made, which the matcher takes for the right one. The digest of the
    /// whole must then say no.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AStrongHashThatIsTooWeakEndsInAMismatchNeverInWrongContent(bool inPlace)
    {
        const int Block = 512;
        byte[] basis = DeltaHarness.Random(8 * Block, 1);
        byte[] content = (byte[])basis.Clone();
        CollideWeakly(content.AsSpan(3 * Block, Block));
        Assert.NotEqual(basis, content);

        using PatchHarness harness = new(basis);
        BlockLayout weak = new(basis.Length, Block, 0);
        Assert.Equal(PatchOutcome.Mismatch, harness.Synchronise(content, weak, inPlace, sparse: false, out _));
        Assert.Equal(basis, harness.Read(inPlace));
    }

    [Fact]
    public void EveryLengthSurvivesTheWire()
    {
        byte[] block = DeltaHarness.Random(1000, 2);
        UInt128 whole = System.IO.Hashing.XxHash128.HashToUInt128(block);
        for (int length = 1; length <= 16; length++)
        {
            StrongHash hash = StrongHash.Compute(block, length);
            byte[] encoded = new byte[length];
            hash.Write(encoded, length);
            Assert.Equal(hash, StrongHash.Read(encoded, length));
            byte[] canonical = new byte[16];
            System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(canonical, whole);
            Assert.Equal(canonical[..length], encoded);
        }
    }

    /// <summary>Changes the first 16 bytes so that the weak checksum stays: a meeting of 2^16 and more random halves (the checksum is linear).</summary>
    internal static void CollideWeakly(Span<byte> block)
    {
        uint target = RollingChecksum.Compute(block);
        byte[] trial = block.ToArray();
        Random random = new(3);
        Dictionary<uint, ulong> seen = [];
        while (true)
        {
            random.NextBytes(trial.AsSpan(0, 8));
            block[8..].CopyTo(trial.AsSpan(8));
            uint first = RollingChecksum.Compute(trial) - target;
            seen.TryAdd(first, BitConverter.ToUInt64(trial));
            block.CopyTo(trial);
            random.NextBytes(trial.AsSpan(8, 8));
            uint second = target - RollingChecksum.Compute(trial);
            if (seen.TryGetValue(second, out ulong half) && half != BitConverter.ToUInt64(block))
            {
                BitConverter.TryWriteBytes(trial, half);
                trial.CopyTo(block);
                Assert.Equal(target, RollingChecksum.Compute(block));
                return;
            }
        }
    }
}
