using FsCheck.Xunit;
using NativeSync.Engine.Delta;
using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Tests.Delta;

public sealed class SignatureTests
{
    [Theory]
    [InlineData(0L, 2048, 0)]
    [InlineData(1L, 2048, 0)]
    [InlineData(64L << 20, 2048, 0)]
    [InlineData(1L << 30, 4096, 0)]
    [InlineData(16L << 30, 16384, 1)]
    [InlineData(1L << 40, 131072, 1)]
    [InlineData(16L << 40, 1048576, 2)]
    public void TheLayoutFollowsTheLength(long length, int block, int strong)
    {
        BlockLayout layout = BlockLayout.For(length);
        Assert.Equal((block, strong), (layout.BlockSize, layout.StrongLength));
    }

    [Property]
    public void EveryLayoutIsWithinBoundsAndAcceptedByTheOtherSide(long length, int requested)
    {
        BlockLayout layout = BlockLayout.For(length & long.MaxValue, requested);
        Assert.InRange(layout.BlockSize, BlockLayout.MinBlockSize, BlockLayout.MaxBlockSize);
        Assert.InRange(layout.BlockCount, 0, BlockLayout.MaxBlockCount);
        Assert.True(BlockLayout.TryCreate(layout.BasisLength, layout.BlockSize, layout.StrongLength, out BlockLayout other));
        Assert.Equal(layout, other);
        Assert.Equal(layout.BasisLength, (layout.FullBlockCount * layout.BlockSize) + layout.TailLength);
    }

    [Theory]
    [InlineData(-1L, 512L, 8)]
    [InlineData(1L, 0L, 8)]
    [InlineData(1L, -512L, 8)]
    [InlineData(1L, 513L, 8)]
    [InlineData(1L, 128L, 8)]
    [InlineData(1L, 1L << 23, 8)]
    [InlineData(1L, 1L << 41, 8)]
    [InlineData(1L, 512L, -1)]
    [InlineData(1L, 512L, 17)]
    [InlineData(long.MaxValue, 512L, 8)]
    public void ALayoutOutOfBoundsIsRefused(long length, long block, int strong)
        => Assert.False(BlockLayout.TryCreate(length, block, strong, out _));

    [Fact]
    public void ARecordThatCutsABlockIsRefused()
        => Assert.Throws<ProtocolException>(() => new Signature(new BlockLayout(1024, 512, 8)).Append(new byte[13]));

    [Fact]
    public void MoreBlocksThanTheBasisHasAreRefused()
    {
        Signature signature = new(new BlockLayout(1024, 512, 8));
        signature.Append(new byte[24]);
        Assert.True(signature.Complete);
        Assert.Throws<ProtocolException>(() => signature.Append(new byte[12]));
    }

    [Fact]
    public void AnAnnouncedSignatureAllocatesNothingBeforeItComes()
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        Signature signature = new(new BlockLayout(16L << 40, 1 << 20, 16));
        signature.Append(new byte[20]);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 200_000);
    }

    [Fact]
    public void MatchingBeforeTheSignatureIsCompleteIsABug()
    {
        MemorySource source = new(new byte[10]);
        RebuildSink sink = new([]);
        Signature signature = new(new BlockLayout(1024, 512, 8));
        Assert.Throws<InvalidOperationException>(() => DeltaMatcher.Match(ref source, 10, signature, ref sink));
    }

    [Fact]
    public void ABasisThatIsShorterThanAnnouncedIsAnError()
    {
        using PatchHarness harness = new(new byte[1000]);
        Assert.Equal(-Errno.ENODATA, SignatureGenerator.Generate(harness.Io, harness.BasisFd, new BlockLayout(1001, 512, 8), (_, _) => { }));
    }

    [Fact]
    public void ABasisThatCannotBeReadIsItsErrno()
        => Assert.Equal(-Errno.EBADF, SignatureGenerator.Generate(LinuxSystemCalls.Instance, -1, new BlockLayout(1000, 512, 8), (_, _) => { }));

    [Fact]
    public void TheIndexFoldsEqualBlocksAndCapsTheRest()
    {
        BlockLayout layout = new(1000 * 512, 512, 8);
        Signature signature = new(layout);
        byte[] entries = new byte[1000 * layout.EntrySize]; // one weak checksum, 1000 different hashes
        for (int i = 0; i < 1000; i++)
        {
            BitConverter.TryWriteBytes(entries.AsSpan((i * layout.EntrySize) + 4), (long)i);
        }

        signature.Append(entries);
        Assert.Equal(BlockIndex.MaxCandidates, signature.Index(preferLast: false).Count);
    }
}
