using NativeSync.Engine.Delta;
using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session;
using NativeSync.Engine.Tests.Delta;
using NativeSync.Protocol;

namespace NativeSync.Engine.Tests.Session;

/// <summary>A large file that has nothing in common with what is there costs a sixteenth of the basis, and one that has keeps its delta.</summary>
public sealed class DeclinedDeltaTests : IDisposable
{
    private const int Block = 256;
    private const int Length = (BlockOrder.MinBlocks * Block) + 777;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly BlockLayout Layout = BlockLayout.For(Length, Block);
    private static readonly long SampleBytes = (long)Layout.Order.SampleCount * Block;
    private static readonly byte[] Basis = DeltaHarness.Random(Length, 31);
    private static readonly byte[] Other = DeltaHarness.Random(Length, 32);

    private readonly SyncTree _tree = new();

    public void Dispose() => _tree.Dispose();

    [Theory]
    [InlineData(JobFlags.None)]
    [InlineData(JobFlags.InPlace)]
    public async Task NothingInCommonStopsTheSignatureAndTheReadingOfTheBasis(JobFlags more)
    {
        Prepare("file", Basis, Other);
        HeldBasis receiver = new();
        SyncReport report = await Push(receiver, more);

        Assert.False(receiver.GaveUp, "what is not of the sample was waited for");
        Assert.Equal(0, report.ExitCode);
        Assert.Equal((Length, 0), (report.Statistics.LiteralBytes, report.Statistics.MatchedBytes));
        Assert.InRange(receiver.BytesRead, SampleBytes, SampleBytes + (4 << 20)); // and at most one read of each thread that was at it
        Assert.InRange(report.BytesReceived, Layout.Order.SampleCount * Layout.EntrySize, 2 * Layout.Order.SampleCount * Layout.EntrySize);
        Assert.Equal(Other, File.ReadAllBytes(At("dst/file")));
    }

    /// <summary>The other way round: all of the signature is read where the end of the file is the old one.</summary>
    [Trait("Category", "Slow")]
    [Theory]
    [InlineData(2, 0)]
    [InlineData(20, 0)]
    [InlineData(2, 123_457)]
    [InlineData(4, 3_000_001)]
    public async Task AFileWhoseFirstPartIsNewKeepsItsDelta(int part, int shift)
    {
        int known = Length / part;
        byte[] content = DeltaHarness.Concat(Other[..(Length - known)], Basis[(Length - known - shift)..(Length - shift)]);
        Prepare("file", Basis, content);
        SyncReport report = await Push(LinuxSystemCalls.Instance);

        Assert.Equal(0, report.ExitCode);
        Assert.InRange(report.Statistics.MatchedBytes, known - (5 << 20), known); // the search finds again what it gave up within 4 MiB
        Assert.InRange(report.BytesReceived, Layout.BlockCount * Layout.EntrySize, long.MaxValue);
        Assert.Equal(content, File.ReadAllBytes(At("dst/file")));
    }

    /// <summary>Pages of zeros are not sent, though the file is none with holes; nor are they something in common, though both have them.</summary>
    [Fact]
    public async Task ZerosOfADeclinedFileAreNotSent()
    {
        byte[] content = (byte[])Other.Clone();
        content.AsSpan(Length - (4 << 20)).Clear();
        byte[] basis = (byte[])Basis.Clone();
        basis.AsSpan(0, 8 << 20).Clear();
        basis.AsSpan(Length - (4 << 20)).Clear();
        Prepare("file", basis, content);
        HeldBasis receiver = new();
        SyncReport report = await Push(receiver);

        Assert.False(receiver.GaveUp, "zeros were taken for something in common");
        Assert.Equal(0, report.ExitCode);
        Assert.InRange(report.Statistics.LiteralBytes, 1, Length - (4 << 20) + (64 << 10)); // but for what lies at the edges of what the matcher has before it
        Assert.Equal(content, File.ReadAllBytes(At("dst/file")));
    }

    [Fact]
    public async Task AnotherDeltaFollowsASignatureThatWasBrokenOff()
    {
        byte[] content = (byte[])Basis.Clone();
        content[Length / 2] ^= 1;
        Prepare("file1", Basis, Other);
        Prepare("file2", Basis, Other);
        Prepare("gile", Basis, content);
        HeldBasis receiver = new();
        SyncReport report = await Push(receiver);

        Assert.False(receiver.GaveUp);
        Assert.Equal(0, report.ExitCode);
        Assert.InRange(report.Statistics.LiteralBytes, 2 * Length, (2 * Length) + (3 * Block));
        Assert.Equal("", _tree.Difference("src/", "dst"));
    }

    [Fact]
    public async Task ADeclinedFileThatChangesMeanwhileIsAskedForAgain()
    {
        Prepare("file", Basis, Other);
        SyncRequest request = Request(0);
        SyncEnvironment environment = SyncEnvironment.Default with { Io = new LivingSource(At("src/file")) };
        HeldBasis receiver = new();
        await using InProcessConnection connection = Connect(receiver);
        SyncReport report = await Synchronizer.RunAsync(connection, JobKind.Push, request, null, environment, CancellationToken.None).WaitAsync(Patience);

        Assert.Equal(0, report.ExitCode);
        Assert.Equal(File.ReadAllBytes(At("src/file")), File.ReadAllBytes(At("dst/file")));
        Assert.Equal(7, File.ReadAllBytes(At("dst/file"))[^1]);
        Assert.False(receiver.GaveUp);
    }

    [Theory]
    [InlineData(1_000)]
    [InlineData(Length / 3)]
    [InlineData(Length)]
    public async Task ACutBehindADeclineLeavesTheOldFile(int cut)
    {
        Prepare("file", Basis, Other);
        HeldBasis receiver = new();
        await using (InProcessConnection connection = new(async (lane, ct) =>
            await Agent.ServeAsync(new CuttingLane(lane, cut, onEnd: receiver.LetGo), SyncEnvironment.Default with { Io = receiver }, ct)))
        {
            await Assert.ThrowsAnyAsync<Exception>(() => Synchronizer.PushAsync(connection, Request(0)).WaitAsync(Patience));
        }

        Assert.Equal(Basis, File.ReadAllBytes(At("dst/file")));
        Assert.Equal(0, (await Push(new HeldBasis())).ExitCode);
        Assert.Equal(Other, File.ReadAllBytes(At("dst/file")));
    }

    /// <summary>More was kept of a file that the source has no more: what comes after the decline counts, though it is less.</summary>
    [Fact]
    public async Task ACutBehindADeclineGoesOnFromWhatCameAfterIt()
    {
        byte[] newest = DeltaHarness.Random(Length, 33);
        Prepare("file", Basis, Other);
        SyncRequest request = Request(0);
        request = request with { Options = request.Options with { ResumeFrom = 64 << 10 } };
        await CutAsync(request, Length / 3 * 2);
        File.WriteAllBytes(At("src/file"), newest);
        await CutAsync(request, Length / 3);

        await using InProcessConnection connection = Connect(LinuxSystemCalls.Instance);
        SyncReport report = await Synchronizer.PushAsync(connection, request).WaitAsync(Patience);
        Assert.Equal(0, report.ExitCode);
        Assert.InRange(report.Statistics.LiteralBytes, 1, Length - (Length / 3) + (6 << 20)); // and what was under way
        Assert.Equal(newest, File.ReadAllBytes(At("dst/file")));
    }

    [Fact]
    public async Task ABatchOfADeclinedFileSuitsAnyBasis()
    {
        Prepare("file", Basis, Other);
        Directory.CreateDirectory(At("twin"));
        File.WriteAllBytes(At("twin/file"), Basis[..^1]);
        byte[] batch = ByteText.FromArgument(At("batch"));
        HeldBasis receiver = new();
        await using (InProcessConnection connection = Connect(receiver))
        {
            SyncReport made = await Synchronizer.PushAsync(connection, Request(0) with { WriteBatch = batch }).WaitAsync(Patience);
            Assert.Equal(0, made.ExitCode);
            Assert.False(receiver.GaveUp);
        }

        SyncReport report = await Synchronizer.ApplyBatchAsync(batch, _tree.Request("none", "twin", 0)).WaitAsync(Patience);
        Assert.Equal(0, report.ExitCode);
        Assert.Equal(Other, File.ReadAllBytes(At("twin/file")));
    }

    private static async Task CutAsync(SyncRequest request, int cut)
    {
        await using InProcessConnection connection = new(async (lane, ct) =>
            await Agent.ServeAsync(new CuttingLane(lane, cut), SyncEnvironment.Default, ct));
        await Assert.ThrowsAnyAsync<Exception>(() => Synchronizer.PushAsync(connection, request).WaitAsync(Patience));
    }

    private string At(string path) => Path.Combine(_tree.Root, path);

    private void Prepare(string name, byte[] basis, byte[] content)
    {
        Directory.CreateDirectory(At("src"));
        Directory.CreateDirectory(At("dst"));
        File.WriteAllBytes(At("src/" + name), content);
        File.WriteAllBytes(At("dst/" + name), basis);
        File.SetLastWriteTimeUtc(At("dst/" + name), new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
    }

    private SyncRequest Request(JobFlags more)
    {
        SyncRequest request = _tree.Request("src/", "dst", more);
        return request with { Options = request.Options with { BlockSize = Block } };
    }

    private async Task<SyncReport> Push(ISystemCalls receiver, JobFlags more = 0)
    {
        await using InProcessConnection connection = Connect(receiver);
        return await Synchronizer.PushAsync(connection, Request(more)).WaitAsync(Patience);
    }

    private static InProcessConnection Connect(ISystemCalls receiver) =>
        new(async (lane, ct) => await Agent.ServeAsync(lane, SyncEnvironment.Default with { Io = receiver }, ct));

    /// <summary>Of a basis called file… only the sample can be read before its first handle is closed: who needs more would wait for ever.</summary>
    private sealed class HeldBasis() : SystemCallsDecorator(LinuxSystemCalls.Instance)
    {
        private readonly ManualResetEventSlim _closed = new(true);
        private int _basis = -1;
        private long _bytesRead;

        public bool GaveUp { get; private set; }

        public long BytesRead => Interlocked.Read(ref _bytesRead);

        /// <summary>The line is cut: nobody will close it before it has been read.</summary>
        public void LetGo() => _closed.Set();

        public override int OpenAt(int dirfd, ReadOnlySpan<byte> name, OpenFlags flags, uint mode = 0)
        {
            int fd = base.OpenAt(dirfd, name, flags, mode);
            if (name.StartsWith("file"u8) && (flags & (OpenFlags.ReadWrite | OpenFlags.Write | OpenFlags.Create)) == 0)
            {
                _basis = fd;
                _closed.Reset();
            }

            return fd;
        }

        public override int Close(int fd)
        {
            if (fd == _basis)
            {
                _basis = -1;
                _closed.Set();
            }

            return base.Close(fd);
        }

        public override nint ReadAt(int fd, Span<byte> buffer, long offset)
        {
            if (Layout.Order.SlotOf((int)(offset / Block)) >= Layout.Order.SampleCount && !_closed.Wait(TimeSpan.FromMinutes(1)))
            {
                GaveUp = true;
                return -Errno.EIO;
            }

            nint count = base.ReadAt(fd, buffer, offset);
            Interlocked.Add(ref _bytesRead, count);
            return count;
        }
    }

    /// <summary>A source that changes once while it is read.</summary>
    private sealed class LivingSource(string path) : SystemCallsDecorator(LinuxSystemCalls.Instance)
    {
        private int _largest;

        public override nint ReadAt(int fd, Span<byte> buffer, long offset)
        {
            // Not what compares with the sample: that reads less at a time.
            if (buffer.Length > 64 << 10 && Interlocked.Increment(ref _largest) == 8)
            {
                using FileStream file = File.OpenWrite(path);
                file.Position = Length - 1;
                file.WriteByte(7);
            }

            return base.ReadAt(fd, buffer, offset);
        }
    }
}
