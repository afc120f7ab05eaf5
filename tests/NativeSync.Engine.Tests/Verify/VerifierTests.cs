using System.Text;
using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session;
using NativeSync.Protocol;
using NativeSync.TestKit.FileSystem;

namespace NativeSync.Engine.Tests.Verify;

public sealed class VerifierTests
{
    private static readonly LinuxSystemCalls Io = LinuxSystemCalls.Instance;

    /// <summary>Both sides here; or the destination behind an agent, with everything on the wire.</summary>
    public static TheoryData<bool> Places => [false, true];

    private static async Task<VerifyReport> Compare(TemporaryTree a, TemporaryTree b, bool remote = false, VerifyOptions? options = null)
    {
        options ??= new VerifyOptions { Flags = VerifyOptions.Everything | JobFlags.NumericIds };
        if (!remote)
        {
            return await Verifier.CompareAsync(VerifySide.Local(a.PathBytes), VerifySide.Local(b.PathBytes), options).WaitAsync(TimeSpan.FromMinutes(1));
        }

        await using InProcessConnection connection = new(async (lane, ct) => await Agent.ServeAsync(lane, ct));
        return await Verifier.CompareAsync(VerifySide.Local(a.PathBytes), VerifySide.Remote(connection, b.PathBytes), options).WaitAsync(TimeSpan.FromMinutes(1));
    }

    /// <summary>Builds the same tree twice with the shell's tools, not with ours.</summary>
    private static (TemporaryTree A, TemporaryTree B) Twins()
    {
        TemporaryTree a = new(), b = new();
        a.Shell($$"""
            mkdir -p dir/sub/deep empty "new
            line"
            printf hello > file; : > dir/zero; head -c 3000000 /dev/urandom > dir/sub/big
            ln -s nowhere link; ln -s "$(printf 'x%.0s' $(seq 200))" dir/long
            ln dir/sub/big dir/sub/deep/again; ln dir/sub/big other
            mkfifo fifo; mknod null c 1 3; mknod disk b 8 300
            truncate -s 5M sparse; printf tail >> sparse
            touch -d '1950-01-01 00:00:00.123456789' dir/zero
            chmod 4755 file; setfattr -n user.x -v y file; setfattr -n trusted.t -v u dir
            setfacl -m u:1234:rw file; setfacl -d -m g:99:rx dir
            chown 1000:2000 dir/sub
            printf 'bytes' > "$(printf 'caf\351')"
            cp -a --sparse=always . {{b.Path}}/
            """);
        return (a, b);
    }

    [Theory]
    [MemberData(nameof(Places))]
    public async Task EqualTreesHaveEqualDigestsAndNoDifference(bool remote)
    {
        (TemporaryTree a, TemporaryTree b) = Twins();
        using (a)
        using (b)
        {
            VerifyReport report = await Compare(a, b, remote);
            Assert.Equal([], report.Differences.Select(Text));
            Assert.Equal([], report.Problems);
            Assert.True(report.Same);
            Assert.Equal(report.SourceDigest, report.DestinationDigest);
            Assert.NotEqual(default, report.SourceDigest);
            Assert.Equal(18, report.Source.Entries);
            Assert.Equal(report.Source.TotalSize, report.Destination.TotalSize);
        }
    }

    [Theory]
    [InlineData("printf j | dd of=file bs=1 conv=notrunc 2>/dev/null; touch -r $A/file file", "file:Content")]
    [InlineData("printf more >> file; touch -r $A/file file", "file:Size, Content")]
    [InlineData("chmod 0600 dir/zero", "dir/zero:Mode")]
    [InlineData("chown -h 7 link", "link:Owner")]
    [InlineData("chgrp 7 fifo", "fifo:Group")]
    [InlineData("touch -h -d '2001-01-01 00:00:00.000000001' link", "link:Time")]
    [InlineData("setfattr -n user.x -v z file", "file:Xattrs user.x")]
    [InlineData("setfattr -x trusted.t dir", "dir:Xattrs trusted.t")]
    [InlineData("setfacl -m u:1234:r file", "file:Mode, Acl system.posix_acl_access")]
    [InlineData("setfacl -k dir", "dir:Acl system.posix_acl_default")]
    [InlineData("ln -sfn elsewhere link; touch -h -r $A/link link; touch -r $A .", "link:LinkTarget")]
    [InlineData("rm disk; mknod disk b 8 301; touch -r $A/disk disk; touch -r $A .", "disk:Device")]
    [InlineData("rm fifo; touch fifo; touch -r $A .", "fifo:Type")]
    [InlineData("cp -p other o; mv o other; touch -r $A .", "dir/sub/big:HardLink;dir/sub/deep/again:HardLink")]
    [InlineData("rm -r dir/sub; touch -r $A/dir dir", "dir/sub:MissingAtDestination")]
    [InlineData("mkdir -p zzz/yyy; touch -r $A .", "zzz:MissingAtSource")]
    [InlineData("touch -d 2002-02-02 .", ":Time")]
    public async Task EachDifferenceIsNamedAndNothingElse(string change, string expected)
    {
        (TemporaryTree a, TemporaryTree b) = Twins();
        using (a)
        using (b)
        {
            b.Shell($"A={a.Path}; {change}");
            VerifyReport report = await Compare(a, b);
            Assert.Equal(expected, string.Join(';', report.Differences.Select(Text)));
            Assert.False(report.Same);
            Assert.NotEqual(report.SourceDigest, report.DestinationDigest);
        }
    }

    [Fact]
    public async Task AMissingRootIsToldAndNotEqual()
    {
        using TemporaryTree a = new();
        VerifyReport report = await Verifier.CompareAsync(VerifySide.Local(a.PathBytes), VerifySide.Local([.. a.PathBytes, .. "/none"u8]), new VerifyOptions());
        Assert.True(report.RootMissing);
        Assert.False(report.Same);
        VerifyProblem problem = Assert.Single(report.Problems);
        Assert.Equal((true, Errno.ENOENT), (problem.OnDestination, problem.Errno));
    }

    [Fact]
    public async Task TwoSingleFilesAreComparedWhateverTheirNames()
    {
        using TemporaryTree a = new();
        a.Shell($"echo x > one; cp -p one two; echo y > three");
        VerifyOptions options = new();
        VerifySide Side(string name) => VerifySide.Local(Encoding.UTF8.GetBytes($"{a.Path}/{name}"));
        Assert.Equal(0, (await Verifier.CompareAsync(Side("one"), Side("two"), options)).DifferenceCount);
        VerifyReport differing = await Verifier.CompareAsync(Side("one"), Side("three"), options with { Flags = JobFlags.None });
        Assert.Equal(VerifyAspects.Content, Assert.Single(differing.Differences).Aspects);
    }

    [Fact]
    public async Task WhatTheRulesExcludeIsNotLookedAt()
    {
        (TemporaryTree a, TemporaryTree b) = Twins();
        using (a)
        using (b)
        {
            b.Shell($"rm -r dir/sub; touch -r {a.Path}/dir dir; rm other; touch -r {a.Path} .");
            VerifyReport report = await Compare(a, b, options: new VerifyOptions { Rules = ["- /dir/sub"u8.ToArray(), "- /other"u8.ToArray()] });
            Assert.Equal([], report.Differences.Select(Text));
            Assert.True(report.DigestsAgree);
        }
    }

    [Fact]
    public async Task AnUnreadableFileIsAProblemAndNotEqual()
    {
        (TemporaryTree a, TemporaryTree b) = Twins();
        using (a)
        using (b)
        {
            FaultySystemCalls io = new(Io);
            io.Fail(call => call.Kind == SystemCall.OpenAt && call.Name is "file", Errno.EIO);
            VerifyReport report = await Verifier.CompareAsync(VerifySide.Local(a.PathBytes), VerifySide.Local(b.PathBytes), new VerifyOptions(), null, new SyncEnvironment(io, TimeProvider.System), default);
            Assert.False(report.Same);
            Assert.All(report.Problems, p => Assert.Equal((Operation.Open, Errno.EIO, "file"), (p.Operation, p.Errno, Encoding.UTF8.GetString(p.Path))));
            Assert.Equal(2, report.ProblemCount);
            Assert.Equal(0, report.DifferenceCount);
            Assert.Equal(0, io.OpenHandles);
        }
    }

    private static string Text(VerifyDifference d) =>
        $"{Encoding.Latin1.GetString(d.Path)}:{d.Aspects}{string.Concat(d.Attributes.Select(a => " " + Encoding.Latin1.GetString(a)))}";
}
