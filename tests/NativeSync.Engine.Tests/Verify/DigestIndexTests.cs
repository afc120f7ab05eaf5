using NativeSync.Engine.Digests;
using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session;
using NativeSync.Engine.Tests.Session;
using NativeSync.Protocol;
using NativeSync.TestKit.FileSystem;
using Xunit;

namespace NativeSync.Engine.Tests.Verify;

/// <summary>--checksum-index: a second run reads only what changed, and no change is ever taken for none.</summary>
public sealed class DigestIndexTests : IDisposable
{
    private static readonly UInt128 Digest = new(1, 2);

    private readonly SyncTree _tree = new();
    private readonly ClockAt _clock = new(1_000_000_000);

    public void Dispose() => _tree.Dispose();

    [Fact]
    public void WhatChangedInAnythingIsNotKnown()
    {
        var index = new DigestIndex(_clock) { Run = 1 };
        var status = File(inode: 7, changed: 900_000_000);
        index.Put(status, Digest, index.Now);
        Assert.True(index.TryGet(status, out var digest));
        Assert.Equal(Digest, digest);
        Assert.False(index.TryGet(status with { Size = 11 }, out _));
        Assert.False(index.TryGet(status with { Inode = 8 }, out _));
        Assert.False(index.TryGet(status with { Device = 8 }, out _));
        Assert.False(index.TryGet(status with { Modified = new Timestamp(1, 2) }, out _));
        Assert.False(index.TryGet(status with { Changed = new Timestamp(900_000_000, 1) }, out _));
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(2, false)]
    [InlineData(3, true)]
    [InlineData(-5, false)]
    public void WhatMayBeWrittenAgainWithinTheGrainIsNotRecorded(int secondsAgo, bool recorded)
    {
        var index = new DigestIndex(_clock) { Run = 1 };
        var status = File(inode: 7, changed: _clock.Seconds - secondsAgo);
        index.Put(status, Digest, index.Now);
        Assert.Equal(recorded, index.TryGet(status, out _));
    }

    [Fact]
    public void AFileOfTheIndexIsReadBackAndAClockThatWasSetBackEmptiesIt()
    {
        var index = DigestIndexFile.Read(LinuxSystemCalls.Instance, _clock, IndexPath);
        for (var i = 0; i < 5000; i++)
        {
            index.Put(File((ulong)i, changed: 1000), new UInt128(0, (ulong)i), index.Now);
        }

        Assert.Equal(0, DigestIndexFile.Write(LinuxSystemCalls.Instance, _clock, IndexPath, index));
        var again = DigestIndexFile.Read(LinuxSystemCalls.Instance, _clock, IndexPath);
        for (var i = 0; i < 5000; i++)
        {
            Assert.True(again.TryGet(File((ulong)i, changed: 1000), out var digest));
            Assert.Equal(new UInt128(0, (ulong)i), digest);
        }

        _clock.Seconds -= 1;
        Assert.False(DigestIndexFile.Read(LinuxSystemCalls.Instance, _clock, IndexPath).TryGet(File(1, changed: 1000), out _));
    }

    [Fact]
    public void ADamagedIndexIsEmptyAndOneThatOthersMayWriteIsRefused()
    {
        var index = DigestIndexFile.Read(LinuxSystemCalls.Instance, _clock, IndexPath);
        index.Put(File(1, changed: 1000), Digest, index.Now);
        DigestIndexFile.Write(LinuxSystemCalls.Instance, _clock, IndexPath, index);
        var path = ByteText.Escape(IndexPath);
        var content = System.IO.File.ReadAllBytes(path);
        for (var i = 0; i < content.Length; i++)
        {
            content[i] ^= 1;
            System.IO.File.WriteAllBytes(path, content);
            Assert.False(DigestIndexFile.Read(LinuxSystemCalls.Instance, _clock, IndexPath).TryGet(File(1, changed: 1000), out _));
            content[i] ^= 1;
        }

        System.IO.File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupWrite);
        Assert.Equal(ExitCodes.FileIo, Assert.Throws<SessionException>(() => DigestIndexFile.Read(LinuxSystemCalls.Instance, _clock, IndexPath)).ExitCode);
        Assert.Equal(ExitCodes.FileIo, Assert.Throws<SessionException>(() => DigestIndexFile.Read(LinuxSystemCalls.Instance, _clock, "/nowhere/at/all"u8.ToArray())).ExitCode);
    }

    [Fact]
    public async Task ASecondChecksumRunReadsNothingAndAThirdWhatChanged()
    {
        _tree.Fill("src", seed: 2);
        var future = new ClockAt(DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 60);
        Assert.Equal(0, (await Sync(future, new CountingCalls())).ExitCode);
        Assert.Equal(0, (await Sync(future, new CountingCalls())).ExitCode);
        var calls = new CountingCalls();
        Assert.Equal(0, (await Sync(future, calls)).ExitCode);
        Assert.True(calls.BytesRead < 100_000, $"{calls.BytesRead} bytes were read of files that had not changed");

        var path = Path.Combine(_tree.Root, "src/large");
        var time = System.IO.File.GetLastWriteTimeUtc(path);
        var content = System.IO.File.ReadAllBytes(path);
        content[1_000_000] ^= 1;
        System.IO.File.WriteAllBytes(path, content);
        System.IO.File.SetLastWriteTimeUtc(path, time);
        var report = await Sync(future, new CountingCalls());
        Assert.Equal(1, report.Statistics.FilesTransferred);
        Assert.Empty(_tree.Difference("src/", "dst"));
    }

    [Fact]
    public async Task ASecondVerifyReadsOnlyWhatChanged()
    {
        _tree.Fill("src", seed: 2);
        _tree.Reset("dst", "src");
        var future = new ClockAt(DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 60);
        var first = new CountingCalls();
        Assert.True((await Verify(future, first)).Same);
        Assert.True(first.BytesRead > 6_000_000, $"{first.BytesRead} bytes were read of files that were not known");

        SyncTree.Shell($"cd {_tree.Root}/dst && touch -r d0/f3 time && printf y | dd of=d0/f3 conv=notrunc status=none && touch -r time d0/f3 && rm time && touch -r ../src .");
        var second = new CountingCalls();
        var report = await Verify(future, second);
        Assert.Equal((VerifyAspects.Content, "d0/f3"), (Assert.Single(report.Differences).Aspects, ByteText.Escape(report.Differences[0].Path)));
        Assert.True(second.BytesRead < 50_000, $"{second.BytesRead} bytes were read where one file of 3,000 had changed");
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(60, true)]
    public async Task AReadingThatTakesLongIsJudgedByItsBegin(int secondsAfterTheChange, bool recorded)
    {
        SyncTree.Shell($"mkdir {_tree.Root}/src {_tree.Root}/dst && seq 1000 >{_tree.Root}/src/file");
        var path = ByteText.FromArgument(Path.Combine(_tree.Root, "src/file"));
        Assert.True(LinuxSystemCalls.Instance.StatPath(path, follow: false, out var status) >= 0);
        var slow = new SlowReads(_clock);

        _clock.Seconds = status.Changed.Seconds + secondsAfterTheChange;
        var index = new DigestIndex(_clock) { Run = 1 };
        var fd = LinuxSystemCalls.Instance.OpenPath(path, OpenFlags.Read);
        Assert.Equal(0, FileDigest.Compute(slow, index, fd, status, out _));
        LinuxSystemCalls.Instance.Close(fd);
        Assert.Equal(recorded, index.TryGet(status, out _));

        _clock.Seconds = status.Changed.Seconds + secondsAfterTheChange;
        Assert.False((await Verify(_clock, slow)).Same);
        Assert.Equal(recorded, DigestIndexFile.Read(LinuxSystemCalls.Instance, _clock, IndexPath).TryGet(status, out _));
    }

    private byte[] IndexPath => ByteText.FromArgument(Path.Combine(_tree.Root, "index"));

    private static FileStatus File(ulong inode, long changed) => new()
    {
        Mode = 0x81A4,
        Inode = inode,
        Device = 5,
        Size = 10,
        Modified = new Timestamp(1, 1),
        Changed = new Timestamp(changed, 0),
    };

    private async Task<SyncReport> Sync(TimeProvider clock, ISystemCalls io)
    {
        var environment = new SyncEnvironment(io, clock);
        await using var connection = new InProcessConnection(async (lane, ct) => await Agent.ServeAsync(lane, environment, ct));
        var request = _tree.Request("src/", "dst", JobFlags.Checksum);
        request = request with { Options = request.Options with { ChecksumIndex = IndexPath } };
        return await Synchronizer.RunAsync(connection, JobKind.Push, request, null, environment, default).WaitAsync(TimeSpan.FromMinutes(1));
    }

    private async Task<VerifyReport> Verify(TimeProvider clock, ISystemCalls io)
    {
        VerifySide Side(string name) => VerifySide.Local(ByteText.FromArgument(Path.Combine(_tree.Root, name)));
        var options = new VerifyOptions { ChecksumIndex = IndexPath };
        return await Verifier.CompareAsync(Side("src"), Side("dst"), options, null, new SyncEnvironment(io, clock), default).WaitAsync(TimeSpan.FromMinutes(1));
    }

    /// <summary>Each read of a file takes ten seconds.</summary>
    private sealed class SlowReads(ClockAt clock) : SystemCallsDecorator(LinuxSystemCalls.Instance)
    {
        public override nint ReadAt(int fd, Span<byte> buffer, long offset)
        {
            clock.Advance(10);
            return base.ReadAt(fd, buffer, offset);
        }
    }

    private sealed class CountingCalls() : SystemCallsDecorator(LinuxSystemCalls.Instance)
    {
        private long _bytesRead;

        public long BytesRead => _bytesRead;

        public override nint ReadAt(int fd, Span<byte> buffer, long offset)
        {
            var count = base.ReadAt(fd, buffer, offset);
            Interlocked.Add(ref _bytesRead, count);
            return count;
        }
    }

    private sealed class ClockAt(long seconds) : TimeProvider
    {
        private long _seconds = seconds;

        public long Seconds
        {
            get => Interlocked.Read(ref _seconds);
            set => Interlocked.Exchange(ref _seconds, value);
        }

        public void Advance(long seconds) => Interlocked.Add(ref _seconds, seconds);

        public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeSeconds(Seconds);
    }
}
