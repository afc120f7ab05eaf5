using NativeSync.Engine.Delta;
using NativeSync.Engine.FileSystem;
using NativeSync.TestKit.FileSystem;

namespace NativeSync.Engine.Tests.Delta;

/// <summary>Once they run, the loops through which every byte and every name passes allocate nothing.</summary>
/// <remarks>
/// What a loop allocates it allocates in every stretch; the runtime's own tables (of casts, of calls) grow once, at a moment nobody can choose. So several
/// stretches are measured, and the one with the least is the loop's.
/// </remarks>
public sealed class SteadyStateTests
{
    private const int Length = 24 << 20;
    private const int Stretches = 5;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AMatcherAllocatesNothing(bool related)
    {
        byte[] basis = DeltaHarness.Random(Length, 1);
        byte[] content = related ? DeltaHarness.Concat(basis[..100], DeltaHarness.Random(50, 2), basis[100..]) : DeltaHarness.Random(Length, 3);
        for (int i = 0; i < content.Length; i += 1_000_000)
        {
            content[i] ^= 1;
        }

        MemorySource source = new(content);
        NoTokens sink = default;
        using DeltaMatcher matcher = new(DeltaHarness.Sign(basis, BlockLayout.For(Length)), content.Length);
        long least = long.MaxValue;
        MatchStatus status;
        do
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            int steps = 0;
            do
            {
                status = matcher.Step(ref source, ref sink);
            }
            while (status == MatchStatus.Continue && ++steps < 10);

            least = Math.Min(least, steps < 10 ? long.MaxValue : GC.GetAllocatedBytesForCurrentThread() - before);
        }
        while (status == MatchStatus.Continue);

        Assert.Equal(0, least);
        Assert.Equal(content.Length, matcher.Result.Length);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void APatcherAllocatesNothing(bool inPlace)
    {
        byte[] basis = DeltaHarness.Random(4 << 20, 4);
        using PatchHarness harness = new(basis);
        using Patcher patcher = new(harness.Io, harness.Target(Length / 2, inPlace));
        byte[] literal = DeltaHarness.Random(5000, 5);
        int error = Apply(patcher, literal, rounds: 10, basis.Length);
        long least = long.MaxValue;
        for (int i = 0; i < Stretches; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            error |= Apply(patcher, literal, rounds: 100, basis.Length);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
        Assert.Equal(0, error);
    }

    [Trait("Category", "Slow")]
    [Fact]
    public void AScannerAllocatesNothingForADirectoryLikeTheOneBefore()
    {
        using TemporaryTree tree = new();
        tree.Shell("for i in $(seq 500); do : >file-$i; ln -s target-$i link-$i; done; mkdir d e f");
        DirectoryScanner scanner = new(LinuxSystemCalls.Instance);
        DirectoryListing listing = new();
        Assert.Equal(0, scanner.Scan(tree.Handle, ScanFields.LinkTargets, listing));
        long least = long.MaxValue;
        int error = 0;
        for (int i = 0; i < Stretches; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            error |= scanner.Scan(tree.Handle, ScanFields.LinkTargets, listing);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
        Assert.Equal(0, error);
        Assert.Equal(1003, listing.Count);
    }

    /// <remarks>Asserts allocate: only the result is looked at, afterwards.</remarks>
    private static int Apply(Patcher patcher, byte[] literal, int rounds, int basis)
    {
        int error = 0;
        for (int i = 0; i < rounds; i++)
        {
            error |= patcher.Literal(literal);
            if (patcher.Length + 8192 <= basis)
            {
                error |= patcher.Copy(patcher.Length, 8192);
            }

            if (i % 50 == 0)
            {
                error |= patcher.Hole(4096);
            }
        }

        return error;
    }

    private readonly struct NoTokens : ITokenSink
    {
        public void Literal(ReadOnlySpan<byte> data)
        {
        }

        public void Copy(long basisOffset, long length)
        {
        }

        public void Hole(long length)
        {
        }
    }
}
