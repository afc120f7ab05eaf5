using System.Runtime.InteropServices;
using NativeSync.Engine.FileSystem;
using NativeSync.Engine.FileSystem.Native;
using NativeSync.Engine.Session;
using NativeSync.Protocol;
using NativeSync.TestKit.Trees;
using Xunit;

namespace NativeSync.Engine.Tests.Session;

/// <summary>A last pass that looks only at what has changed ends where one ends that looks at everything.</summary>
public sealed partial class ChangeFollowerTests : IDisposable
{
    private const string Followed = "changes were followed";

    /// <summary>Root of the machine itself: in a container following is not possible, and the last pass has to say so and be right all the same.</summary>
    private static readonly bool Possible = new FileInfo("/proc/self/ns/pid").LinkTarget == "pid:[4026531836]" && LinuxSystemCalls.Instance.EffectiveUserId() == 0;

    private readonly Scratch _scratch = new();
    private readonly ChangeFollower _follower = Follow();

    private string Source => _scratch["src"];

    public void Dispose()
    {
        _follower.Dispose();
        _scratch.Dispose();
    }

    [Fact]
    public async Task AfterAnyStormBothTreesAreEqual()
    {
        var narrow = 0;
        List<string> accounts = [];
        for (var seed = 1; seed <= 16; seed++)
        {
            using Scratch scratch = new();
            using var follower = Follow();
            var tree = RandomTree.Build(scratch["src"], seed, new RandomTreeOptions { Entries = 200 });
            await PassAsync(scratch, follower);
            tree.Mutate(30);
            await PassAsync(scratch, follower);
            tree.Mutate(seed % 2 == 0 ? 40 : 8);
            follower.Narrow();
            await PassAsync(scratch, follower);
            accounts.Add($"seed {seed}: {follower.Account}");
            narrow += IsFollowed(follower) ? 1 : 0;
            await Check($"seed {seed}, {follower.Account}", () => TreeJudge.MustBeEqualAsync(scratch["src"], scratch["dst"], holes: false)); // XFS makes them where it likes
        }

        Assert.True(!Possible || narrow >= 10, string.Join('\n', accounts));
    }

    [Fact]
    public async Task WhatChangesWhileAPassLooksIsLookedAtAgain()
    {
        for (var seed = 101; seed <= 104; seed++)
        {
            using Scratch scratch = new();
            using var follower = Follow();
            var tree = RandomTree.Build(scratch["src"], seed, new RandomTreeOptions { Entries = 300 });
            await PassAsync(scratch, follower);
            var pass = Task.Run(() => PassAsync(scratch, follower));
            for (var i = 0; i < 60 || !pass.IsCompleted; i++)
            {
                tree.Mutate(2);
            }

            await pass;
            follower.Narrow();
            await PassAsync(scratch, follower);
            await Check($"seed {seed}, {follower.Account}", () => TreeJudge.MustBeEqualAsync(scratch["src"], scratch["dst"], holes: false)); // XFS makes them where it likes
        }
    }

    [Fact]
    public async Task TheLastPassListsNoUnchangedDirectory()
    {
        Make("for i in $(seq 100); do mkdir -p src/$i/deep/er; echo x >src/$i/deep/er/file; done");
        CountingCalls sender = new(), receiver = new();
        await PassAsync(sender, receiver);
        var all = sender.Listings;
        sender.Listings = receiver.Listings = 0;
        Make("echo more >>src/7/deep/er/file; mkdir src/8/new; echo y >src/8/new/file; rm -r src/9/deep");
        _follower.Narrow();
        await PassAsync(sender, receiver);

        Make("test -z \"$(rsync -naic --delete src/ dst/)\"");
        if (Possible)
        {
            // The root; 7, 7/deep, 7/deep/er; 8, 8/new; 9. The receiver goes through what it deletes, too.
            Assert.Equal(7, _follower.Looked);
            Assert.Equal(301, all);
            Assert.Equal(7, sender.Listings);
            Assert.InRange(receiver.Listings, 1, 10);
        }
    }

    [Fact]
    public async Task AFileThatIsMappedAndWrittenIsCarried()
    {
        Make("mkdir -p src/a/b src/c; truncate -s 64K src/a/b/mapped; touch -d 2001-01-01 src/a/b/mapped");
        var fd = LinuxSystemCalls.Instance.OpenPath(Bytes(_scratch["src/a/b/mapped"]), OpenFlags.ReadWrite);
        var map = mmap(0, 65536, 3, 1, fd, 0);
        LinuxSystemCalls.Instance.Close(fd);
        await PassAsync(_scratch, _follower);
        Marshal.Copy(new byte[] { 1, 2, 3 }, 0, map, 3);
        _follower.Narrow();
        await PassAsync(_scratch, _follower);

        MustBeFollowed();
        _ = munmap(map, 65536);
        Assert.Equal([1, 2, 3], File.ReadAllBytes(_scratch["dst/a/b/mapped"])[..3]);
    }

    [Fact]
    public async Task AWriteByAsynchronousIoIsCarried()
    {
        Make("mkdir -p src/a/b src/c; head -c 64K /dev/zero >src/a/b/file; touch -d 2001-01-01 src/a/b/file");
        var fd = LinuxSystemCalls.Instance.OpenPath(Bytes(_scratch["src/a/b/file"]), OpenFlags.ReadWrite);
        await PassAsync(_scratch, _follower);
        Submit(fd, [1, 2, 3]);
        _follower.Narrow();
        LinuxSystemCalls.Instance.Close(fd);
        await PassAsync(_scratch, _follower);

        MustBeFollowed();
        Assert.Equal([1, 2, 3], File.ReadAllBytes(_scratch["dst/a/b/file"])[..3]);
    }

    [Fact]
    public async Task AWriteThroughAnOverlayIsCarried()
    {
        Make("mkdir -p src/up src/c out/low out/work out/all; mount -t overlay -o lowerdir=out/low,upperdir=src/up,workdir=out/work none out/all; mkdir out/all/d; truncate -s 64K out/all/d/db; touch -d 2001-01-01 out/all/d/db");
        try
        {
            var fd = LinuxSystemCalls.Instance.OpenPath(Bytes(_scratch["out/all/d/db"]), OpenFlags.ReadWrite);
            var map = mmap(0, 65536, 3, 1, fd, 0);
            await PassAsync(_scratch, _follower);
            foreach (var isOpen in (bool[])[true, false])
            {
                // Another page, since the first write to one is what sets the time.
                byte[] content = isOpen ? [1, 2, 3] : [4, 5, 6];
                var at = isOpen ? 0 : 16384;
                Marshal.Copy(content, 0, map + at, 3);
                _ = isOpen ? 0 : LinuxSystemCalls.Instance.Close(fd);
                _follower.Narrow();
                await PassAsync(_scratch, _follower);
                Assert.Equal(content, File.ReadAllBytes(_scratch["dst/up/d/db"])[at..(at + 3)]);
            }

            _ = munmap(map, 65536);
            await PassAsync(_scratch, _follower);
            Make("echo more >out/all/d/other");
            _follower.Narrow();
            await PassAsync(_scratch, _follower);
            MustBeFollowed();
            Assert.Equal("more\n", await File.ReadAllTextAsync(_scratch["dst/up/d/other"]));
        }
        finally
        {
            Make("umount -l out/all");
        }
    }

    [Fact]
    public async Task AFileThatIsOpenElsewhereIsNotAskedFor()
    {
        Make("mkdir -p src/a");
        await _scratch.MountAsync("out", "size=1m");
        var path = _scratch["out/file"];
        using var open = File.Create(path);
        _ = LinuxSystemCalls.Instance.StatPath(Bytes(path), follow: false, out var status);
        WithoutTheFirstProcess io = new();
        using ChangeFollower follower = new(io);
        await PassAsync(_scratch, follower);
        follower.Narrow();
        await PassAsync(_scratch, follower);

        Assert.True(!Possible || IsFollowed(follower), follower.Account);
        Assert.DoesNotContain((status.Device, status.Inode), io.Asked);
    }

    [Fact]
    public async Task WhatIsDeeperThanAPathMayBeLongIsCarried()
    {
        string Script(string what) => $"python3 -c 'import os\nfor i in range(20): os.makedirs(\"n\" * 240, exist_ok=True); os.chdir(\"n\" * 240)\n{what}'";
        Make($"mkdir -p src/a; cd src; {Script("open(\"file\", \"w\").write(\"x\"); os.mkdir(\"gone\")")}");
        await PassAsync(_scratch, _follower);
        Make($"cd src; {Script("open(\"file\", \"a\").write(\"more\"); os.rmdir(\"gone\"); os.mkdir(\"new\")")}");
        _follower.Narrow();
        await PassAsync(_scratch, _follower);

        Make($"cd dst; {Script("assert open(\"file\").read() == \"xmore\" and sorted(os.listdir()) == [\"file\", \"new\"]")}");
    }

    [Theory]
    [InlineData("a/,b/", "rm -rf a/d", "a/d a/e")]
    [InlineData("a/,b/", "rm -rf b/d", "b/d b/e")]
    [InlineData("a/n,b/n", "mv a/n/d a/n.d", "a/n/d")]
    [InlineData("a/,x/d", "rm -rf a/d/sub", "a/d/sub")]
    public async Task WhatSeveralSourcesShareEndsAsALookAtEverything(string sources, string change, string also)
    {
        Make($"mkdir -p {also} a/d/sub b/d/sub a/n/d b/n/d x/d/sub; for d in a/d a/d/sub b/d b/d/sub a/n/d b/n/d x/d/sub; do echo $d >$d/text; touch $d/in-${{d%%/*}}; done; for d in b/d b/d/sub b/n/d x/d x/d/sub; do echo other >>$d/text; done");
        var request = Request(_scratch, _follower) with { Sources = [.. sources.Split(',').Select(s => Bytes(_scratch[s]))] };
        _follower.Passed((await Synchronizer.LocalAsync(request)).ExitCode);
        Make(change);
        _follower.Narrow();
        _follower.Passed((await Synchronizer.LocalAsync(request)).ExitCode);

        Assert.Contains("not followed", _follower.Account, StringComparison.Ordinal);
        await Synchronizer.LocalAsync(request with { Destination = Bytes(_scratch["all"]), Options = request.Options with { Changes = null } });
        Make("diff -r dst all");
    }

    [Fact]
    public async Task DevicesWhoseContentIsCopiedAreNotFollowed()
    {
        Make("mkdir -p src/a");
        var request = Request(_scratch, _follower);
        request = request with { Options = request.Options with { SourceOptions = SourceOptions.CopyDevices } };
        _follower.Passed((await Synchronizer.LocalAsync(request)).ExitCode);
        _follower.Narrow();
        _follower.Passed((await Synchronizer.LocalAsync(request)).ExitCode);

        Assert.Contains("what is written to a device is no event", _follower.Account, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("echo more >>src/b/other", true, "another name of a file with several")]
    [InlineData("echo more >>out/third", true, "a name that is no part of the tree")]
    [InlineData("ln src/c/single src/b/second; echo more >>src/b/second; rm src/b/second", true, "a name that came and went")]
    [InlineData("ln src/c/single out/second; echo more >>out/second", null, "a new name elsewhere")]
    [InlineData("ln src/c/single src/b/second; chmod 600 src/b/second", null, "a new name")]
    [InlineData("rm src/b/other out/third; chmod 600 src/a/one", true, "a name alone again")]
    [InlineData("mv src/a/one src/c/moved; echo more >>src/b/other", true, "a name that moved")]
    [InlineData("mv src/a src/d; mkdir src/a; ln src/d/one src/a/one", null, "a directory in the place of another")]
    public async Task AllNamesOfAFileAreCarried(string change, bool? followed, string what)
    {
        Make("mkdir -p src/a src/b src/c/deep out; echo x >src/a/one; ln src/a/one src/b/other; ln src/a/one out/third; echo y >src/c/single; echo z >src/c/deep/z");
        await PassAsync(_scratch, _follower);
        Make(change);
        _follower.Narrow();
        await PassAsync(_scratch, _follower);

        Assert.True(!Possible || followed is null || followed == IsFollowed(_follower), $"{what}: {_follower.Account}");
        await Check($"{what}, {_follower.Account}", () => TreeJudge.MustBeEqualAsync(Source, _scratch["dst"]));
    }

    [Theory]
    [InlineData("mv src/a/b src/moved; mv src/c/d src/a/b")]
    [InlineData("rm -r src/a/b; mkdir src/a/b")]
    [InlineData("mv src/a out/a; mv out/x src/a; mv out/a/b src/a/b")]
    [InlineData("mv src/a/b src/1; mv src/1 src/2; mv src/2 src/c/3; echo new >src/c/3/sub/new")]
    [InlineData("ln -s nowhere src/a/b/link; setfattr -n user.x -v 1 src/a/b/sub; chown 7:8 src/c; touch -d 2002-02-02 src/c/d")]
    public async Task DirectoriesThatMoveAreCarriedWithAllThatIsInThem(string change)
    {
        Make("mkdir -p src/a/b/sub src/c/d/sub out/x/b/sub; for d in src/a/b src/c/d/./. out/x/b/././; do echo $d >$d/sub/file; echo $d >$d/file; done");
        await PassAsync(_scratch, _follower);
        Make(change);
        _follower.Narrow();
        await PassAsync(_scratch, _follower);

        MustBeFollowed();
        await TreeJudge.MustBeEqualAsync(Source, _scratch["dst"]);
    }

    [Fact]
    public async Task AMountThatComesOrGoesIsLookedAt()
    {
        Make("mkdir -p src/a/b src/c/d; echo x >src/a/b/file");
        await _scratch.MountAsync("src/a/b/fs", "size=1m");
        Make("echo x >src/a/b/fs/file");
        await PassAsync(_scratch, _follower);
        Make("echo y >src/a/b/fs/soon-gone; umount src/a/b/fs; mount -t tmpfs -o size=1m none src/a/b/fs; echo more >src/a/b/fs/other");
        _follower.Narrow();
        await PassAsync(_scratch, _follower);

        MustBeFollowed();
        await TreeJudge.MustBeEqualAsync(Source, _scratch["dst"]);
    }

    [Fact]
    public async Task AFileThatIsMountedIsLookedAt()
    {
        Make("mkdir -p src/a/b out; echo x >out/file; touch src/a/b/file; mount --bind out/file src/a/b/file");
        await PassAsync(_scratch, _follower);
        Make("echo more >>out/file");
        _follower.Narrow();
        await PassAsync(_scratch, _follower);
        Make("umount src/a/b/file");

        MustBeFollowed();
        Assert.Equal("x\nmore\n", await File.ReadAllTextAsync(_scratch["dst/a/b/file"]));
    }

    [Fact]
    public async Task ASourceThatIsAnotherDirectoryNowIsLookedAtAsAWhole()
    {
        Make("mkdir -p one/a/b two/a/b; echo x >one/a/b/file; echo different >two/a/b/file; ln -s one src");
        await PassAsync(_scratch, _follower);
        Make("ln -sfn two src");
        _follower.Narrow();
        await PassAsync(_scratch, _follower);

        Assert.Equal("different\n", await File.ReadAllTextAsync(_scratch["dst/a/b/file"]));
    }

    [Fact]
    public async Task AfterALostEventThePassLooksAtEverything()
    {
        Make("mkdir -p src/a/b src/c/d; echo x >src/a/b/file");
        await PassAsync(_scratch, _follower);

        // struct fanotify_event_metadata: length, version, metadata length, FAN_Q_OVERFLOW, no handle, no process.
        _follower.Take([24, 0, 0, 0, 3, 0, 24, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0]);
        Make("echo y >src/c/d/file");
        _follower.Narrow();
        await PassAsync(_scratch, _follower);

        Assert.Contains(Possible ? "the kernel's queue overflowed" : "not followed", _follower.Account, StringComparison.Ordinal);
        Assert.Equal(5, _follower.Looked);
        await TreeJudge.MustBeEqualAsync(Source, _scratch["dst"]);
    }

    [Fact]
    public async Task AfterAPassWithTroubleThePassLooksAtEverything()
    {
        Make("mkdir -p src/a/b; echo x >src/a/b/file");
        await PassAsync(_scratch, _follower);
        _follower.Passed(23);
        _follower.Narrow();
        await PassAsync(_scratch, _follower);

        Assert.Contains(Possible ? "the pass before ended with code 23" : "not followed", _follower.Account, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("rm -rf dst/*; mkdir src/a/new")]
    [InlineData("rm -rf dst; mkdir src/a/new src/a/other")]
    public async Task ADestinationThatLostDirectoriesIsNotedAndGoneThroughAsAWhole(string change)
    {
        Make("mkdir -p src/a/b src/c/d; echo x >src/a/b/file; echo y >src/c/d/file");
        await PassAsync(_scratch, _follower);
        Make(change);
        _follower.Narrow();
        await PassAsync(_scratch, _follower);
        Assert.True(!Possible || _follower.NeedsAnother, _follower.Account);
        await PassAsync(_scratch, _follower);

        Assert.Contains(Possible ? "the destination lacked directories" : "not followed", _follower.Account, StringComparison.Ordinal);
        await TreeJudge.MustBeEqualAsync(Source, _scratch["dst"]);
    }

    private static async Task PassAsync(Scratch scratch, ChangeFollower follower)
    {
        var report = await Synchronizer.LocalAsync(Request(scratch, follower));
        follower.Passed(report.ExitCode);
    }

    /// <summary>A pass between two ends whose system calls are counted.</summary>
    private async Task PassAsync(ISystemCalls sender, ISystemCalls receiver)
    {
        var connection = new InProcessConnection((lane, ct) => Agent.ServeAsync(lane, SyncEnvironment.Default with { Io = receiver }, ct));
        await using (connection)
        {
            var report = await Synchronizer.RunAsync(connection, JobKind.Push, Request(_scratch, _follower), null, SyncEnvironment.Default with { Io = sender }, default);
            Assert.Equal(0, report.ExitCode);
        }
    }

    private static SyncRequest Request(Scratch scratch, ChangeFollower follower) => new()
    {
        Sources = [Bytes(scratch["src/"])],
        Destination = Bytes(scratch["dst"]),
        Options = SyncOptions.Archive with
        {
            Flags = SyncOptions.ArchiveFlags | JobFlags.HardLinks | JobFlags.Acls | JobFlags.Xattrs | JobFlags.Sparse | JobFlags.NumericIds | JobFlags.Delete,
            Changes = follower,
            DetectRenamed = true,
        },
    };

    private static ChangeFollower Follow() => new(new WithoutTheFirstProcess());

    private static bool IsFollowed(ChangeFollower follower) => follower.Account.StartsWith(Followed, StringComparison.Ordinal);

    private void MustBeFollowed() => Assert.True(!Possible || IsFollowed(_follower), _follower.Account);

    private static async Task Check(string what, Func<Task> check)
    {
        try
        {
            await check();
        }
        catch (InvalidOperationException e)
        {
            throw new InvalidOperationException($"{what}: {e.Message}", e);
        }
    }

    private void Make(string script) => Command.ShellAsync($"cd '{_scratch.Root}'; {script}").GetAwaiter().GetResult();

    private static byte[] Bytes(string text) => RawFiles.Bytes(text);

    /// <summary>Writes by io_submit(2), of which there is no event.</summary>
    private static unsafe void Submit(int fd, byte[] content)
    {
        var arm = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;
        nint context = 0;
        fixed (byte* data = content)
        {
            // struct iocb: the operation (1: pwrite) at 16, then the handle, the buffer, the length and the offset.
            var request = stackalloc byte[64];
            new Span<byte>(request, 64).Clear();
            *(ushort*)(request + 16) = 1;
            *(int*)(request + 20) = fd;
            *(nint*)(request + 24) = (nint)data;
            *(long*)(request + 32) = content.Length;
            var done = stackalloc byte[32];
            Assert.Equal(0, LibC.syscall(arm ? 0 : 206, 1, (nint)(&context), 0, 0, 0, 0));
            Assert.Equal(1, LibC.syscall(arm ? 2 : 209, context, 1, (nint)(&request), 0, 0, 0));
            Assert.Equal(1, LibC.syscall(arm ? 4 : 208, context, 1, 1, (nint)done, 0, 0));
            Assert.Equal(0, LibC.syscall(arm ? 1 : 207, context, 0, 0, 0, 0, 0));
        }
    }

    [LibraryImport("libc")] private static partial nint mmap(nint address, nint length, int protection, int flags, int fd, nint offset);

    [LibraryImport("libc")] private static partial int munmap(nint address, nint length);

    /// <summary>The first process of a virtual machine may be its guard, which shows even root nothing: then nothing is followed, which would leave nothing to test.</summary>
    private sealed class WithoutTheFirstProcess() : SystemCallsDecorator(LinuxSystemCalls.Instance)
    {
        public override int OpenBeneath(int rootfd, ReadOnlySpan<byte> relativePath, OpenFlags flags, uint mode = 0) =>
            relativePath.StartsWith("1/"u8) ? -Errno.ENOENT : base.OpenBeneath(rootfd, relativePath, flags, mode);

        public List<(ulong Device, ulong Inode)> Asked { get; } = [];

        public override int StatFollowing(int dirfd, ReadOnlySpan<byte> path, out FileStatus status)
        {
            var error = base.StatFollowing(dirfd, path, out status);
            Asked.Add((status.Device, status.Inode));
            return error;
        }
    }

    private sealed class CountingCalls() : SystemCallsDecorator(LinuxSystemCalls.Instance)
    {
        public int Listings;

        public override int ReadDirectory(int fd, Span<byte> buffer)
        {
            var n = base.ReadDirectory(fd, buffer);
            if (n == 0)
            {
                Interlocked.Increment(ref Listings);
            }

            return n;
        }
    }
}
