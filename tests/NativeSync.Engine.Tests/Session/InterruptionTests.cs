using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session;
using NativeSync.Protocol;
using NativeSync.TestKit.FileSystem;
using Xunit;

namespace NativeSync.Engine.Tests.Session;

/// <summary>A line that is cut anywhere costs the session and nothing else.</summary>
public sealed class InterruptionTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly SyncTree _tree = new();

    public void Dispose() => _tree.Dispose();

    [Trait("Category", "Slow")]
    [Theory]
    [InlineData(JobKind.Push)]
    [InlineData(JobKind.Pull)]
    public async Task ACutAtAnyByteLeavesOldFilesWholeAndTheNextRunCompletes(JobKind kind)
    {
        _tree.Fill("old", seed: 1);
        _tree.Fill("src", seed: 2);
        var length = await Measure(kind);
        var step = Math.Max(1, length / 25);
        for (long cut = 1; cut < length; cut += step)
        {
            _tree.Reset("dst", "old");
            var failure = await Record.ExceptionAsync(() => Run(kind, cut));

            // Sessions differ by some bytes from run to run: a cut behind the last byte is none.
            Assert.True(failure is not null || _tree.Difference("src/", "dst").Length == 0, $"cut at {cut} of {length} went unnoticed");
            _tree.AssertEveryFileIsFrom("dst", "old", "src");
            var report = await Run(kind, long.MaxValue);
            Assert.Equal(0, report.ExitCode);
            Assert.Empty(_tree.Difference("src/", "dst"));
            Assert.Empty(_tree.TemporaryFiles("dst"));
        }
    }

    [Fact]
    public async Task CancellingEndsTheSessionAndLeavesNoTemporaryFiles()
    {
        _tree.Fill("src", seed: 3);
        using var cancellation = new CancellationTokenSource();
        var observer = new CancellingObserver(cancellation);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            Synchronizer.LocalAsync(_tree.Request("src/", "dst", JobFlags.None), observer, cancellation.Token).WaitAsync(Patience));
        Assert.Empty(_tree.TemporaryFiles("dst"));
    }

    /// <summary>
    /// From the first call to the last one, when the other side may be through: what a run throws that is cancelled is the cancellation.
    /// </summary>
    [Theory]
    [InlineData(JobKind.Push)]
    [InlineData(JobKind.Pull)]
    public async Task CancellingAtAnySystemCallIsACancellationOrTooLate(JobKind kind)
    {
        Directory.CreateDirectory(Path.Combine(_tree.Root, "src"));
        File.WriteAllText(Path.Combine(_tree.Root, "src/file"), "content");
        FaultySystemCalls counted = new(LinuxSystemCalls.Instance);
        await CancelledAsync(kind, counted, default);
        int cancelled = 0;
        for (var round = 0; round < Math.Max(100, counted.Calls); round++)
        {
            using var cancellation = new CancellationTokenSource();
            FaultySystemCalls calls = new(LinuxSystemCalls.Instance);
            calls.Fail(call => call.Index == counted.Calls - 1 - (round % counted.Calls) && Cancel(cancellation), Errno.EIO);
            var failure = await Record.ExceptionAsync(() => CancelledAsync(kind, calls, cancellation.Token));
            cancelled += failure is null ? 0 : 1;
            Assert.True(failure is null or OperationCanceledException, $"round {round}: {failure}");
        }

        Assert.NotEqual(0, cancelled);

        static bool Cancel(CancellationTokenSource cancellation)
        {
            cancellation.Cancel();
            return false;
        }
    }

    /// <summary>What is missing is told to the other end, for which it is too late: that is no failure of its own.</summary>
    [Fact]
    public async Task CancellingWhileTheSourcesAreOpenedIsACancellation()
    {
        using var cancellation = new CancellationTokenSource();
        FaultySystemCalls calls = new(LinuxSystemCalls.Instance);
        calls.Fail(
            call =>
            {
                if (call is { Kind: SystemCall.StatAt, Name: "missing" })
                {
                    cancellation.Cancel();
                }

                return false;
            },
            Errno.EIO);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => CancelledAsync(JobKind.Push, calls, cancellation.Token, "missing"));
        Assert.True(cancellation.IsCancellationRequested);
    }

    /// <summary>A durable run whose calling end, the receiver of a pull, has these system calls.</summary>
    private async Task CancelledAsync(JobKind kind, ISystemCalls calls, CancellationToken ct, string source = "src/")
    {
        if (Directory.Exists(Path.Combine(_tree.Root, "dst")))
        {
            Directory.Delete(Path.Combine(_tree.Root, "dst"), recursive: true);
        }

        await using var connection = new InProcessConnection(async (lane, token) => await Agent.ServeAsync(lane, token));
        var request = _tree.Request(source, "dst", JobFlags.None);
        request = request with { Options = request.Options with { Durable = true } };
        await Synchronizer.RunAsync(connection, kind, request, null, SyncEnvironment.Default with { Io = calls }, ct).WaitAsync(Patience, CancellationToken.None);
    }

    private async Task<long> Measure(JobKind kind)
    {
        _tree.Reset("dst", "old");
        var lane = default(CuttingLane);
        await Run(kind, long.MaxValue, l => lane = l);
        return lane!.BytesRead;
    }

    /// <summary>Cuts what the receiving end reads: in a push that is the agent, in a pull the caller.</summary>
    private async Task<SyncReport> Run(JobKind kind, long cut, Action<CuttingLane>? seen = null)
    {
        CuttingLane Cut(ILane lane)
        {
            var cutting = new CuttingLane(lane, cut);
            seen?.Invoke(cutting);
            return cutting;
        }

        await using var inner = new InProcessConnection(
            async (lane, ct) => await Agent.ServeAsync(kind == JobKind.Push ? Cut(lane) : lane, ct));
        var request = _tree.Request("src/", "dst", JobFlags.Delete);
        return kind == JobKind.Push
            ? await Synchronizer.PushAsync(inner, request).WaitAsync(Patience)
            : await Synchronizer.PullAsync(new WrappedConnection(inner, Cut), request).WaitAsync(Patience);
    }

    private sealed class CancellingObserver(CancellationTokenSource cancellation) : ISyncObserver
    {
        private int _entries;

        public void OnEntry(in EntryEvent entry)
        {
            if (Interlocked.Increment(ref _entries) == 5)
            {
                cancellation.CancelAsync();
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
