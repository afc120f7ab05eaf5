using System.Text;
using NativeSync.Engine.FileSystem;
using NativeSync.Engine.FileSystem.Native;
using NativeSync.Protocol;
using NativeSync.TestKit.FileSystem;

namespace NativeSync.Engine.Tests.FileSystem;

public sealed class DirectoryScannerTests
{
    private const ScanFields All = ScanFields.LinkTargets | ScanFields.Xattrs | ScanFields.Acls;

    public static TheoryData<string> KernelNames => Kernels.All;

    private static DirectoryListing Scan(ISystemCalls io, int fd, ScanFields fields = All)
    {
        DirectoryListing listing = new();
        Assert.Equal(0, new DirectoryScanner(io).Scan(fd, fields, listing));
        return listing;
    }

    /// <summary>The arena has to grow between one attribute and the next.</summary>
    [Fact]
    public void AttributesOfManySizesComeBackByteForByte()
    {
        using TemporaryTree tree = new("/dev/shm");
        tree.Shell("for f in a b c; do : >$f; for i in 1 2 3 4 5; do setfattr -n user.$f$i -v \"$(head -c $((i * 900)) /dev/zero | tr '\\0' $f)\" $f; done; done");
        DirectoryListing listing = Scan(LinuxSystemCalls.Instance, tree.Handle);
        for (int file = 0; file < 3; file++)
        {
            XattrReader reader = new(listing.Xattrs(file));
            for (int i = 1; i <= 5; i++)
            {
                Assert.True(reader.TryRead(out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value));
                char letter = (char)('a' + file);
                Assert.Equal($"user.{letter}{i}", Encoding.ASCII.GetString(name));
                Assert.Equal(new string(letter, i * 900), Encoding.ASCII.GetString(value));
            }
        }
    }

    [Theory]
    [MemberData(nameof(KernelNames))]
    public void NastyNamesComeBackByteForByteInOrder(string kernel)
    {
        using TemporaryTree tree = new();
        byte[][] names =
        [
            "plain"u8.ToArray(), "new\nline"u8.ToArray(), "-rf"u8.ToArray(), [0xC4, 0xE3, 0xBA, 0xC3], [0xFF], [1], "..."u8.ToArray(), " "u8.ToArray(),
            [.. Enumerable.Repeat((byte)'x', 255)], "plain2"u8.ToArray(), "plain-longer-than-eight"u8.ToArray(), "plain-longer-than-eigh"u8.ToArray(),
            "\"quo'te\\"u8.ToArray(), "\u202egnp.exe"u8.ToArray(), "exactly8"u8.ToArray(), "exactly8+"u8.ToArray(),
        ];
        foreach (byte[] name in names)
        {
            tree.File(name, name);
        }

        DirectoryListing listing = Scan(Kernels.Of(kernel), tree.Handle);

        byte[][] expected = [.. names.Order(Comparer<byte[]>.Create((x, y) => x.AsSpan().SequenceCompareTo(y)))];
        Assert.Equal(expected, Enumerable.Range(0, listing.Count).Select(i => listing.Name(i).ToArray()));
        Assert.False(listing.Incomplete);
        for (int i = 0; i < listing.Count; i++)
        {
            Assert.Equal(i, listing.Find(listing.Name(i)));
            Assert.Equal(listing.Name(i).Length, listing.Metadata(i).Size);
        }

        Assert.Equal(~0, listing.Find([0]));
        Assert.Equal(~names.Length, listing.Find([0xFF, 0xFF]));
    }

    [Fact]
    public void EveryKernelListsEveryTypeAlike()
    {
        using TemporaryTree tree = new();
        tree.Shell("""
            echo content > file; mkdir dir; ln -s ../target link; mkfifo fifo; mknod char c 5 300; mknod block b 300 70000
            ln file second; chmod 6751 file; chown 12345:4000000000 dir; truncate -s 3G sparse
            touch -d '1901-12-14 00:00:00.999999999' dir; touch -d '2300-01-01 00:00:00.000000001' fifo; touch -h -d '1969-12-31 23:59:59.5' link
            setfattr -n user.colour -v red file; setfattr -n trusted.a -v b dir; setfattr -n security.x -v y file; setfacl -m u:77:r-- file; setfacl -d -m g:88:r-x dir
            setfattr -h -n trusted.onlink -v yes link; setfattr -n trusted.onfifo -v yes fifo
            python3 -c "import socket; socket.socket(socket.AF_UNIX).bind('socket')"
            """);
        string now = Describe(Scan(Kernels.Now, tree.Handle));
        Assert.Contains("dir 40755 12345:4000000000", now, StringComparison.Ordinal);
        Assert.Contains("block 60644 0:0 0 rdev 300,70000", now, StringComparison.Ordinal);
        Assert.Contains("char 20644 0:0 0 rdev 5,300", now, StringComparison.Ordinal);
        Assert.Contains("-2147472000.999999999", now, StringComparison.Ordinal);
        Assert.Contains("10413792000.000000001", now, StringComparison.Ordinal);
        Assert.Contains("-1.500000000", now, StringComparison.Ordinal);
        Assert.Contains("-> ../target", now, StringComparison.Ordinal);
        Assert.Contains("security.x=y", now, StringComparison.Ordinal);
        Assert.Contains("trusted.onlink=yes", now, StringComparison.Ordinal);
        Assert.Contains("trusted.onfifo=yes", now, StringComparison.Ordinal);
        Assert.Equal(now, Describe(Scan(Kernels.Middle, tree.Handle)));
        Assert.Equal(now, Describe(Scan(Kernels.Old, tree.Handle)));
    }

    [Fact]
    public void AttributesComeSortedAndOnlyWhenAskedFor()
    {
        using TemporaryTree tree = new();
        tree.Shell("echo > f; for n in zz b a security-like m; do setfattr -n user.$n -v $n f; done; setfacl -m u:5:rwx f");
        Assert.True(Scan(Kernels.Now, tree.Handle, ScanFields.LinkTargets).Xattrs(0).IsEmpty);
        Assert.Equal(["user.a", "user.b", "user.m", "user.security-like", "user.zz"], Names(Scan(Kernels.Now, tree.Handle, ScanFields.Xattrs).Xattrs(0)));
        Assert.Equal(["system.posix_acl_access"], Names(Scan(Kernels.Now, tree.Handle, ScanFields.Acls).Xattrs(0)));
        XattrReader.Validate(Scan(Kernels.Now, tree.Handle, All).Xattrs(0));
    }

    [Fact]
    public void AFileSystemWithoutAttributesIsAskedOnce()
    {
        using TemporaryTree tree = new();
        for (byte i = 0; i < 50; i++)
        {
            tree.File([(byte)'f', (byte)('0' + i)]);
        }

        FaultySystemCalls io = new FaultySystemCalls(Kernels.Now).FailAll(SystemCall.ListXattrsAt, Errno.EOPNOTSUPP);
        DirectoryListing listing = Scan(io, tree.Handle);
        Assert.Equal(50, listing.Count);
        Assert.False(listing.Incomplete);
        Assert.Equal(1, io.CallsOf(SystemCall.ListXattrsAt));
    }

    [Trait("Category", "Slow")]
    [Fact]
    public void SeventyThousandEntriesAreAllThereInOrder()
    {
        using TemporaryTree tree = new("/dev/shm");
        tree.Shell("python3 -c \"import os\nfor i in range(70000): os.mknod('an-entry-with-a-long-common-beginning-%05d' % (i * 7919 % 70000))\"");
        DirectoryListing listing = new();
        DirectoryScanner scanner = new(Kernels.Now);
        for (int round = 0; round < 2; round++) // a handle may be read again
        {
            Assert.Equal(0, scanner.Scan(tree.Handle, All, listing));
            Assert.Equal(70000, listing.Count);
            for (int i = 0; i < listing.Count; i++)
            {
                Assert.Equal($"an-entry-with-a-long-common-beginning-{i:D5}", Encoding.ASCII.GetString(listing.Name(i)));
            }
        }

        Assert.InRange(listing.Footprint, 1, 40_000_000);
        listing.Clear();
        listing.Trim(keep: 1000);
        Assert.Equal(0, listing.Footprint);
    }

    [Theory]
    [MemberData(nameof(KernelNames))]
    public void ATreeDeeperThanAnyPathIsReachedByHandles(string kernel)
    {
        LinuxSystemCalls io = Kernels.Of(kernel);
        using TemporaryTree tree = new();
        byte[] name = [.. Enumerable.Repeat((byte)'d', 200)];
        int fd = io.Duplicate(tree.Handle);
        List<byte> path = [];
        for (int depth = 0; depth < 30; depth++) // 6,000 bytes; PATH_MAX is 4,096
        {
            Assert.Equal(0, io.MakeDirectoryAt(fd, name, 0x1FF));
            int next = TemporaryTree.Check(io.OpenAt(fd, name, OpenFlags.Read | OpenFlags.Directory));
            io.Close(fd);
            fd = next;
            path.AddRange(path.Count == 0 ? name : [(byte)'/', .. name]);
        }

        io.Close(TemporaryTree.Check(io.OpenAt(fd, "leaf"u8, OpenFlags.Write | OpenFlags.Create, 0x180)));
        io.Close(fd);
        int found = TemporaryTree.Check(io.OpenBeneath(tree.Handle, path.ToArray(), OpenFlags.Read | OpenFlags.Directory));
        Assert.Equal("leaf", Encoding.ASCII.GetString(Scan(io, found).Name(0)));
        io.Close(found);
    }

    [Fact]
    public void AnEntryThatVanishesIsLeftOutSilently()
    {
        using TemporaryTree tree = new();
        tree.Shell("touch a b c; ln -s x l");
        FaultySystemCalls io = new FaultySystemCalls(Kernels.Now).Fail(c => c.Kind == SystemCall.StatAt && c.Name == "b", Errno.ENOENT)
            .Fail(c => c.Kind == SystemCall.ReadLinkAt, Errno.ENOENT);
        DirectoryListing listing = Scan(io, tree.Handle);
        Assert.Equal(["a", "c"], Enumerable.Range(0, listing.Count).Select(i => Encoding.ASCII.GetString(listing.Name(i))));
        Assert.False(listing.Incomplete);
        Assert.Null(listing.Problems);
    }

    [Theory]
    [InlineData((int)SystemCall.StatAt, (int)Operation.Stat)]
    [InlineData((int)SystemCall.ReadLinkAt, (int)Operation.ReadLink)]
    [InlineData((int)SystemCall.ListXattrsAt, (int)Operation.GetXattr)]
    [InlineData((int)SystemCall.GetXattrAt, (int)Operation.GetXattr)]
    public void TroubleWithAnEntryIsToldAndMakesTheListingIncomplete(int call, int operation)
    {
        using TemporaryTree tree = new();
        tree.Shell("touch a c; ln -s x b; setfattr -h -n trusted.q -v 1 b");
        FaultySystemCalls io = new(Kernels.Now);
        io.Fail(c => c.Kind == (SystemCall)call && (c.Name is "b" or "trusted.q"), Errno.EIO);
        DirectoryListing listing = Scan(io, tree.Handle);
        Assert.Equal(2, listing.Count);
        Assert.True(listing.Incomplete);
        ScanProblem problem = Assert.Single(listing.Problems!);
        Assert.Equal(((Operation)operation, Errno.EIO, "b"), (problem.Operation, problem.Error, Encoding.ASCII.GetString(problem.Name)));
    }

    [Fact]
    public void AnEntryWhoseAttributesAreOutOfReachIsToldAndTravelsWithout()
    {
        using TemporaryTree tree = new();
        tree.Shell("touch a; ln -s x b");
        FaultySystemCalls io = new FaultySystemCalls(Kernels.Now).Fail(c => c.Kind == SystemCall.ListXattrsAt && c.Name == "b", Errno.ENOSYS);
        DirectoryListing listing = Scan(io, tree.Handle);
        Assert.Equal(2, listing.Count);
        Assert.False(listing.Incomplete);
        Assert.Equal(Errno.ENOSYS, Assert.Single(listing.Problems!).Error);
    }

    [Fact]
    public void WithoutProcAnOldKernelStillReachesTheAttributesOfFilesAndDirectories()
    {
        using TemporaryTree tree = new();
        tree.Shell("touch f; mkdir d; ln -s x l; setfattr -n user.a -v b f; setfattr -n user.c -v d d; setfattr -h -n trusted.e -v f l");
        // Handle numbers mean nothing below /proc of a process that is gone: as if there were no /proc.
        LinuxSystemCalls io = new(KernelSupport.Oldest, "/proc/0/fd/"u8.ToArray());
        DirectoryListing listing = Scan(io, tree.Handle);
        Assert.Equal(3, listing.Count);
        Assert.Equal(["user.c"], Names(listing.Xattrs(0)));
        Assert.Equal(["user.a"], Names(listing.Xattrs(1)));
        Assert.Equal(("l", Errno.ENOSYS), (Encoding.ASCII.GetString(Assert.Single(listing.Problems!).Name), listing.Problems![0].Error));
        Assert.Equal(0, io.SetXattrAt(tree.Handle, "f"u8, "user.new"u8, "v"u8));
        Assert.Equal(0, io.RemoveXattrAt(tree.Handle, "f"u8, "user.a"u8));
        Assert.Equal("user.new\n", tree.Shell("getfattr -m user f | grep user"));
    }

    [Fact]
    public void ADirectoryThatBreaksOffInTheMiddleIsIncompleteAndOneThatCannotBeReadIsAnError()
    {
        using TemporaryTree tree = new();
        tree.Shell("touch a b");
        FaultySystemCalls io = new FaultySystemCalls(Kernels.Now).FailNth(SystemCall.ReadDirectory, 1, Errno.EIO);
        DirectoryListing listing = Scan(io, tree.Handle);
        Assert.Equal(2, listing.Count);
        Assert.True(listing.Incomplete);

        io = new FaultySystemCalls(Kernels.Now).FailAll(SystemCall.ReadDirectory, Errno.EIO);
        Assert.Equal(-Errno.EIO, new DirectoryScanner(io).Scan(tree.Handle, All, listing));
        Assert.Equal(0, listing.Count);
    }

    [Fact]
    public void FilteringKeepsOrderAndContent()
    {
        using TemporaryTree tree = new();
        tree.Shell("touch a c e; ln -s one b; ln -s two d");
        DirectoryListing listing = Scan(Kernels.Now, tree.Handle);
        listing.Keep((byte)'c', static (from, i, dropped) => from.Name(i)[0] != dropped);
        Assert.Equal("abde", string.Concat(Enumerable.Range(0, listing.Count).Select(i => (char)listing.Name(i)[0])));
        Assert.Equal("two", Encoding.ASCII.GetString(listing.LinkTarget(listing.Find("d"u8))));
        Assert.True(listing.Find("c"u8) < 0);
    }

    private static IEnumerable<string> Names(ReadOnlySpan<byte> xattrs)
    {
        List<string> names = [];
        XattrReader reader = new(xattrs);
        while (reader.TryRead(out ReadOnlySpan<byte> name, out _))
        {
            names.Add(Encoding.ASCII.GetString(name));
        }

        return names;
    }

    private static string Describe(DirectoryListing listing)
    {
        StringBuilder text = new();
        for (int i = 0; i < listing.Count; i++)
        {
            EntryMetadata m = listing.Metadata(i);
            text.Append($"{Encoding.Latin1.GetString(listing.Name(i))} {Convert.ToString(m.Mode, 8)} {m.Uid}:{m.Gid} {(m.IsDirectory ? 0 : m.Size)} ");
            text.Append($"rdev {m.Rdev >> 32},{m.Rdev & 0xFFFFFFFF} {m.Modified.Seconds}.{m.Modified.Nanoseconds:D9} ");
            text.Append($"links {listing.Identity(i).LinkCount} ino {listing.Identity(i).Inode} dev {listing.Identity(i).Device} blocks {listing.Identity(i).Blocks} -> {Encoding.Latin1.GetString(listing.LinkTarget(i))} ");
            XattrReader reader = new(listing.Xattrs(i));
            while (reader.TryRead(out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value))
            {
                text.Append($"{Encoding.Latin1.GetString(name)}={Encoding.Latin1.GetString(value)} ");
            }

            text.Append('\n');
        }

        return text.ToString();
    }
}
