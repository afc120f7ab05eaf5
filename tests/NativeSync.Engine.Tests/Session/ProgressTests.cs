using NativeSync.Engine.Session;
using NativeSync.Protocol;
using Xunit;

namespace NativeSync.Engine.Tests.Session;

/// <summary>What is told of a transfer under way is what has arrived, whatever waits on the way there, and in the end all of it.</summary>
public sealed class ProgressTests : IDisposable
{
    private const long Large = 32 << 20;

    /// <summary>So much gets through.</summary>
    private const long Cut = 9 << 20;

    /// <summary>Packs that have come in part, and credit that is granted again by pieces.</summary>
    private const long Slack = 2 << 20;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly SyncTree _tree = new();

    public ProgressTests()
    {
        var content = new byte[Large];
        new Random(3).NextBytes(content);
        Directory.CreateDirectory(Path.Combine(_tree.Root, "src"));
        File.WriteAllBytes(Path.Combine(_tree.Root, "src/large"), content);
    }

    public void Dispose() => _tree.Dispose();

    /// <summary>The other end takes no more: a sender has put much more than that into buffers, and a receiver is in the middle of a file.</summary>
    [Theory]
    [InlineData(JobKind.Push)]
    [InlineData(JobKind.Pull)]
    public async Task WhatWaitsOnTheWayDoesNotCount(JobKind kind)
    {
        TaskCompletionSource stalled = new(TaskCreationOptions.RunContinuationsAsynchronously);
        using CancellationTokenSource stop = new();
        Watch watch = new();
        var run = RunAsync(kind, watch, lane => new CuttingLane(lane, Cut, LineEnd.Stalled, () => stalled.TrySetResult()), stop.Token);
        await Task.WhenAny(stalled.Task, run).WaitAsync(Patience);
        var patience = DateTimeOffset.UtcNow + Patience;
        while (watch.Now.Bytes < Cut - Slack)
        {
            Assert.True(DateTimeOffset.UtcNow < patience, $"{watch.Now} of {Cut} bytes that came");
            await Task.Delay(1);
        }

        Assert.InRange(watch.Now.Bytes, Cut - Slack, Cut);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.WaitAsync(Patience));
    }

    [Theory]
    [InlineData(JobKind.Push)]
    [InlineData(JobKind.Pull)]
    public async Task InTheEndItIsAll(JobKind kind)
    {
        _tree.Fill("src", seed: 2);
        SyncTree.Shell($"cp -a {_tree.Root}/src {_tree.Root}/dst; printf x | dd of={_tree.Root}/dst/large bs=1 seek=5000000 conv=notrunc 2>/dev/null; rm -r {_tree.Root}/dst/d1; touch {_tree.Root}/dst/large {_tree.Root}/dst/d2/f1");
        Watch watch = new();
        var report = await RunAsync(kind, watch, lane => lane, CancellationToken.None).WaitAsync(Patience);
        Assert.Equal(0, report.ExitCode);
        var files = report.Statistics.TotalSize - "d1/f2".Length; // rsync counts what links say, too
        Assert.Equal((files, files, true), (watch.Now.Bytes, watch.Now.TotalBytes, watch.Now.TotalsFinal));
        Assert.Equal(watch.Now.TotalEntries, watch.Now.Entries);
    }

    [Fact]
    public async Task AFileThatIsFetchedGoesOnCountingWhenItIsComplete()
    {
        Watch watch = new();
        await RunAsync(JobKind.Pull, watch, lane => lane, CancellationToken.None).WaitAsync(Patience);
        Assert.Equal(Large, watch.WhenWritten);
        Assert.Equal(Large, watch.Now.Bytes);
    }

    private async Task<SyncReport> RunAsync(JobKind kind, Watch watch, Func<ILane, ILane> wrap, CancellationToken ct)
    {
        var request = _tree.Request("src/", "dst", JobFlags.None);
        await using InProcessConnection inner = new(async (lane, end) => await Agent.ServeAsync(kind == JobKind.Push ? wrap(lane) : lane, end));
        return kind == JobKind.Push
            ? await Synchronizer.PushAsync(inner, request, watch, ct)
            : await Synchronizer.PullAsync(new WrappedConnection(inner, wrap), request, watch, ct);
    }

    private sealed class Watch : ISyncObserver
    {
        private Func<SyncProgress>? _progress;

        public SyncProgress Now => Volatile.Read(ref _progress)?.Invoke() ?? default;

        /// <summary>What counted when the large file had got its place.</summary>
        public long WhenWritten { get; private set; }

        public void OnStart(Func<SyncProgress> progress) => Volatile.Write(ref _progress, progress);

        public void OnEntry(in EntryEvent entry)
        {
            if (entry.Path.AsSpan().SequenceEqual("large"u8))
            {
                WhenWritten = Now.Bytes;
            }
        }

        public void OnProblem(in SyncProblem problem)
        {
        }

        public void OnProgress(in SyncProgress progress)
        {
        }
    }
}
