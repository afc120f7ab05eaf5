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
        index.Put(status, Digest);
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
        index.Put(status, Digest);
        Assert.Equal(recorded, index.TryGet(status, out _));
    }

    [Fact]
    public void AFileOfTheIndexIsReadBackAndAClockThatWasSetBackEmptiesIt()
    {
        var index = DigestIndexFile.Read(LinuxSystemCalls.Instance, _clock, IndexPath);
        for (var i = 0; i < 5000; i++)
        {
            index.Put(File((ulong)i, changed: 1000), new UInt128(0, (ulong)i));
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
        index.Put(File(1, changed: 1000), Digest);
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
        public long Seconds { get; set; } = seconds;

        public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeSeconds(Seconds);
    }
}
