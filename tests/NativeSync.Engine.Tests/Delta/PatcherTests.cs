using FsCheck.Xunit;
using NativeSync.Engine.Delta;
using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Tests.Delta;

public sealed class PatcherTests
{
    private static readonly byte[] Basis = DeltaHarness.Random(100_000, 1);

    [Property(MaxTest = 150, Arbitrary = [typeof(DeltaCases)])]
    public void EveryPatchIsExactStagedClonedAndInPlaceDenseAndSparse(DeltaCase c, bool sparse, bool cloned)
    {
        using PatchHarness harness = new(c.Basis) { Cloned = cloned };
        BlockLayout layout = new(c.Basis.Length, c.BlockSize, c.Strong);
        Assert.Equal(PatchOutcome.Verified, harness.Synchronise(c.Content, layout, c.InPlace, sparse, out int error));
        Assert.Equal(0, error);
        Assert.Equal(c.Content, harness.Read(c.InPlace));
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void AFileLargerThanAllBuffersIsExact(bool inPlace, bool sparse)
    {
        byte[] basis = DeltaHarness.Random(3 << 20, 2);
        basis.AsSpan(1 << 20, 300_000).Clear();
        byte[] content = DeltaHarness.Concat(basis[..700_000], DeltaHarness.Random(600_001, 3), new byte[500_000], basis[600_000..], basis[..50_000]);
        using PatchHarness harness = new(basis);
        Assert.Equal(PatchOutcome.Verified, harness.Synchronise(content, BlockLayout.For(basis.Length), inPlace, sparse, out _));
        Assert.Equal(content, harness.Read(inPlace));
    }

    [Fact]
    public void OverACloneOnlyWhatChangedIsWritten()
    {
        byte[] basis = DeltaHarness.Random(3 << 20, 2);
        byte[] content = DeltaHarness.Concat(basis[..1_000_000], DeltaHarness.Random(5000, 3), basis[1_005_000..2_900_000]);
        WrittenBytes io = new();
        using PatchHarness harness = new(basis, io) { Cloned = true };
        Assert.Equal(PatchOutcome.Verified, harness.Synchronise(content, BlockLayout.For(basis.Length), inPlace: false, sparse: false, out _));
        Assert.Equal(content, harness.Read(inPlace: false));
        Assert.InRange(io.Count, 5000, 20_000);
    }

    private sealed class WrittenBytes() : SystemCallsDecorator(LinuxSystemCalls.Instance)
    {
        public long Count { get; private set; }

        public override nint WriteAt(int fd, ReadOnlySpan<byte> data, long offset)
        {
            Count += data.Length;
            return base.WriteAt(fd, data, offset);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void SparseLeavesZerosOutWhereverTheyComeFrom(bool inPlace)
    {
        byte[] basis = DeltaHarness.Concat(DeltaHarness.Random(8192, 1), new byte[1 << 20], DeltaHarness.Random(8192, 2), DeltaHarness.Random(1 << 20, 5));
        byte[] content = DeltaHarness.Concat(basis[..(8192 + (1 << 20) + 8192)], new byte[1 << 20], DeltaHarness.Random(8192, 4));
        using PatchHarness harness = new(basis);
        harness.Synchronise(content, BlockLayout.For(basis.Length), inPlace, sparse: true, out _);
        Assert.Equal(content, harness.Read(inPlace));

        // In place, zeros that were stored and stay where they are, stay stored.
        Assert.InRange(harness.AllocatedBytes(inPlace ? harness.BasisFd : harness.OutputFd), 1, inPlace ? (1 << 20) + 65536 : 65536);
    }

    /// <summary>A file system that has written the last zeros and not yet what comes before them would know the whole length.</summary>
    /// <param name="data">Bytes that are not zeros.</param>
    /// <param name="length">With the zeros behind them.</param>
    /// <param name="first">Bytes that come first, as a literal of its own; more than 64 KiB of it are written where they end.</param>
    /// <param name="endsInHole">A whole page, or what there is of the last one, is zeros.</param>
    [Theory]
    [InlineData(49_152, 350_000, 50_000, true)]
    [InlineData(49_152, 327_680, 50_000, true)]
    [InlineData(49_152, 49_153, 49_152, true)]
    [InlineData(87_000, 351_000, 88_064, true)]
    [InlineData(86_016, 88_100, 88_064, true)]
    [InlineData(86_016, 90_112, 88_064, true)]
    [InlineData(87_000, 88_100, 88_064, false)]
    [InlineData(49_153, 50_000, 50_000, false)]
    [InlineData(50_000, 50_000, 50_000, false)]
    public void ZerosAtTheEndGiveASparseFileNoLength(int data, int length, int first, bool endsInHole)
    {
        byte[] content = DeltaHarness.Concat(DeltaHarness.Random(data, 1), new byte[length - data]);
        byte[] basis = DeltaHarness.Concat(DeltaHarness.Random(first, 3), new byte[300_000]);
        foreach (bool copied in (bool[])[true, false])
        {
            using PatchHarness harness = new(basis);
            using Patcher patcher = new(harness.Io, harness.Target(length, sparse: true));
            patcher.Literal(content.AsSpan(0, first));
            if (copied)
            {
                patcher.Copy(first, length - first);
            }
            else
            {
                patcher.Literal(content.AsSpan(first));
            }

            Assert.Equal(PatchOutcome.Verified, patcher.Finish(PatchHarness.Digest(content)));
            Assert.Equal(content, harness.Read(inPlace: false));
            Assert.Equal(endsInHole, patcher.LengthSaysNothing);
            if (first < 1 << 16)
            {
                Assert.Equal((data + 4095) & -4096, harness.AllocatedBytes(harness.OutputFd));
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ZerosInPlaceOfAnOldEndAreToBeFlushedToo(bool inPlace)
    {
        byte[] basis = DeltaHarness.Random(100_000, 1);
        byte[] content = [.. basis[..98_304], .. new byte[1_696]];
        using PatchHarness harness = new(basis) { Cloned = true };
        File.WriteAllBytes($"/proc/self/fd/{harness.OutputFd}", basis);
        using Patcher patcher = new(harness.Io, harness.Target(content.Length, inPlace, sparse: true));
        patcher.Copy(0, 98_304);
        patcher.Literal(content.AsSpan(98_304));
        Assert.Equal(PatchOutcome.Verified, patcher.Finish(PatchHarness.Digest(content)));
        Assert.Equal(content, harness.Read(inPlace));
        Assert.True(patcher.LengthSaysNothing);
    }

    /// <summary>A matcher tells of holes whether or not the output is to be sparse; an empty one has them for nothing.</summary>
    [Fact]
    public void ADenseFileHasNoLengthFromZerosBehindAHole()
    {
        byte[] content = [.. DeltaHarness.Random(10_000, 1), .. new byte[91_000]];
        using PatchHarness harness = new([]);
        using Patcher patcher = new(harness.Io, harness.Target(content.Length));
        patcher.Literal(content.AsSpan(0, 10_000));
        patcher.Hole(90_000);
        patcher.Literal(content.AsSpan(100_000));
        Assert.Equal(PatchOutcome.Verified, patcher.Finish(PatchHarness.Digest(content)));
        Assert.True(patcher.LengthSaysNothing);
    }

    [Fact]
    public void AHoleAtTheEndGivesTheFileItsLength()
    {
        using PatchHarness harness = new([]);
        using Patcher patcher = new(harness.Io, harness.Target(1_000_000));
        patcher.Literal([1, 2, 3]);
        patcher.Hole(999_997);
        byte[] expected = new byte[1_000_000];
        (expected[0], expected[1], expected[2]) = (1, 2, 3);
        Assert.Equal(PatchOutcome.Verified, patcher.Finish(PatchHarness.Digest(expected)));
        Assert.Equal(expected, harness.Read(inPlace: false));
    }

    [Fact]
    public void AShorterContentInPlaceCutsTheFile()
    {
        using PatchHarness harness = new(Basis);
        Assert.Equal(PatchOutcome.Verified, harness.Synchronise(Basis[..777], BlockLayout.For(Basis.Length), inPlace: true, sparse: false, out _));
        Assert.Equal(Basis[..777], harness.Read(inPlace: true));
    }

    [Fact]
    public void AnotherDigestIsAMismatch()
    {
        using PatchHarness harness = new(Basis);
        Assert.Equal(PatchOutcome.Mismatch, harness.Synchronise(Basis, BlockLayout.For(Basis.Length), false, false, out int error, digest: 1));
        Assert.Equal(0, error);
    }

    [Fact]
    public void ABasisThatBecameShorterIsAMismatchNotZeros()
    {
        using PatchHarness harness = new(Basis);
        using Patcher patcher = new(harness.Io, harness.Target(Basis.Length));
        LinuxSystemCalls.Instance.Truncate(harness.BasisFd, 50_000);
        Assert.Equal(0, patcher.Copy(0, Basis.Length));
        byte[] cut = (byte[])Basis.Clone();
        cut.AsSpan(50_000).Clear();
        Assert.Equal(PatchOutcome.Mismatch, patcher.Finish(PatchHarness.Digest(cut)));
    }

    [Theory]
    [InlineData(99_999, 2)]
    [InlineData(100_001, 0)]
    [InlineData(0, 100_001)]
    [InlineData(-1, 1)]
    [InlineData(1, -1)]
    [InlineData(long.MaxValue, 1)]
    [InlineData(1, long.MaxValue)]
    [InlineData(long.MaxValue, long.MaxValue)]
    public void ACopyOutsideTheBasisIsRefused(long offset, long length)
    {
        using PatchHarness harness = new(Basis);
        using Patcher patcher = new(harness.Io, harness.Target(long.MaxValue));
        Assert.Throws<ProtocolException>(() => patcher.Copy(offset, length));
    }

    [Fact]
    public void ACopyWithoutABasisIsRefused()
    {
        using PatchHarness harness = new(Basis);
        using Patcher patcher = new(harness.Io, new PatchTarget { OutputFd = harness.OutputFd, Size = 10 });
        Assert.Throws<ProtocolException>(() => patcher.Copy(0, 1));
    }

    [Fact]
    public void TokensBeyondTheAnnouncedLengthAreRefused()
    {
        using PatchHarness harness = new(Basis);
        using Patcher patcher = new(harness.Io, harness.Target(1000));
        patcher.Literal(new byte[999]);
        Assert.Throws<ProtocolException>(() => patcher.Literal(new byte[2]));
        Assert.Throws<ProtocolException>(() => patcher.Copy(0, 2));
        Assert.Throws<ProtocolException>(() => patcher.Hole(2));
        Assert.Throws<ProtocolException>(() => patcher.Hole(long.MaxValue));
        Assert.Throws<ProtocolException>(() => patcher.Hole(-1));
    }

    [Fact]
    public void AnEndBeforeTheAnnouncedLengthIsRefusedUnlessTheSourceShrank()
    {
        using PatchHarness harness = new(Basis);
        using Patcher patcher = new(harness.Io, harness.Target(1000));
        patcher.Literal(Basis.AsSpan(0, 10));
        Assert.Throws<ProtocolException>(() => patcher.Finish(PatchHarness.Digest(Basis[..10])));
        Assert.Equal(PatchOutcome.Verified, patcher.Finish(PatchHarness.Digest(Basis[..10]), shortened: true));
        Assert.Equal(Basis[..10], harness.Read(inPlace: false));
    }

    [Fact]
    public void ACopyInPlaceFromBehindTheWritePositionIsRefused()
    {
        using PatchHarness harness = new(Basis);
        using Patcher patcher = new(harness.Io, harness.Target(1000, inPlace: true));
        patcher.Literal(new byte[10]);
        Assert.Throws<ProtocolException>(() => patcher.Copy(9, 1));
        Assert.Equal(0, patcher.Copy(10, 1));
    }

    [Fact]
    public void AfterAFailureTokensAreBurntButStillChecked()
    {
        using PatchHarness harness = new(Basis);
        int closed = LinuxSystemCalls.Instance.OpenPath("/dev/null"u8, OpenFlags.Read); // writing to it fails: EBADF
        using Patcher patcher = new(harness.Io, harness.Target(600_000) with { OutputFd = closed });
        Assert.Equal(-Errno.EBADF, patcher.Literal(DeltaHarness.Random(300_000, 1)));
        Assert.Equal(-Errno.EBADF, patcher.Copy(0, 100_000));
        Assert.Equal(-Errno.EBADF, patcher.Hole(199_999));
        Assert.Throws<ProtocolException>(() => patcher.Literal(new byte[2]));
        Assert.Equal(-Errno.EBADF, patcher.Literal(new byte[1]));
        Assert.Equal(600_000, patcher.Length);
        Assert.Equal(PatchOutcome.Failed, patcher.Finish(0));
        LinuxSystemCalls.Instance.Close(closed);
    }
}
