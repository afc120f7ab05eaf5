using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;
using NativeSync.TestKit.FileSystem;

namespace NativeSync.Engine.Tests.FileSystem;

public sealed class DirectoryDigestTests
{
    private const ScanFields All = ScanFields.LinkTargets | ScanFields.Xattrs | ScanFields.Acls;

    private static UInt128 Digest(TemporaryTree tree, DigestFields fields, IdentityMapper? ids = null)
    {
        DirectoryListing listing = new();
        Assert.Equal(0, new DirectoryScanner(Kernels.Now).Scan(tree.Handle, All, listing));
        return DirectoryDigest.Compute(listing, fields, ids);
    }

    [Theory]
    [InlineData("chmod 600 p", (int)DigestFields.Permissions)]
    [InlineData("chmod 700 d", (int)DigestFields.Permissions)]
    [InlineData("chown 5 f", (int)DigestFields.Owner)]
    [InlineData("chgrp 5 f", (int)DigestFields.Group)]
    [InlineData("chown -h 5 l", (int)DigestFields.Owner)]
    [InlineData("touch -h -d @9 l", (int)DigestFields.Times)]
    [InlineData("touch -d @9 d", (int)DigestFields.DirectoryTimes)]
    [InlineData("touch -d @9.5 f", (int)DigestFields.None)]
    [InlineData("echo more >> f; touch -d @1 f", (int)DigestFields.None)]
    [InlineData("ln -sfn else l; touch -h -d @1 l", (int)DigestFields.Links)]
    [InlineData("rm n; mknod n c 1 4; touch -d @1 n", (int)DigestFields.Devices)]
    [InlineData("setfattr -n user.a -v c f", (int)DigestFields.Xattrs)]
    [InlineData("setfacl -m u:7:w,m::r f", (int)DigestFields.Acls)]
    [InlineData("touch new", (int)DigestFields.None)]
    [InlineData("rm p", (int)DigestFields.None)]
    [InlineData("mv p q", (int)DigestFields.None)]
    [InlineData("rm p; touch p; touch -d @1 p", (int)DigestFields.None)]
    public void AChangeCountsExactlyWhenItsFieldDoes(string change, int fields)
    {
        using TemporaryTree tree = new();
        tree.Shell("echo x > f; mkdir d; ln -s to l; mkfifo p; mknod n c 1 3; setfattr -n user.a -v b f; setfacl -m u:7:r,m::r f; touch -h -d @1 *");
        const DigestFields Everything = (DigestFields)0x5FF;
        DigestFields field = (DigestFields)fields;
        UInt128 all = Digest(tree, Everything), without = Digest(tree, Everything & ~field), none = Digest(tree, DigestFields.None);
        tree.Shell(change);
        Assert.NotEqual(all, Digest(tree, Everything));
        Assert.Equal(field == DigestFields.None, without != Digest(tree, Everything & ~field));
        Assert.Equal(field == DigestFields.None, none != Digest(tree, DigestFields.None));
    }

    [Fact]
    public void WhatCannotBeKnownAgreesWithNothing()
    {
        using TemporaryTree tree = new();
        tree.Shell("touch f; ln f g");
        Assert.Equal(Digest(tree, DigestFields.None), Digest(tree, DigestFields.None));
        Assert.NotEqual(Digest(tree, DigestFields.HardLinks), Digest(tree, DigestFields.HardLinks));
        DirectoryListing listing = new() { Incomplete = true };
        Assert.NotEqual(DirectoryDigest.Compute(listing, 0, null), DirectoryDigest.Compute(listing, 0, null));
    }

    [Fact]
    public void OwnersCountByNameWhenTheyAreMapped()
    {
        using TemporaryTree here = new(), there = new();
        here.Shell("touch f; chown 1000:50 f; setfacl -m u:1000:r f; touch -d @1 f");
        there.Shell("touch f; chown 2000:60 f; setfacl -m u:2000:r f; touch -d @1 f");
        IdentityMapper ids = new(new IdentityMap("ann:x:1000:1::/:\n"u8, "g:x:50:\n"u8)), others = new(new IdentityMap("ann:x:2000:1::/:\n"u8, "g:x:60:\n"u8));
        const DigestFields Fields = DigestFields.Owner | DigestFields.Group | DigestFields.Acls;
        Assert.Equal(Digest(here, Fields, ids), Digest(there, Fields, others));
        Assert.NotEqual(Digest(here, Fields), Digest(there, Fields));
    }
}
