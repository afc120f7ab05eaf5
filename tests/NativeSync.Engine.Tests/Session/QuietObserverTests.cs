using System.Collections.Concurrent;
using NativeSync.Protocol;
using Xunit;

namespace NativeSync.Engine.Tests.Session;

/// <summary>Who hears nothing of entries is spared the telling, not the counts, nor what is left out on purpose.</summary>
public sealed class QuietObserverTests : IDisposable
{
    private readonly SyncTree _tree = new();

    public void Dispose() => _tree.Dispose();

    [Theory]
    [InlineData(JobKind.Push)]
    [InlineData(JobKind.Pull)]
    public async Task OnlyWhatIsLeftOutIsTold(JobKind kind)
    {
        _tree.Fill("src", seed: 1);
        SyncTree.Shell($"mkfifo {_tree.Root}/src/fifo; mkdir {_tree.Root}/dst; echo old > {_tree.Root}/dst/old");
        Watch heard = new(true), quiet = new(false);
        var told = await RunAsync(kind, heard);
        SyncTree.Shell($"rm -r {_tree.Root}/dst; mkdir {_tree.Root}/dst; echo old > {_tree.Root}/dst/old");
        var report = await RunAsync(kind, quiet);
        Assert.Equal(["NotRegular fifo"], quiet.Entries);
        Assert.Contains("Deleted old", heard.Entries);
        Assert.Contains("Created large", heard.Entries);
        Assert.Contains("NotRegular fifo", heard.Entries);
        Assert.Equal((told.Statistics.Created, told.Statistics.Deleted, told.Statistics.Linked), (report.Statistics.Created, report.Statistics.Deleted, report.Statistics.Linked));
        SyncTree.Shell($"rm {_tree.Root}/src/fifo");
        Assert.Equal("", _tree.Difference("src/", "dst --omit-dir-times"));
    }

    private async Task<SyncReport> RunAsync(JobKind kind, Watch watch)
    {
        var request = _tree.Request("src/", "dst", JobFlags.Delete);
        request = request with { Options = request.Options with { Flags = request.Options.Flags & ~JobFlags.Specials } };
        await using InProcessConnection connection = new(static async (lane, end) => await Agent.ServeAsync(lane, end));
        return await (kind == JobKind.Push ? Synchronizer.PushAsync(connection, request, watch) : Synchronizer.PullAsync(connection, request, watch));
    }

    private sealed class Watch(bool hears) : ISyncObserver
    {
        private readonly ConcurrentQueue<string> _entries = new();

        public bool HearsEntries => hears;

        public IReadOnlyCollection<string> Entries => _entries;

        public void OnEntry(in EntryEvent entry) => _entries.Enqueue($"{entry.Kind} {ByteText.Escape(entry.Path)}");

        public void OnProblem(in SyncProblem problem)
        {
        }

        public void OnProgress(in SyncProgress progress)
        {
        }
    }
}
