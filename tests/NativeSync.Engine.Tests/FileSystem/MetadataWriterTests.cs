using System.Text;
using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;
using NativeSync.TestKit.FileSystem;

namespace NativeSync.Engine.Tests.FileSystem;

public sealed class MetadataWriterTests
{
    private const ScanFields All = ScanFields.LinkTargets | ScanFields.Xattrs | ScanFields.Acls;

    private static readonly MetadataOptions Archive = new()
    {
        Permissions = true, Owner = true, Group = true, Times = true, Xattrs = true, Acls = true, SuperUser = true,
    };

    public static TheoryData<string> KernelNames => Kernels.All;

    private sealed class Problems : List<string>, IProblemSink
    {
        public void Report(Operation operation, int error, ReadOnlySpan<byte> detail) =>
            Add($"{operation} {Errno.Name(error)} {Encoding.ASCII.GetString(detail)}".TrimEnd());
    }

    /// <summary>Makes entry <paramref name="to"/> of the tree what <paramref name="from"/> is, by handle for files and directories, by name for the rest.</summary>
    private static (Changes Changes, Problems Problems) Copy(ISystemCalls io, TemporaryTree tree, string from, string to, MetadataOptions? options = null, bool isNew = false)
    {
        DirectoryListing listing = new();
        Assert.Equal(0, new DirectoryScanner(Kernels.Now).Scan(tree.Handle, All, listing));
        int i = listing.Find(Encoding.ASCII.GetBytes(from));
        byte[] name = Encoding.ASCII.GetBytes(to);
        Assert.Equal(0, Kernels.Now.StatAt(tree.Handle, name, out FileStatus current));
        Problems problems = [];
        MetadataWriter writer = new(io, options ?? Archive);
        DesiredMetadata desired = new(listing.Metadata(i), listing.Xattrs(i), isNew);
        if (!current.IsRegular && !current.IsDirectory)
        {
            return (writer.ApplyAt(tree.Handle, name, desired, current, problems), problems);
        }

        int fd = TemporaryTree.Check(Kernels.Now.OpenAt(tree.Handle, name, OpenFlags.Read | OpenFlags.NonBlocking));
        Changes changes = writer.Apply(fd, desired, current, problems);
        Kernels.Now.Close(fd);
        return (changes, problems);
    }

    private static string Describe(TemporaryTree tree, string name) =>
        tree.Shell($"stat -c '%A %u:%g %y' {name}; getfattr -h -d -m- {name} | tail -n +2; [ -h {name} ] || getfacl -cn {name}");

    [Theory]
    [MemberData(nameof(KernelNames))]
    public void EveryTypeGetsOwnerModeTimesAttributesAndLists(string kernel)
    {
        using TemporaryTree tree = new();
        tree.Shell("""
            touch f f2; mkdir d d2; ln -s x l; ln -s x l2; mkfifo p p2; mknod b b 7 9; mknod b2 b 7 9
            chown 500:600 f d p b; chown -h 500:600 l
            chmod 6755 f; chmod 3775 d; chmod 604 p b
            setfattr -n user.one -v 1 f; setfattr -n trusted.two -v 2 d; setfattr -h -n trusted.three -v 3 l; setfattr -n trusted.four -v 4 p; setfattr -n security.five -v 5 b
            setfacl -m u:4000:rw,m::rwx f; setfacl -d -m u:4001:r d; setfacl -m g:4002:x d
            touch -h -d '1955-11-12 06:38:00.000000001' f d l p b
            chmod 777 f2; setfattr -n user.gone -v x f2; setfattr -n user.one -v other f2; setfacl -m u:9:r f2; setfacl -d -m u:9:r d2; setfacl -m u:9:rwx d2
            """);
        foreach (string name in (string[])["f", "d", "l", "p", "b"])
        {
            (Changes changes, Problems problems) = Copy(Kernels.Of(kernel), tree, name, name + "2");
            Assert.Empty(problems);
            Assert.Equal(Describe(tree, name), Describe(tree, name + "2"));
            Assert.True((changes & (Changes.Owner | Changes.Group | Changes.Time | Changes.Xattr)) == (Changes.Owner | Changes.Group | Changes.Time | Changes.Xattr));
            (changes, problems) = Copy(Kernels.Of(kernel), tree, name, name + "2");
            Assert.Empty(problems);
            Assert.Equal(Changes.None, changes);
        }
    }

    [Fact]
    public void CapabilitiesAndSetuidOutliveTheChangeOfOwner()
    {
        using TemporaryTree tree = new();
        tree.Shell("cp /bin/true f; cp /bin/true g; chown 1:1 f; chmod 4711 f; setcap cap_net_raw+ep f; chmod 4711 g; setcap cap_net_raw+ep g");
        (_, Problems problems) = Copy(Kernels.Now, tree, "f", "g");
        Assert.Empty(problems);
        Assert.Equal("g cap_net_raw=ep\n-rws--x--x\n", tree.Shell("getcap g; stat -c %A g"));
    }

    [Fact]
    public void ModeBitsThatTheChangeOfOwnerTakesAreRestoredAlsoWhenModesAreNotKept()
    {
        using TemporaryTree tree = new();
        tree.Shell("touch f g; chown 1:1 f; chmod 6755 g");
        Copy(Kernels.Now, tree, "f", "g", Archive with { Permissions = false });
        Assert.Equal("-rwsr-sr-x 1\n", tree.Shell("stat -c '%A %u' g"));
    }

    [Fact]
    public void WhatAgreesIsNotTouched()
    {
        using TemporaryTree tree = new();
        tree.Shell("touch f; setfacl -m u:5:r f; setfattr -n user.a -v b f; chown 3:4 f; cp -a f g");
        FaultySystemCalls io = new(Kernels.Now);
        (Changes changes, Problems problems) = Copy(io, tree, "f", "g");
        Assert.Equal(Changes.None, changes);
        Assert.Empty(problems);
        foreach (SystemCall call in (SystemCall[])[SystemCall.ChangeMode, SystemCall.ChangeOwner, SystemCall.SetTimes, SystemCall.SetXattr, SystemCall.RemoveXattr])
        {
            Assert.Equal(0, io.CallsOf(call));
        }
    }

    [Fact]
    public void EachFailureIsReportedAndTheRestGoesOn()
    {
        using TemporaryTree tree = new();
        tree.Shell("touch f g; chown 3:4 f; chmod 600 f; setfattr -n user.a -v b f; setfattr -n user.c -v d f; touch -d @5 f");
        FaultySystemCalls io = new FaultySystemCalls(Kernels.Now).FailAll(SystemCall.ChangeOwner, Errno.EPERM).FailAll(SystemCall.ChangeMode, Errno.EROFS)
            .Fail(c => c.Kind == SystemCall.SetXattr && c.Name == "user.a", Errno.ENOSPC);
        (Changes changes, Problems problems) = Copy(io, tree, "f", "g");
        Assert.Equal(["ChangeOwner EPERM", "SetXattr ENOSPC user.a", "ChangeMode EROFS"], problems);
        Assert.Equal(Changes.Xattr | Changes.Time, changes);
        Assert.Equal("0:0 1970-01-01 00:00:05.000000000 +0000\nd\n", tree.Shell("stat -c '%u:%g %y' g; getfattr --only-values -n user.c g; echo").Replace("d\n\n", "d\n"));
    }

    [Fact]
    public void EveryAttributeOutOfReachIsNamed()
    {
        using TemporaryTree tree = new();
        tree.Shell("touch f g; for i in 1 2 3; do setfattr -n trusted.t$i -v x f; setfattr -n user.u$i -v y f; done");
        FaultySystemCalls io = new FaultySystemCalls(Kernels.Now).Fail(c => c.Kind == SystemCall.SetXattr && c.Name.StartsWith("trusted.", StringComparison.Ordinal), Errno.EPERM);
        (_, Problems problems) = Copy(io, tree, "f", "g");
        Assert.Equal(["SetXattr EPERM trusted.t1", "SetXattr EPERM trusted.t2", "SetXattr EPERM trusted.t3"], problems);
        Assert.Equal("user.u1\nuser.u2\nuser.u3\n", tree.Shell("getfattr -m user g | grep user"));
    }

    [Fact]
    public void AnOwnersReadOnlyFileGetsItsAttributesAndStaysReadOnly()
    {
        using TemporaryTree tree = new();
        tree.Shell("touch f g; chmod 444 f g; setfattr -n user.u -v y f");
        FaultySystemCalls io = new FaultySystemCalls(Kernels.Now).FailNth(SystemCall.SetXattr, 0, Errno.EACCES);
        (_, Problems problems) = Copy(io, tree, "f", "g");
        Assert.Empty(problems);
        Assert.Equal(2, io.CallsOf(SystemCall.ChangeMode));
        Assert.Equal("-r--r--r--\ny\n", tree.Shell("stat -c %A g; getfattr --only-values -n user.u g; echo"));
    }

    [Fact]
    public void LabelsOfTheSecurityModuleAreNotRemoved()
    {
        using TemporaryTree tree = new();
        tree.Shell("touch f g; setfattr -n security.selinux -v label g; setfattr -n security.other -v x g");
        Copy(Kernels.Now, tree, "f", "g");
        Assert.Equal("security.selinux\n", tree.Shell("getfattr -m- g | grep secur"));
    }

    [Fact]
    public void AnOrdinaryUserGivesNothingAwayAndSetsOnlyHisGroups()
    {
        using TemporaryTree tree = new();
        tree.Shell("touch f g h; chown 55:66 f; chown 55:77 h; touch -r f g");
        MetadataOptions user = Archive with { SuperUser = false, MemberOf = new HashSet<uint> { 66 } };
        (Changes changes, Problems problems) = Copy(Kernels.Now, tree, "f", "g", user);
        Assert.Equal((Changes.Group, 0), (changes, problems.Count));
        Copy(Kernels.Now, tree, "h", "g", user);
        Assert.Equal("0:66\n", tree.Shell("stat -c %u:%g g"));
    }

    [Theory]
    [InlineData("6777", "600", true, false, "755")] // new without -p: the source's under the umask, no special bits
    [InlineData("6777", "600", false, false, "600")]
    [InlineData("700", "644", false, true, "755")] // -E: execute where it can be read
    [InlineData("600", "755", false, true, "644")]
    [InlineData("711", "640", false, true, "750")]
    [InlineData("700", "644", false, false, "644")]
    public void WithoutPermissionsNewFilesFollowTheUmaskAndOldOnesStay(string source, string there, bool isNew, bool executability, string expected)
    {
        using TemporaryTree tree = new();
        tree.Shell($"touch f g; chmod {source} f; chmod {there} g");
        Copy(Kernels.Now, tree, "f", "g", new MetadataOptions { Executability = executability, Umask = 0x12 }, isNew);
        Assert.Equal(expected + "\n", tree.Shell("stat -c %a g"));
    }

    [Fact]
    public void OwnersAndListsAreMappedByNameAndNeverToRootByAccident()
    {
        using TemporaryTree tree = new();
        tree.Shell("touch f g; chown 1001:2001 f; setfacl -m u:1002:r,u:1003:rw,g:2002:x f");
        IdentityMap local = new("root:x:0:0::/:\nann:x:5001:1::/:\nbob:x:5002:1::/:\n"u8, "root:x:0:\nstaff:x:6001:\n"u8);
        IdentityMapper ids = new(local);
        ids.DefineUser(1001, "bob"u8);
        ids.DefineUser(1002, "ann"u8);
        ids.DefineUser(1003, "unknown"u8);
        ids.DefineUser(1004, "root"u8); // a peer that calls someone root is believed, as root there is root here
        ids.DefineUser(0, "ann"u8);
        ids.DefineGroup(2001, ""u8);
        ids.DefineGroup(2002, "staff"u8);
        (_, Problems problems) = Copy(Kernels.Now, tree, "f", "g", Archive with { Identities = ids });
        Assert.Empty(problems);
        Assert.Equal("5002:2001\nuser:1003:rw-\nuser:5001:r--\ngroup:6001:--x\n", tree.Shell("stat -c %u:%g g; getfacl -cn g | grep -E '^(user|group):[0-9]'"));
        Assert.Equal(0u, ids.LocalUser(0));
        (Changes changes, _) = Copy(Kernels.Now, tree, "f", "g", Archive with { Identities = ids });
        Assert.Equal(Changes.None, changes);
    }

    [Fact]
    public void ComparingSaysWhatApplyingDoes()
    {
        using TemporaryTree tree = new();
        tree.Shell("touch f g; chown 1:2 f; chmod 640 f; touch -d @7 f; setfattr -n user.a -v b f; setfacl -m u:3:r f");
        DirectoryListing listing = new();
        new DirectoryScanner(Kernels.Now).Scan(tree.Handle, All, listing);
        Changes said = MetadataWriter.Compare(listing.Metadata(0), listing.Xattrs(0), listing.Metadata(1), listing.Xattrs(1), Archive);
        Assert.Equal(Changes.Owner | Changes.Group | Changes.Permissions | Changes.Time | Changes.Xattr | Changes.Acl, said);
        (Changes done, _) = Copy(Kernels.Now, tree, "f", "g");
        Assert.Equal(said & ~Changes.Permissions, done & ~Changes.Permissions); // the list itself may bring the bits along
        new DirectoryScanner(Kernels.Now).Scan(tree.Handle, All, listing);
        Assert.Equal(Changes.None, MetadataWriter.Compare(listing.Metadata(0), listing.Xattrs(0), listing.Metadata(1), listing.Xattrs(1), Archive));
    }

    [Fact]
    public void AWindowForgivesSecondsAndNothingElse()
    {
        Assert.True(MetadataWriter.SameTime(new(5, 1), new(5, 1), 0));
        Assert.False(MetadataWriter.SameTime(new(5, 1), new(5, 2), 0));
        Assert.True(MetadataWriter.SameTime(new(5, 1), new(6, 999_999_999), 1));
        Assert.False(MetadataWriter.SameTime(new(5, 0), new(7, 0), 1));
        Assert.False(MetadataWriter.SameTime(new(long.MinValue, 0), new(long.MaxValue, 0), 1));
    }
}
