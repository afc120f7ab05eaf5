using NativeSync.Engine.Delta;
using NativeSync.Engine.FileSystem;
using NativeSync.TestKit.FileSystem;

namespace NativeSync.Engine.Tests.Delta;

/// <summary>What large files get beyond small ones: signatures by several threads, writing behind.</summary>
public sealed class LargeFileTests
{
    private static readonly byte[] Basis = DeltaHarness.Random(20 << 20, 11);

    private static readonly byte[] Content = DeltaHarness.Concat(
        Basis[..(7 << 20)], DeltaHarness.Random(600_000, 12), new byte[1 << 20], Basis[(6 << 20)..], DeltaHarness.Random(5, 13));

    [Theory]
    [InlineData(512, 0)]
    [InlineData(512, 16)]
    [InlineData(1024, 4)]
    [InlineData(1 << 20, 8)]
    public void SeveralThreadsMakeTheSameSignatureInTheSameRecords(int blockSize, int strongLength)
    {
        using PatchHarness harness = new(Basis);
        foreach (int length in (int[])[1, blockSize, (4096 * 512) - 1, (4096 * 512) + 1, Basis.Length - 1, Basis.Length])
        {
            BlockLayout layout = new(length, blockSize, strongLength);
            FileSource source = new(harness.Io, harness.BasisFd);
            List<byte[]> expected = [];
            Assert.Equal(0, SignatureGenerator.Generate(ref source, layout, (_, encoded) => expected.Add(encoded.ToArray())));

            List<byte[]> found = [];
            using ParallelSignature parallel = new(harness.Io, harness.BasisFd, layout);
            Assert.Equal(0, parallel.Run((_, encoded) => found.Add(encoded.ToArray())));
            Assert.Equal(expected, found);
        }
    }

    [Fact]
    public void ASignatureByThreadsEndsAtAnyFailedReadAndAtAReceiverThatGivesUp()
    {
        BlockLayout layout = new(Basis.Length, 512, 8);
        for (int n = 0; n < 20; n++)
        {
            using PatchHarness harness = new(Basis, new FaultySystemCalls(LinuxSystemCalls.Instance).FailNth(SystemCall.ReadAt, n, Errno.EIO));
            using ParallelSignature parallel = new(harness.Io, harness.BasisFd, layout);
            Assert.Equal(-Errno.EIO, parallel.Run((_, _) => { }));
        }

        using PatchHarness sound = new(Basis);
        using ParallelSignature abandoned = new(sound.Io, sound.BasisFd, layout);
        Assert.Throws<OperationCanceledException>(() => abandoned.Run((_, _) => throw new OperationCanceledException()));
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void ALargeFileIsExact(bool inPlace, bool sparse)
    {
        using PatchHarness harness = new(Basis);
        Assert.Equal(PatchOutcome.Verified, harness.Synchronise(Content, BlockLayout.For(Basis.Length), inPlace, sparse, out int error));
        Assert.Equal(0, error);
        Assert.Equal(Content, harness.Read(inPlace));
    }

    [Trait("Category", "Slow")]
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AFailedWriteOfALargeFileIsItsErrno(bool inPlace)
    {
        FaultySystemCalls counting = new(LinuxSystemCalls.Instance);
        using (PatchHarness harness = new(Basis, counting))
        {
            Assert.Equal(PatchOutcome.Verified, harness.Synchronise(Content, BlockLayout.For(Basis.Length), inPlace, sparse: false, out _));
        }

        long writes = counting.CallsOf(SystemCall.WriteAt);
        Assert.InRange(writes, 10, 1000);
        for (long n = 0; n < writes; n += Math.Max(1, writes / 7))
        {
            using PatchHarness harness = new(Basis, new FaultySystemCalls(LinuxSystemCalls.Instance).FailNth(SystemCall.WriteAt, n, Errno.ENOSPC));
            Assert.Equal(PatchOutcome.Failed, harness.Synchronise(Content, BlockLayout.For(Basis.Length), inPlace, sparse: false, out int error));
            Assert.Equal(-Errno.ENOSPC, error);
        }
    }
}
