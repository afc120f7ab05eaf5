using System.Runtime.InteropServices;
using NativeSync.Engine.FileSystem;
using NativeSync.Engine.FileSystem.Native;
using Xunit;

namespace NativeSync.Engine.Tests.Session.Following;

/// <summary>What is written without an event is carried all the same.</summary>
public sealed partial class SilentWriteTests : FollowedTree
{
    [Fact]
    public async Task AFileThatIsMappedAndWrittenIsCarried()
    {
        Make("mkdir -p src/a/b src/c; truncate -s 64K src/a/b/mapped; touch -d 2001-01-01 src/a/b/mapped");
        var fd = LinuxSystemCalls.Instance.OpenPath(Bytes(Tree["src/a/b/mapped"]), OpenFlags.ReadWrite);
        var map = mmap(0, 65536, 3, 1, fd, 0);
        LinuxSystemCalls.Instance.Close(fd);
        await PassAsync();
        Marshal.Copy(new byte[] { 1, 2, 3 }, 0, map, 3);
        await NarrowPassAsync();

        MustBeFollowed();
        _ = munmap(map, 65536);
        Assert.Equal([1, 2, 3], File.ReadAllBytes(Tree["dst/a/b/mapped"])[..3]);
    }

    [Fact]
    public async Task AWriteByAsynchronousIoIsCarried()
    {
        Make("mkdir -p src/a/b src/c; head -c 64K /dev/zero >src/a/b/file; touch -d 2001-01-01 src/a/b/file");
        var fd = LinuxSystemCalls.Instance.OpenPath(Bytes(Tree["src/a/b/file"]), OpenFlags.ReadWrite);
        await PassAsync();
        Submit(fd, [1, 2, 3]);
        Follower.Narrow();
        LinuxSystemCalls.Instance.Close(fd);
        await PassAsync();

        MustBeFollowed();
        Assert.Equal([1, 2, 3], File.ReadAllBytes(Tree["dst/a/b/file"])[..3]);
    }

    [Fact]
    public async Task AWriteThroughAnOverlayIsCarried()
    {
        Make("mkdir -p src/up src/c out/low out/work out/all; mount -t overlay -o lowerdir=out/low,upperdir=src/up,workdir=out/work none out/all; mkdir out/all/d; truncate -s 64K out/all/d/db; touch -d 2001-01-01 out/all/d/db");
        try
        {
            var fd = LinuxSystemCalls.Instance.OpenPath(Bytes(Tree["out/all/d/db"]), OpenFlags.ReadWrite);
            var map = mmap(0, 65536, 3, 1, fd, 0);
            await PassAsync();
            foreach (var isOpen in (bool[])[true, false])
            {
                // Another page, since the first write to one is what sets the time.
                byte[] content = isOpen ? [1, 2, 3] : [4, 5, 6];
                var at = isOpen ? 0 : 16384;
                Marshal.Copy(content, 0, map + at, 3);
                _ = isOpen ? 0 : LinuxSystemCalls.Instance.Close(fd);
                Follower.Narrow();
                await PassAsync();
                Assert.Equal(content, File.ReadAllBytes(Tree["dst/up/d/db"])[at..(at + 3)]);
            }

            _ = munmap(map, 65536);
            await PassAsync();
            Make("echo more >out/all/d/other");
            Follower.Narrow();
            await PassAsync();
            MustBeFollowed();
            Assert.Equal("more\n", await File.ReadAllTextAsync(Tree["dst/up/d/other"]));
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
        await Tree.MountAsync("out", "size=1m");
        var path = Tree["out/file"];
        using var open = File.Create(path);
        _ = LinuxSystemCalls.Instance.StatPath(Bytes(path), follow: false, out var status);
        WithoutTheFirstProcess io = new();
        using ChangeFollower follower = new(io);
        await PassAsync(Tree, follower);
        follower.Narrow();
        await PassAsync(Tree, follower);

        Assert.True(!Possible || IsFollowed(follower), follower.Account);
        Assert.DoesNotContain((status.Device, status.Inode), io.Asked);
    }

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
}
