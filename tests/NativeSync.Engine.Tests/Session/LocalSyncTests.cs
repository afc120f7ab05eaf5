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

    private Task<SyncReport> Sync(string source, string destination, JobFlags more = 0) =>
        Synchronizer.LocalAsync(_tree.Request(source, destination, more)).WaitAsync(TimeSpan.FromMinutes(1));

    private async Task<SyncReport> Push(string source, string destination)
    {
        await using var connection = new InProcessConnection(async (lane, ct) => await Agent.ServeAsync(lane, ct));
        return await Synchronizer.PushAsync(connection, _tree.Request(source, destination, 0)).WaitAsync(TimeSpan.FromMinutes(1));
    }
}
