using NativeSync.Protocol;
using Xunit;

namespace NativeSync.Engine.Tests.Session;

public sealed class LocalSyncTests : IDisposable
{
    private readonly SyncTree _tree = new();

    private string _root => _tree.Root;

    public void Dispose() => _tree.Dispose();

    [Fact]
    public async Task ANewTreeArrivesAsItIs()
    {
        _tree.Fill("src", seed: 7);
        var report = await Sync("src/", "dst");

        Assert.Equal(0, report.ExitCode);
        Assert.Empty(_tree.Difference("src/", "dst"));
        Assert.Equal(Directory.GetFiles(Path.Combine(_root, "src"), "*", SearchOption.AllDirectories).Length - 2, report.Statistics.FilesTransferred);
    }

    [Fact]
    public async Task ASecondRunTransfersNothing()
    {
        _tree.Fill("src", seed: 7);
        await Sync("src/", "dst");
        var report = await Sync("src/", "dst");

        Assert.Equal(0, report.ExitCode);
        Assert.Equal(0, report.Statistics.FilesTransferred);
        Assert.Equal(0, report.Statistics.Created);
        Assert.Equal(0, report.Statistics.MetadataOnly);
    }

    [Fact]
    public async Task ChangesArriveAndExtraneousEntriesGo()
    {
        _tree.Fill("src", seed: 7);
        await Sync("src/", "dst");
        File.AppendAllText(Path.Combine(_root, "src/large"), "more");
        File.Delete(Path.Combine(_root, "src/d1/f3"));
        File.WriteAllText(Path.Combine(_root, "src/new"), "new");
        Directory.CreateDirectory(Path.Combine(_root, "dst/extra/deep"));
        File.WriteAllText(Path.Combine(_root, "dst/extra/deep/x"), "x");
        var report = await Sync("src/", "dst", JobFlags.Delete);

        Assert.Equal(0, report.ExitCode);
        Assert.Equal(2, report.Statistics.FilesTransferred);
        Assert.Equal(4, report.Statistics.Deleted);
        Assert.Empty(_tree.Difference("src/", "dst"));
    }

    [Fact]
    public async Task ADryRunChangesNothing()
    {
        _tree.Fill("src", seed: 7);
        var report = await Sync("src/", "dst", JobFlags.DryRun);

        Assert.Equal(0, report.ExitCode);
        Assert.False(Directory.Exists(Path.Combine(_root, "dst")));
        Assert.True(report.Statistics.Created > 10);
    }

    [Fact]
    public async Task DeltasRebuildTheFile()
    {
        _tree.Fill("src", seed: 7);
        await Push("src/", "dst");
        var path = Path.Combine(_root, "src/large");
        var content = File.ReadAllBytes(path);
        content[content.Length / 2] ^= 0xff;
        File.WriteAllBytes(path, [1, 2, 3, .. content]);
        var report = await Push("src/", "dst");

        Assert.Equal(0, report.ExitCode);
        Assert.Equal(1, report.Statistics.FilesTransferred);
        Assert.True(report.Statistics.MatchedBytes > content.Length / 2, $"matched {report.Statistics.MatchedBytes}");
        Assert.Empty(_tree.Difference("src/", "dst"));
    }

    [Fact]
    public async Task AnswersMayOvertakeTheScanner()
    {
        _tree.Fill("src", seed: 1);
        for (var i = 0; i < 60; i++)
        {
            var report = await Push("src/", $"dst{i % 3}");
            Assert.Equal(0, report.ExitCode);
        }
    }

    [Fact]
    public async Task AChecksumRunFindsWhatTheQuickCheckMisses()
    {
        _tree.Fill("src", seed: 1);
        await Sync("src/", "dst");
        var path = Path.Combine(_root, "dst/d1/f3");
        var time = File.GetLastWriteTimeUtc(path);
        File.WriteAllText(path, new string('x', 3000));
        File.SetLastWriteTimeUtc(path, time);
        File.SetLastWriteTimeUtc(Path.Combine(_root, "src/d1/f3"), time);
        var dry = await Sync("src/", "dst", JobFlags.Checksum | JobFlags.DryRun);
        Assert.Equal(1, dry.Statistics.Updated);
        Assert.StartsWith("x", File.ReadAllText(path), StringComparison.Ordinal);
        var report = await Sync("src/", "dst", JobFlags.Checksum);
        Assert.Equal(1, report.Statistics.FilesTransferred);
        Assert.Empty(_tree.Difference("src/", "dst"));
    }

    [Fact]
    public async Task WhatIsDeletedAtTheEndIsToldByItsWholePath()
    {
        _tree.Fill("src", seed: 1);
        await Push("src/", "dst");
        File.WriteAllText(Path.Combine(_root, "dst/d1/inner/extra"), "x");
        var request = _tree.Request("src/", "dst", JobFlags.Delete);
        var told = new Deletions();
        await using var connection = new InProcessConnection(async (lane, ct) => await Agent.ServeAsync(lane, ct));
        var report = await Synchronizer.PushAsync(connection, request with { Options = request.Options with { DeleteTiming = DeleteTiming.Delay } }, told).WaitAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(0, report.ExitCode);
        Assert.Equal(["d1/inner/extra"], told.Paths);
    }

    [Fact]
    public async Task AMissingSourceIsReportedAndTheOthersArrive()
    {
        _tree.Fill("src", seed: 1);
        var request = _tree.Request("src", "dst/", JobFlags.Delete);
        var report = await Synchronizer.LocalAsync(request with { Sources = [ByteText.FromArgument(Path.Combine(_root, "none")), .. request.Sources] });
        Assert.Equal(ExitCodes.Partial, report.ExitCode);
        Assert.Empty(_tree.Difference("src", "dst/"));
    }

    [Fact]
    public async Task ASingleFileMayGetANewName()
    {
        _tree.Fill("src", seed: 1);
        var report = await Sync("src/large", "copy");
        Assert.Equal(0, report.ExitCode);
        Assert.Equal(File.ReadAllBytes(Path.Combine(_root, "src/large")), File.ReadAllBytes(Path.Combine(_root, "copy")));
    }

    [Fact]
    public async Task SeveralSourcesMergeAndTheFirstWins()
    {
        _tree.Fill("one", seed: 1);
        _tree.Fill("two", seed: 2);
        File.WriteAllText(Path.Combine(_root, "two/d1/only-here"), "x");
        var request = _tree.Request("one/", "dst", JobFlags.Delete);
        var report = await Synchronizer.LocalAsync(request with { Sources = [.. request.Sources, ByteText.FromArgument(Path.Combine(_root, "two/"))] });
        Assert.Equal(0, report.ExitCode);
        Assert.True(File.Exists(Path.Combine(_root, "dst/d1/only-here")));
        Assert.Equal(File.ReadAllBytes(Path.Combine(_root, "one/d2/f3")), File.ReadAllBytes(Path.Combine(_root, "dst/d2/f3")));
    }

    private Task<SyncReport> Sync(string source, string destination, JobFlags more = 0) =>
        Synchronizer.LocalAsync(_tree.Request(source, destination, more)).WaitAsync(TimeSpan.FromMinutes(1));

    private async Task<SyncReport> Push(string source, string destination)
    {
        await using var connection = new InProcessConnection(async (lane, ct) => await Agent.ServeAsync(lane, ct));
        return await Synchronizer.PushAsync(connection, _tree.Request(source, destination, 0)).WaitAsync(TimeSpan.FromMinutes(1));
    }
}
