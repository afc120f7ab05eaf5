using NativeSync.Engine.Delta;
using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session;
using NativeSync.Engine.Tests.Delta;
using NativeSync.Protocol;
using NativeSync.TestKit.FileSystem;
using Xunit;

namespace NativeSync.Engine.Tests.Session;

/// <summary>What may go wrong between a signature and its patch ends in a redo, and never in a wrong file.</summary>
public sealed class DeltaSessionTests : IDisposable
{
    private const int Length = 2_000_000;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly SyncTree _tree = new();

    public void Dispose() => _tree.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(Length)]
    public async Task ABasisThatChangesBetweenSignatureAndPatchIsNoticed(int at)
    {
        var basis = DeltaHarness.Random(Length, 1);
        var content = (byte[])basis.Clone();
        content[Length / 2] ^= 1;
        Prepare(basis, content);
        var report = await Push(new ChangingBasis(At("dst/file"), at));

        Assert.Equal(0, report.ExitCode);
        Assert.Equal(content, File.ReadAllBytes(At("dst/file")));
        Assert.Equal(at == 0 ? Length : report.Statistics.LiteralBytes, report.Statistics.LiteralBytes);
    }

    [Trait("Category", "Slow")]
    [Theory]
    [InlineData(JobFlags.None)]
    [InlineData(JobFlags.InPlace)]
    public async Task ABlockWithTheChecksumOfAnotherEndsInARedo(JobFlags more)
    {
        var basis = DeltaHarness.Random(Length, 2);
        var content = (byte[])basis.Clone();
        var layout = BlockLayout.For(Length);
        Assert.Equal(0, layout.StrongLength);
        StrongHashTests.CollideWeakly(content.AsSpan(7 * layout.BlockSize, layout.BlockSize));
        Assert.NotEqual(basis, content);
        Prepare(basis, content);
        var report = await Push(LinuxSystemCalls.Instance, more);

        Assert.Equal(0, report.ExitCode);
        Assert.Equal(content, File.ReadAllBytes(At("dst/file")));
        Assert.Equal(Length, report.Statistics.LiteralBytes);
    }

    [Fact]
    public async Task EqualBlocksCostWhatTheirBytesCost()
    {
        // One repeated block against the same with one byte changed: rsync before 3.5 compares every block with every other.
        const int size = 64 << 20;
        var block = DeltaHarness.Random(4096, 3);
        var basis = new byte[size];
        for (var i = 0; i < size; i += block.Length)
        {
            block.CopyTo(basis, i);
        }

        var content = (byte[])basis.Clone();
        content[size / 3] ^= 1;
        Prepare(basis, content);
        var calls = new ReadBytes();
        var report = await Push(calls);

        Assert.Equal(0, report.ExitCode);
        Assert.InRange(report.Statistics.LiteralBytes, 1, 2 * BlockLayout.For(size).BlockSize);
        Assert.InRange(calls.Count, 0, 3L * size);
        Assert.Equal(content, File.ReadAllBytes(At("dst/file")));
    }

    [Trait("Category", "Slow")]
    [Theory]
    [InlineData(JobFlags.None, 1)]
    [InlineData(JobFlags.InPlace, 1)]
    [InlineData(JobFlags.None, 8)]
    [InlineData(JobFlags.InPlace, 8)]
    public async Task ALargeFileIsMatchedWhileItsSignatureStillComes(JobFlags more, int part)
    {
        // The end of the basis cannot be read before the new file is begun: who waited for the whole signature would wait for ever.
        const int size = 48 << 20;
        var basis = DeltaHarness.Random(size, 4);
        var content = basis[..(size / part)];
        content[content.Length / 3] ^= 1;
        Prepare(basis, content);
        var receiver = new SlowBasis(offset => offset >= size - (4 << 20));
        var report = await Push(receiver, more);

        Assert.False(receiver.GaveUp);
        Assert.Equal(0, report.ExitCode);
        Assert.InRange(report.Statistics.LiteralBytes, 1, 2 * BlockLayout.For(size).BlockSize);
        Assert.Equal(content, File.ReadAllBytes(At("dst/file")));
    }

    /// <summary>Nothing may follow the end of a session: what of the signature is still to come would have nowhere to go.</summary>
    [Theory]
    [InlineData(Errno.EACCES, 23)]
    [InlineData(Errno.ENOENT, 24)]
    public async Task ASourceThatCannotBeOpenedEndsItsSignatureAndThenTheSession(int errno, int exitCode)
    {
        const int size = 384 << 20; // of zeros, in blocks of 256 bytes: more signature than can be queued
        Prepare([], []);
        foreach (var file in (string[])["src/file", "dst/file"])
        {
            using var stream = File.OpenWrite(At(file));
            stream.SetLength(size);
        }

        File.SetLastWriteTimeUtc(At("dst/file"), DateTime.UnixEpoch);

        var order = BlockLayout.For(size, 256).Order;
        var receiver = new SlowBasis(offset => order.SlotOf((int)(offset / 256)) >= order.SampleCount, untilClosed: true);
        var request = _tree.Request("src/", "dst", JobFlags.None);
        request = request with { Options = request.Options with { BlockSize = 256 } };
        var environment = SyncEnvironment.Default with { Io = new LostSource(errno) };
        SyncReport report;
        await using (var connection = Connect(receiver))
        {
            report = await Synchronizer.RunAsync(connection, JobKind.Push, request, null, environment, CancellationToken.None).WaitAsync(Patience);
        }

        Assert.False(receiver.GaveUp);
        Assert.Equal(exitCode, report.ExitCode);
        Assert.Equal(size, new FileInfo(At("dst/file")).Length);
        Assert.True(receiver.WasLetGo, "the writer held records back while it waited");
        Assert.InRange(receiver.BytesRead, 1, size / 4);
    }

    /// <summary>A power cut between the two would leave a file that has the length and the time of the source, and zeros.</summary>
    [Theory]
    [InlineData(100)]
    [InlineData(300_000)]
    public async Task WhatIsWrittenInPlaceIsOnTheDiskBeforeItLooksDone(int length)
    {
        Prepare([1], DeltaHarness.Random(length, 5));
        List<SystemCall> order = [];
        var receiver = new FaultySystemCalls(LinuxSystemCalls.Instance).Fail(
            call =>
            {
                if (call.Kind is SystemCall.Write or SystemCall.WriteAt or SystemCall.Sync or SystemCall.SetTimes && (order.Count == 0 || order[^1] != call.Kind))
                {
                    order.Add(call.Kind);
                }

                return false;
            },
            Errno.EIO);
        var request = _tree.Request("src/", "dst", JobFlags.InPlace | JobFlags.WholeFile);
        request = request with { Options = request.Options with { Durable = true } };
        await using var connection = Connect(receiver);
        var report = await Synchronizer.PushAsync(connection, request).WaitAsync(Patience);

        Assert.Equal(0, report.ExitCode);
        Assert.Equal([SystemCall.Sync, SystemCall.SetTimes], order.Skip(1).Take(2));
    }

    private string At(string path) => Path.Combine(_tree.Root, path);

    private void Prepare(byte[] basis, byte[] content)
    {
        Directory.CreateDirectory(At("src"));
        Directory.CreateDirectory(At("dst"));
        File.WriteAllBytes(At("src/file"), content);
        File.WriteAllBytes(At("dst/file"), basis);
        File.SetLastWriteTimeUtc(At("dst/file"), new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
    }

    private async Task<SyncReport> Push(ISystemCalls receiver, JobFlags more = 0)
    {
        await using var connection = Connect(receiver);
        return await Synchronizer.PushAsync(connection, _tree.Request("src/", "dst", more)).WaitAsync(Patience);
    }

    private static InProcessConnection Connect(ISystemCalls receiver) =>
        new(async (lane, ct) => await Agent.ServeAsync(lane, SyncEnvironment.Default with { Io = receiver }, ct));

    /// <summary>Something writes to the basis as soon as the new file is begun; the signature is complete by then.</summary>
    private sealed class ChangingBasis(string path, int at) : SystemCallsDecorator(LinuxSystemCalls.Instance)
    {
        private bool _done;

        public override int OpenAt(int dirfd, ReadOnlySpan<byte> name, OpenFlags flags, uint mode = 0)
        {
            if ((flags & OpenFlags.Create) != 0 && !_done)
            {
                _done = true;
                using var file = File.OpenWrite(path);
                file.Position = at;
                file.Write([1, 2, 3, 4, 5, 6, 7, 8]);
            }

            return base.OpenAt(dirfd, name, flags, mode);
        }
    }

    /// <summary>What lies at some offsets can be read only when some file is open for writing, or the handle that waits for the patch is closed.</summary>
    private sealed class SlowBasis(Predicate<long> isHeld, bool untilClosed = false) : SystemCallsDecorator(LinuxSystemCalls.Instance)
    {
        private readonly ManualResetEventSlim _begun = new();
        private int _basis = -1;
        private long _bytesRead;

        /// <summary>It took forever. Not thrown: threads that only compute catch nothing.</summary>
        public bool GaveUp { get; private set; }

        /// <summary>Whoever closed the handle held no records back.</summary>
        public bool WasLetGo { get; private set; }

        public long BytesRead => Interlocked.Read(ref _bytesRead);

        public override int OpenAt(int dirfd, ReadOnlySpan<byte> name, OpenFlags flags, uint mode = 0)
        {
            var fd = base.OpenAt(dirfd, name, flags, mode);
            if ((flags & OpenFlags.ReadWrite) != 0 && !untilClosed)
            {
                _begun.Set();
            }
            else if (name.SequenceEqual("file"u8))
            {
                _basis = fd;
            }

            return fd;
        }

        public override int Close(int fd)
        {
            if (untilClosed && fd == _basis)
            {
                _basis = -1;
                WasLetGo = !RecordOutbox.IsHolding;
                _begun.Set();
            }

            return base.Close(fd);
        }

        public override nint ReadAt(int fd, Span<byte> buffer, long offset)
        {
            if (isHeld(offset) && !_begun.Wait(TimeSpan.FromMinutes(1)))
            {
                GaveUp = true;
                return -Errno.EIO;
            }

            var count = base.ReadAt(fd, buffer, offset);
            Interlocked.Add(ref _bytesRead, count);
            return count;
        }
    }

    /// <summary>A source that is seen and cannot be opened.</summary>
    private sealed class LostSource(int errno) : SystemCallsDecorator(LinuxSystemCalls.Instance)
    {
        public override int OpenAt(int dirfd, ReadOnlySpan<byte> name, OpenFlags flags, uint mode = 0) =>
            name.SequenceEqual("file"u8) ? -errno : base.OpenAt(dirfd, name, flags, mode);
    }

    private sealed class ReadBytes() : SystemCallsDecorator(LinuxSystemCalls.Instance)
    {
        private long _count;

        public long Count => Interlocked.Read(ref _count);

        public override nint ReadAt(int fd, Span<byte> buffer, long offset)
        {
            var count = base.ReadAt(fd, buffer, offset);
            Interlocked.Add(ref _count, count);
            return count;
        }
    }
}
