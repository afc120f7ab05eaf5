using System.Text;
using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;
using NativeSync.TestKit.FileSystem;

namespace NativeSync.Engine.Tests.FileSystem;

public sealed class LinuxSystemCallsTests
{
    public static TheoryData<string> KernelNames => Kernels.All;

    [Theory]
    [MemberData(nameof(KernelNames))]
    public void NoNameLeavesItsDirectory(string kernel)
    {
        LinuxSystemCalls io = Kernels.Of(kernel);
        using TemporaryTree tree = new();
        tree.Shell("mkdir d; touch f; ln -s d toward; ln -s / up; ln -s f tofile");
        foreach (string bad in (string[])["..", "d/..", "/etc/passwd", "a/b", "nul\0", "d/"])
        {
            byte[] name = Encoding.Latin1.GetBytes(bad);
            Assert.Equal(-Errno.EINVAL, io.OpenAt(tree.Handle, name, OpenFlags.Read));
            Assert.Equal(-Errno.EINVAL, io.UnlinkAt(tree.Handle, name, directory: false));
            Assert.Equal(-Errno.EINVAL, io.RenameAt(tree.Handle, "f"u8, tree.Handle, name));
            Assert.Equal(-Errno.EINVAL, io.StatAt(tree.Handle, name, out _));
        }

        Assert.Equal(-Errno.ENOENT, io.OpenAt(tree.Handle, [], OpenFlags.Read));
        Assert.Equal(-Errno.ENAMETOOLONG, io.OpenAt(tree.Handle, new byte[256].Select(_ => (byte)'x').ToArray(), OpenFlags.Read));
        Assert.Equal(-Errno.ELOOP, io.OpenAt(tree.Handle, "tofile"u8, OpenFlags.Read));
        Assert.Equal(-Errno.ENOTDIR, io.OpenAt(tree.Handle, "toward"u8, OpenFlags.Read | OpenFlags.Directory));

        foreach (string bad in (string[])["../x", "d/../f", "/etc", "d//f", "d/./f", "./d", "d/"])
        {
            Assert.Equal(-Errno.EINVAL, io.OpenBeneath(tree.Handle, Encoding.Latin1.GetBytes(bad), OpenFlags.Read));
        }

        Assert.Equal(-Errno.ELOOP, io.OpenBeneath(tree.Handle, "toward/x"u8, OpenFlags.Read));
        Assert.Equal(-Errno.ELOOP, io.OpenBeneath(tree.Handle, "up/etc/passwd"u8, OpenFlags.Read));
        Assert.Equal(-Errno.ELOOP, io.OpenBeneath(tree.Handle, "tofile"u8, OpenFlags.Read));
        Assert.Equal(-Errno.ENOENT, io.OpenBeneath(tree.Handle, "d/none"u8, OpenFlags.Read));
        Assert.Equal(-Errno.ENOTDIR, io.OpenBeneath(tree.Handle, "f/none"u8, OpenFlags.Read));
        io.Close(TemporaryTree.Check(io.OpenBeneath(tree.Handle, "d/new"u8, OpenFlags.Write | OpenFlags.Create, 0x180)));
        io.Close(TemporaryTree.Check(io.OpenBeneath(tree.Handle, [], OpenFlags.Read | OpenFlags.Directory)));
        Assert.Equal(0, io.StatPath(Encoding.ASCII.GetBytes(tree.Path + "/d/new"), follow: true, out FileStatus made));
        Assert.Equal(0x180u, made.Mode & ModeBits.PermissionMask);
    }

    [Theory]
    [MemberData(nameof(KernelNames))]
    public void MetadataByNameTouchesTheLinkAndNotItsTarget(string kernel)
    {
        LinuxSystemCalls io = Kernels.Of(kernel);
        using TemporaryTree tree = new();
        tree.Shell("touch f; chmod 640 f; touch -d @1000 f; ln -s f l; mkfifo p; mkdir d; chmod 0 d");
        Assert.Equal(-Errno.EOPNOTSUPP, io.ChangeModeAt(tree.Handle, "l"u8, 0x1FF));
        Assert.Equal(0, io.ChangeOwnerAt(tree.Handle, "l"u8, 11, 22));
        Assert.Equal(0, io.SetTimesAt(tree.Handle, "l"u8, null, new Timestamp(-5_000_000_000, 7)));
        Assert.Equal(0, io.SetXattrAt(tree.Handle, "l"u8, "trusted.t"u8, "v"u8));
        Assert.Equal(0, io.StatAt(tree.Handle, "f"u8, out FileStatus file));
        Assert.Equal((0x1A0u, 0u, 1000L), (file.Mode & ModeBits.PermissionMask, file.Uid, file.Modified.Seconds));
        Assert.Equal(0, io.ListXattrsAt(tree.Handle, "f"u8, new byte[100]));
        Assert.Equal(0, io.StatAt(tree.Handle, "l"u8, out FileStatus link));
        Assert.Equal((11u, 22u), (link.Uid, link.Gid));
        byte[] value = new byte[10];
        Assert.Equal(1, io.GetXattrAt(tree.Handle, "l"u8, "trusted.t"u8, value));
        Assert.Equal(10, io.ListXattrsAt(tree.Handle, "l"u8, new byte[100]));
        Assert.Equal(0, io.RemoveXattrAt(tree.Handle, "l"u8, "trusted.t"u8));
        Assert.Equal(-Errno.ENODATA, io.GetXattrAt(tree.Handle, "l"u8, "trusted.t"u8, value));
        Assert.Equal(-Errno.ENOENT, io.ListXattrsAt(tree.Handle, "none"u8, value));

        Assert.Equal(0, io.ChangeModeAt(tree.Handle, "p"u8, 0xA4B));
        Assert.Equal(0, io.StatAt(tree.Handle, "p"u8, out FileStatus fifo));
        Assert.Equal(0xA4Bu, fifo.Mode & ModeBits.PermissionMask);
        Assert.Equal(0, io.ChangeModeAt(tree.Handle, "d"u8, 0x1C0));
        Assert.Equal(-Errno.ENOENT, io.ChangeModeAt(tree.Handle, "none"u8, 0x1C0));
    }

    [Theory]
    [MemberData(nameof(KernelNames))]
    public void RenamingToATakenNameIsRefusedWhenAskedTo(string kernel)
    {
        LinuxSystemCalls io = Kernels.Of(kernel);
        using TemporaryTree tree = new();
        tree.Shell("echo 1 > a; echo 2 > b; mkdir d e; ln -s x l");
        Assert.Equal(-Errno.EEXIST, io.RenameAt(tree.Handle, "a"u8, tree.Handle, "b"u8, RenameFlags.NoReplace));
        Assert.Equal(-Errno.EEXIST, io.RenameAt(tree.Handle, "d"u8, tree.Handle, "e"u8, RenameFlags.NoReplace));
        Assert.Equal(0, io.RenameAt(tree.Handle, "a"u8, tree.Handle, "c"u8, RenameFlags.NoReplace));
        Assert.Equal(0, io.RenameAt(tree.Handle, "d"u8, tree.Handle, "g"u8, RenameFlags.NoReplace));
        Assert.Equal(0, io.RenameAt(tree.Handle, "l"u8, tree.Handle, "m"u8, RenameFlags.NoReplace));
        Assert.Equal(-Errno.ENOENT, io.RenameAt(tree.Handle, "none"u8, tree.Handle, "z"u8, RenameFlags.NoReplace));
        Assert.Equal("b\nc\ne\ng\nm\n", tree.Shell("ls"));
        Assert.Equal("1\n", tree.Shell("cat c"));
        int exchanged = io.RenameAt(tree.Handle, "b"u8, tree.Handle, "c"u8, RenameFlags.Exchange);
        Assert.Equal(io == Kernels.Now ? 0 : -Errno.ENOSYS, exchanged);
    }

    [Theory]
    [MemberData(nameof(KernelNames))]
    public void NodesOfEveryKindAreMadeAsAsked(string kernel)
    {
        LinuxSystemCalls io = Kernels.Of(kernel);
        using TemporaryTree tree = new();
        Assert.Equal(0, io.MakeNodeAt(tree.Handle, "c"u8, ModeBits.CharacterDevice | 0x180, ((ulong)4000 << 32) | 1_000_000));
        Assert.Equal(0, io.MakeNodeAt(tree.Handle, "p"u8, ModeBits.Fifo | 0x180, 0));
        Assert.Equal(0, io.MakeNodeAt(tree.Handle, "s"u8, ModeBits.Socket | 0x180, 0));
        byte[] target = Encoding.ASCII.GetBytes(new string('t', 4095));
        Assert.Equal(0, io.SymbolicLinkAt(target, tree.Handle, "l"u8));
        Assert.Equal(-Errno.ENAMETOOLONG, io.SymbolicLinkAt([.. target, (byte)'t'], tree.Handle, "m"u8));
        Assert.Equal(0, io.LinkAt(tree.Handle, "l"u8, tree.Handle, "l2"u8));
        byte[] buffer = new byte[5000];
        Assert.Equal(4095, io.ReadLinkAt(tree.Handle, "l2"u8, buffer));
        Assert.Equal("c character special file fa0 f4240\nl symbolic link 0 0\nl2 symbolic link 0 0\np fifo 0 0\ns socket 0 0\n", tree.Shell("stat -c '%n %F %t %T' *"));
    }

    [Theory]
    [MemberData(nameof(KernelNames))]
    public void HolesAreFoundAndPunched(string kernel)
    {
        LinuxSystemCalls io = Kernels.Of(kernel);
        using TemporaryTree tree = new();
        int fd = TemporaryTree.Check(io.OpenAt(tree.Handle, "f"u8, OpenFlags.ReadWrite | OpenFlags.Create, 0x180));
        Assert.Equal(0, io.Truncate(fd, 1 << 20));
        Assert.Equal(4, io.WriteAt(fd, "data"u8, 512 * 1024));
        Assert.Equal(512 * 1024, io.Seek(fd, 0, SeekKind.Data));
        Assert.Equal(0, io.Seek(fd, 0, SeekKind.Hole));
        Assert.Equal(-Errno.ENXIO, io.Seek(fd, 1 << 20, SeekKind.Data));
        Assert.Equal(0, io.Allocate(fd, AllocateMode.PunchHole, 512 * 1024, 4096));
        Assert.Equal(-Errno.ENXIO, io.Seek(fd, 0, SeekKind.Data));
        int copy = TemporaryTree.Check(io.OpenAt(tree.Handle, "g"u8, OpenFlags.ReadWrite | OpenFlags.Create, 0x180));
        Assert.Equal(4, io.WriteAt(fd, "copy"u8, 0));
        nint copied = io.CopyRange(fd, 0, copy, 100, 4);
        Assert.Equal(io == Kernels.Now ? 4 : -Errno.ENOSYS, copied);
        Assert.Equal(0, io.Sync(copy));
        Assert.Equal(0, io.SyncFileSystem(copy));
        Assert.Equal(0, io.StatFileSystem(copy, out FileSystemStatus status));
        Assert.True(status.BlockSize > 0 && status.MaxNameLength == 255);
        io.Close(fd);
        io.Close(copy);
        byte[] random = new byte[64];
        Assert.Equal(0, io.GetRandom(random));
        Assert.Contains(random, b => b != 0);
    }

    [Fact]
    public void DeviceNumbersSurviveTheirPacking()
    {
        foreach (ulong rdev in (ulong[])[0, (1UL << 32) | 3, (0xFFFUL << 32) | 0xFFFFF, (0xFFFF_FFFFUL << 32) | 0xFFFF_FFFF])
        {
            Assert.Equal(rdev, Engine.FileSystem.Native.DeviceNumber.Unpack(Engine.FileSystem.Native.DeviceNumber.Pack(rdev)));
        }
    }

    [Fact]
    public void EveryErrorHasItsName()
    {
        Assert.Equal("ENOSPC", Errno.Name(Errno.ENOSPC));
        Assert.Equal("No space left on device", Errno.Describe(Errno.ENOSPC));
        Assert.Equal("EOPNOTSUPP", Errno.Name(95));
        Assert.Equal("errno 4000", Errno.Name(4000));
        Assert.Equal("Unknown error 4000", Errno.Describe(4000));
    }
}
