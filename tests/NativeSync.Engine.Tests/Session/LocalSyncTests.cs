using NativeSync.Protocol;
using Xunit;

namespace NativeSync.Engine.Tests.Session;

public sealed class LocalSyncTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("ns-local-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task ANewTreeArrivesAsItIs()
    {
        Fill("src");
        var report = await Sync("src/", "dst");

        Assert.Equal(0, report.ExitCode);
        Assert.Empty(Difference("src/", "dst"));
        Assert.Equal(Directory.GetFiles(Path.Combine(_root, "src"), "*", SearchOption.AllDirectories).Length - 2, report.Statistics.FilesTransferred);
    }

    [Fact]
    public async Task ASecondRunTransfersNothing()
    {
        Fill("src");
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
        Fill("src");
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
        Assert.Empty(Difference("src/", "dst"));
    }

    [Fact]
    public async Task ADryRunChangesNothing()
    {
        Fill("src");
        var report = await Sync("src/", "dst", JobFlags.DryRun);

        Assert.Equal(0, report.ExitCode);
        Assert.False(Directory.Exists(Path.Combine(_root, "dst")));
        Assert.True(report.Statistics.Created > 10);
    }

    [Fact]
    public async Task DeltasRebuildTheFile()
    {
        Fill("src");
        await Push("src/", "dst");
        var path = Path.Combine(_root, "src/large");
        var content = File.ReadAllBytes(path);
        content[content.Length / 2] ^= 0xff;
        File.WriteAllBytes(path, [1, 2, 3, .. content]);
        var report = await Push("src/", "dst");

        Assert.Equal(0, report.ExitCode);
        Assert.Equal(1, report.Statistics.FilesTransferred);
        Assert.True(report.Statistics.MatchedBytes > content.Length / 2, $"matched {report.Statistics.MatchedBytes}");
        Assert.Empty(Difference("src/", "dst"));
    }

    private Task<SyncReport> Sync(string source, string destination, JobFlags more = 0) =>
        Synchronizer.LocalAsync(Request(source, destination, more)).WaitAsync(TimeSpan.FromMinutes(1));

    private async Task<SyncReport> Push(string source, string destination)
    {
        await using var connection = new InProcessConnection(async (lane, ct) => await Agent.ServeAsync(lane, ct));
        return await Synchronizer.PushAsync(connection, Request(source, destination, 0)).WaitAsync(TimeSpan.FromMinutes(1));
    }

    private SyncRequest Request(string source, string destination, JobFlags more) => new()
    {
        Sources = [ByteText.FromArgument(Path.Combine(_root, source))],
        Destination = ByteText.FromArgument(Path.Combine(_root, destination)),
        Options = SyncOptions.Archive with { Flags = SyncOptions.ArchiveFlags | JobFlags.HardLinks | JobFlags.Sparse | more },
    };

    private void Fill(string name)
    {
        var root = Path.Combine(_root, name);
        for (var d = 0; d < 3; d++)
        {
            var directory = Directory.CreateDirectory(Path.Combine(root, $"d{d}", "inner")).Parent!.FullName;
            for (var f = 0; f < 5; f++)
            {
                File.WriteAllText(Path.Combine(directory, $"f{f}"), new string((char)('a' + f), f * 1000));
            }
        }

        var random = new byte[3_000_000];
        new Random(7).NextBytes(random);
        File.WriteAllBytes(Path.Combine(root, "large"), random);
        File.CreateSymbolicLink(Path.Combine(root, "link"), "d1/f1");
        Shell($"ln {root}/d0/f4 {root}/d1/hard; truncate -s 5M {root}/sparse; echo data >> {root}/sparse; chmod 4711 {root}/d2/f2; touch -d '1960-01-01 00:00:00.123456789' {root}/d1");
    }

    private string Difference(string source, string destination) =>
        Shell($"rsync -naHi --delete --checksum {Path.Combine(_root, source)} {Path.Combine(_root, destination)}");

    private static string Shell(string command)
    {
        using var process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("/bin/sh", ["-c", command])
        {
            RedirectStandardOutput = true,
        })!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return output;
    }
}
