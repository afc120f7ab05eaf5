using NativeSync.Engine.Delta;
using NativeSync.Engine.FileSystem;
using NativeSync.TestKit.FileSystem;

namespace NativeSync.Engine.Tests.Delta;

/// <summary>The whole way, with the kernel failing at each of its calls in turn.</summary>
public sealed class DeltaFaultTests
{
    private static readonly byte[] Basis = DeltaHarness.Random(700_000, 1);

    private static readonly byte[] Content = DeltaHarness.Concat(
        Basis[..300_000], DeltaHarness.Random(280_000, 2), new byte[100_000], Basis[290_000..], new byte[70_000]);

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void AFailureAtAnyCallIsItsErrnoAndNothingElse(bool inPlace, bool sparse)
    {
        long calls = Run(long.MaxValue, inPlace, sparse, out PatchOutcome sound, out _, out _);
        Assert.Equal(PatchOutcome.Verified, sound);
        Assert.InRange(calls, 8, 100);
        for (long n = 0; n < calls; n++)
        {
            Run(n, inPlace, sparse, out PatchOutcome outcome, out int error, out bool punching);

            // Where no hole can be punched, zeros are written instead.
            Assert.Equal(punching ? (PatchOutcome.Verified, 0) : (PatchOutcome.Failed, -Errno.ENOSPC), (outcome, error));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ShortReadsAndWritesAreContinued(bool inPlace)
    {
        FaultySystemCalls io = new(LinuxSystemCalls.Instance) { ShortTransfers = 7001 };
        using PatchHarness harness = new(Basis, io);
        Assert.Equal(PatchOutcome.Verified, harness.Synchronise(Content, BlockLayout.For(Basis.Length), inPlace, sparse: true, out _));
        Assert.Equal(Content, harness.Read(inPlace));
    }

    [Fact]
    public void ASourceThatFailsAtAnyReadIsItsErrno()
    {
        for (int n = 0; n < 3; n++)
        {
            FaultySystemCalls io = new FaultySystemCalls(LinuxSystemCalls.Instance).FailNth(SystemCall.ReadAt, n, Errno.EIO);
            using PatchHarness harness = new(Basis, io);
            Signature signature = new(BlockLayout.For(0));
            FileSource source = new(io, harness.BasisFd);
            RebuildSink sink = new([]);
            Assert.Equal(-Errno.EIO, DeltaMatcher.Match(ref source, Basis.Length, signature, ref sink).Error);
        }
    }

    private static long Run(long failAt, bool inPlace, bool sparse, out PatchOutcome outcome, out int error, out bool punching)
    {
        bool punched = false;
        FaultySystemCalls io = new(LinuxSystemCalls.Instance);
        io.Fail(
            call =>
            {
                bool fails = call.Index == failAt;
                punched |= fails && call.Kind == SystemCall.Allocate;
                return fails;
            },
            Errno.ENOSPC);
        using PatchHarness harness = new(Basis, io);
        outcome = harness.Synchronise(Content, BlockLayout.For(Basis.Length), inPlace, sparse, out error);
        punching = punched;
        if (outcome == PatchOutcome.Verified)
        {
            Assert.Equal(Content, harness.Read(inPlace));
        }

        return io.Calls;
    }
}
