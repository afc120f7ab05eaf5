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

    /// <summary>Also where the output held all of the basis, and where a thread of its own writes.</summary>
    [Theory]
    [InlineData(false, false, 1)]
    [InlineData(true, false, 1)]
    [InlineData(false, true, 1)]
    [InlineData(true, true, 1)]
    [InlineData(true, false, 25)]
    [InlineData(false, true, 25)]
    [InlineData(true, true, 25)]
    public void WhatIsCutBackAfterAFailureIsABeginning(bool cloned, bool sparse, int scale)
    {
        byte[] basis = DeltaHarness.Random(700_000 * scale, 1);
        byte[] content = DeltaHarness.Concat(
            basis[..(300_000 * scale)], DeltaHarness.Random(280_000 * scale, 2), new byte[100_000 * scale], basis[(290_000 * scale)..], new byte[70_000 * scale]);
        SortedSet<long> lengths = [];
        long calls = long.MaxValue;
        for (long n = 0; n < calls; n += scale == 1 ? 1 : 11)
        {
            FaultySystemCalls io = new(LinuxSystemCalls.Instance);
            io.Fail(call => call.Kind is SystemCall.ReadAt or SystemCall.WriteAt && call.Index == n, Errno.EIO);
            using PatchHarness harness = new(basis, io) { Cloned = cloned, CutsBack = true };
            PatchOutcome outcome = harness.Synchronise(content, BlockLayout.For(basis.Length), inPlace: false, sparse, out _);
            if (harness.Beginning is { } length)
            {
                Assert.InRange(length, 0, content.Length - 1);
                Assert.Equal(content[..(int)length], harness.Read(inPlace: false));
                lengths.Add(length);
            }

            calls = outcome == PatchOutcome.Verified ? Math.Min(calls, io.Calls) : calls;
            Assert.InRange(n, 0, 2000);
        }

        Assert.True(lengths.Count > 2, "no failure left a beginning");
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
