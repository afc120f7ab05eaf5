using NativeSync.EndToEnd.Tests.Support;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests;

/// <summary>A tree of everything that copies get wrong, over every road.</summary>
public sealed class NastyTreeTests(NastyTreeTests.Source source, SharedServer server) : IClassFixture<NastyTreeTests.Source>, IClassFixture<SharedServer>
{
    private const string Everything = "-aHAXS";

    /// <summary>The tree, built once.</summary>
    public sealed class Source : IDisposable
    {
        private readonly Scratch _scratch = new();

        public Source()
        {
            Path = _scratch["nasty"];
            NastyTree.Build(Path);
        }

        public string Path { get; }

        public void Dispose() => _scratch.Dispose();
    }

    [Trait("Category", "Slow")]
    [Fact]
    public async Task TheJudgesAgreeOnRsyncItself()
    {
        using var scratch = new Scratch();
        (await Tool.RsyncAsync(Everything, "--numeric-ids", source.Path + "/", scratch["copy"] + "/")).MustExit(0);
        await TreeJudge.MustBeEqualAsync(source.Path, scratch["copy"]);
    }

    [Fact]
    public async Task ItArrivesWholeLocally()
    {
        using var scratch = new Scratch();
        (await Tool.SyncAsync(Everything, "--numeric-ids", source.Path + "/", scratch["copy"] + "/")).MustExit(0);
        await TreeJudge.MustBeEqualAsync(source.Path, scratch["copy"]);
    }

    [Trait("Category", "Slow")]
    [Fact]
    public async Task ItGoesOverSshAndComesBack()
    {
        using var scratch = new Scratch();
        (await Tool.SyncAsync(server.Ssh, Everything, "--numeric-ids", source.Path + "/", Tool.Remote(scratch["there"] + "/"))).MustExit(0);
        await TreeJudge.MustBeEqualAsync(source.Path, scratch["there"]);
        (await Tool.SyncAsync(server.Ssh, Everything, "--numeric-ids", Tool.Remote(scratch["there"] + "/"), scratch["back"] + "/")).MustExit(0);
        await TreeJudge.MustBeEqualAsync(source.Path, scratch["back"]);
    }

    [Trait("Category", "Slow")]
    [Fact]
    public async Task ItGoesThroughAShellCommandAndComesBack()
    {
        using var scratch = new Scratch();
        string[] rsh = ["-e", server.Ssh.RshCommand];
        (await Tool.SyncAsync([.. rsh, Everything, "--numeric-ids", source.Path + "/", Tool.Remote(scratch["there"] + "/")])).MustExit(0);
        await TreeJudge.MustBeEqualAsync(source.Path, scratch["there"]);
        (await Tool.SyncAsync([.. rsh, Everything, "--numeric-ids", Tool.Remote(scratch["there"] + "/"), scratch["back"] + "/"])).MustExit(0);
        await TreeJudge.MustBeEqualAsync(source.Path, scratch["back"]);
    }

    [Trait("Category", "Slow")]
    [Fact]
    public async Task ASecondRunTransfersNothingAndTouchesNothing()
    {
        using var scratch = new Scratch();
        (await Tool.SyncAsync(server.Ssh, Everything, "--numeric-ids", source.Path + "/", Tool.Remote(scratch["copy"] + "/"))).MustExit(0);
        await MustLeaveAloneAsync(scratch["copy"], () => Tool.SyncAsync(server.Ssh, Everything, "--numeric-ids", "--delete", "-i", source.Path + "/", Tool.Remote(scratch["copy"] + "/")));
        await MustLeaveAloneAsync(scratch["copy"], () => Tool.SyncAsync(Everything, "--numeric-ids", "--delete", "-i", source.Path + "/", scratch["copy"] + "/"));
        await MustLeaveAloneAsync(scratch["copy"], () => Tool.SyncAsync(Everything, "--numeric-ids", "--delete", "--checksum", "-i", source.Path + "/", scratch["copy"] + "/"));
    }

    [Trait("Category", "Slow")]
    [Fact]
    public async Task WhatRsyncCopiedNeedsNothingMore()
    {
        using var scratch = new Scratch();
        (await Tool.RsyncAsync(Everything, "--numeric-ids", source.Path + "/", scratch["copy"] + "/")).MustExit(0);
        await MustLeaveAloneAsync(scratch["copy"], () => Tool.SyncAsync(Everything, "--numeric-ids", "--delete", "-i", source.Path + "/", scratch["copy"] + "/"));
    }

    /// <summary>Not an inode, ctime, mtime or block of the tree changes, and nothing is itemized.</summary>
    private static async Task MustLeaveAloneAsync(string tree, Func<Task<CommandResult>> run)
    {
        Manifest before = await Manifest.ReadAsync(tree, content: false, identity: true);
        CommandResult result = (await run()).MustExit(0);
        Manifest after = await Manifest.ReadAsync(tree, content: false, identity: true);
        Assert.Empty(before.Differences(after));
        Assert.True(result.Output.Length == 0, result.ToString());
    }
}
