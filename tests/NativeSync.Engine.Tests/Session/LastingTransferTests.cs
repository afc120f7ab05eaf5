using NativeSync.Engine.Session;
using NativeSync.Protocol;
using Xunit;

namespace NativeSync.Engine.Tests.Session;

/// <summary>A line that drops is taken up again for as long as was said, and for the caller it is one run.</summary>
public sealed class LastingTransferTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly SyncTree _tree = new();
    private readonly List<LineLoss> _losses = [];
    private int _resumed;

    public LastingTransferTests()
    {
        _tree.Fill("src", seed: 1);
        Directory.CreateDirectory(Path.Combine(_tree.Root, "dst/gone"));
    }

    public void Dispose() => _tree.Dispose();

    [Theory]
    [InlineData(JobKind.Push)]
    [InlineData(JobKind.Pull)]
    public async Task ManyCutsAreOneRunWhoseCountsAddUp(JobKind kind)
    {
        const int Cuts = 4;
        var connections = 0;
        var report = await RunAsync(kind, TimeSpan.FromHours(1), TimeProvider.System, _ => Cut(kind, ++connections <= Cuts ? 400_000 : long.MaxValue));
        Assert.Equal(0, report.ExitCode);
        Assert.Empty(_tree.Difference("src/", "dst"));
        Assert.Empty(_tree.TemporaryFiles("dst"));
        Assert.Equal(Cuts, _losses.Count);
        Assert.Equal(Cuts, _resumed);
        Assert.Equal(1, report.Statistics.Deleted);

        // Of what a cut swallowed on its way to a sender nobody knows that it was done; and the agent behind it works off what had come, beside the next.
        var files = Directory.GetFiles(Path.Combine(_tree.Root, "src"), "*", SearchOption.AllDirectories).Count(f => new FileInfo(f).LinkTarget is null) - 1;
        Assert.InRange(report.Statistics.FilesTransferred, kind == JobKind.Pull ? files : 1, files);
    }

    [Fact]
    public async Task ForADayItTriesLessAndLessOftenAndThenSaysWhy()
    {
        JumpingTime clock = new();
        var connections = 0;
        var run = RunAsync(JobKind.Push, TimeSpan.FromHours(24), clock, _ => ++connections == 1
            ? Cut(JobKind.Push, 1000)
            : throw new TransportException(255, "no route to host"));
        Assert.Equal("no route to host", (await Assert.ThrowsAsync<TransportException>(() => run)).Message);
        Assert.Equal([1, 2, 4, 8, 16, 32, 60, 60], _losses.Take(8).Select(l => l.Wait.TotalSeconds));
        Assert.InRange(_losses.Count, (24 * 60) - 10, (24 * 60) + 10);
        Assert.Equal(Enumerable.Range(1, _losses.Count), _losses.Select(l => l.Attempt));
    }

    /// <summary>Thirty times the line is away for three quarters of an hour, and brings more than a megabyte between, packs that are cut not counted.</summary>
    [Trait("Category", "Slow")]
    [Fact]
    public async Task ADayOfOutagesIsOneRun()
    {
        const int Outages = 30;
        var content = new byte[72 << 20];
        new Random(5).NextBytes(content);
        File.WriteAllBytes(Path.Combine(_tree.Root, "src/huge"), content);
        JumpingTime clock = new();
        var away = 0;
        var report = await RunAsync(JobKind.Push, TimeSpan.FromHours(1), clock, _ =>
        {
            if (_losses.Count > 0 && ++away % 50 != 0)
            {
                throw new TransportException(255, "no route to host");
            }

            return Cut(JobKind.Push, away / 50 < Outages ? 2_200_000 : long.MaxValue);
        });
        Assert.Equal(0, report.ExitCode);
        Assert.Empty(_tree.Difference("src/", "dst"));
        Assert.Empty(_tree.TemporaryFiles("dst"));
        Assert.InRange(report.Elapsed, TimeSpan.FromHours(20), TimeSpan.FromHours(25));
        Assert.Equal(Outages, _losses.Count(l => l.Attempt == 1));
        Assert.Equal(TimeSpan.FromSeconds(60), _losses.Max(l => l.Wait));
    }

    /// <summary>Nothing of a file is kept that must not go on within itself, and the line always drops behind more than a megabyte of it.</summary>
    [Theory]
    [InlineData(JobKind.Push)]
    [InlineData(JobKind.Pull)]
    public async Task SendingTheSameAgainAndAgainIsNoProgress(JobKind kind)
    {
        var content = new byte[4 << 20];
        new Random(7).NextBytes(content);
        File.WriteAllBytes(Path.Combine(_tree.Root, "src/large"), content);
        File.Delete(Path.Combine(_tree.Root, "src/sparse"));
        var run = RunAsync(kind, TimeSpan.FromMinutes(5), new JumpingTime(), _ => Cut(kind, 2_200_000), resumeFrom: 0);
        await Assert.ThrowsAsync<TransportException>(() => run);

        // Twenty in vain, ten until the limit; and of those before, as many for each megabyte by which one came a little further than the others.
        Assert.InRange(_losses.Count, 28, 100);
    }

    [Theory]
    [InlineData(TransportFault.Login)]
    [InlineData(TransportFault.HostKey)]
    public async Task WhatWaitingDoesNotHealIsFinal(TransportFault fault)
    {
        var connections = 0;
        await Assert.ThrowsAsync<TransportException>(() => RunAsync(JobKind.Push, TimeSpan.FromHours(1), TimeProvider.System, _ => ++connections == 1
            ? Cut(JobKind.Push, 1000)
            : throw new TransportException(255, "refused") { Fault = fault }));
        Assert.Single(_losses);
    }

    [Fact]
    public async Task AFirstConnectionThatCannotBeHadIsFinal()
    {
        await Assert.ThrowsAsync<TransportException>(() => RunAsync(JobKind.Push, TimeSpan.FromHours(1), TimeProvider.System, _ => throw new TransportException(255, "unknown host")));
        Assert.Empty(_losses);
    }

    [Fact]
    public async Task WithoutALimitACutIsTheEnd()
    {
        await Assert.ThrowsAsync<TransportException>(() => RunAsync(JobKind.Push, TimeSpan.Zero, TimeProvider.System, _ => Cut(JobKind.Push, 1000)));
        Assert.Empty(_losses);
    }

    [Fact]
    public async Task CancellingEndsTheWaiting()
    {
        using CancellationTokenSource stop = new();
        var options = new ReconnectOptions { Limit = TimeSpan.FromHours(1), FirstWait = TimeSpan.FromMinutes(30), LongestWait = TimeSpan.FromMinutes(30), OnLost = _ => stop.Cancel() };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            LastingTransfer.RunAsync(_ => Task.FromResult(Cut(JobKind.Push, 1000)), push: true, Request(), null, options, stop.Token).WaitAsync(Patience));
    }

    [Fact]
    public void TheLastPassIsForecastFromThoseBefore()
    {
        static PassResult Pass(long mebibytes, double seconds) => new(mebibytes << 20, TimeSpan.FromSeconds(seconds));
        Assert.Equal(TimeSpan.Zero, PassForecast.Next([]));
        Assert.Equal(100, PassForecast.Next([Pass(1000, 100)]).TotalSeconds, 1);

        // 10 MiB/s; a pass of 30 s in which 100 MiB came, 20 s of them for looking. 1 MiB changes each second.
        Assert.Equal(20 + 3, PassForecast.Next([Pass(1000, 100), Pass(100, 30)]).TotalSeconds, 1);
        Assert.Equal(5, PassForecast.Next([Pass(1000, 100), Pass(0, 5)]).TotalSeconds, 1);
        Assert.Equal(5, PassForecast.Next([Pass(0, 5), Pass(0, 5)]).TotalSeconds, 1);
    }

    private SyncRequest Request(long resumeFrom = 64 << 10)
    {
        var request = _tree.Request("src/", "dst", JobFlags.Delete);
        return request with { Options = request.Options with { ResumeFrom = resumeFrom } };
    }

    private Task<SyncReport> RunAsync(JobKind kind, TimeSpan limit, TimeProvider clock, Func<int, IConnection> connect, long resumeFrom = 64 << 10)
    {
        var options = new ReconnectOptions
        {
            Limit = limit,
            FirstWait = clock == TimeProvider.System ? TimeSpan.FromMilliseconds(1) : TimeSpan.FromSeconds(1),
            LongestWait = clock == TimeProvider.System ? TimeSpan.FromMilliseconds(1) : TimeSpan.FromSeconds(60),
            Clock = clock,
            OnLost = _losses.Add,
            OnResumed = () => _resumed++,
        };
        return LastingTransfer.RunAsync(async _ => { await Task.Yield(); return connect(0); }, kind == JobKind.Push, Request(resumeFrom), null, options).WaitAsync(Patience);
    }

    private static IConnection Cut(JobKind kind, long after)
    {
        var connection = new InProcessConnection(async (lane, ct) => await Agent.ServeAsync(kind == JobKind.Push ? new CuttingLane(lane, after) : lane, ct));
        return kind == JobKind.Push ? connection : new WrappedConnection(connection, lane => new CuttingLane(lane, after));
    }

    /// <summary>Whoever waits has waited: the clock goes on by itself.</summary>
    private sealed class JumpingTime : TimeProvider
    {
        private long _now;

        public override long GetTimestamp() => Interlocked.Read(ref _now);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Interlocked.Add(ref _now, dueTime.Ticks);
            return System.CreateTimer(callback, state, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }
    }
}
