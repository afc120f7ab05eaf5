using System.Diagnostics;
using System.IO.Pipelines;
using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session;
using NativeSync.Protocol;

namespace NativeSync.Engine.Tests.Session;

/// <summary>
/// The bandwidth limit over real sessions, counted where the bytes leave, after compression, all lanes together. A machine that is busy can only be slower: what
/// must not be exceeded is measured here, and that the limit is reached is <see cref="RateLimiterTests"/>' promise.
/// </summary>
public sealed class PaceTests : IDisposable
{
    private const int Rate = 3_000_000;

    /// <summary>The part of a second whose worth may go at once.</summary>
    private const double Burst = 0.1;

    /// <summary>Of all lanes: they are not paced.</summary>
    private const int Handshakes = 4096;

    private readonly SyncTree _tree = new();

    public void Dispose() => _tree.Dispose();

    [Trait("Category", "Slow")]
    [Fact]
    public async Task NoTwoSecondsCarryMoreThanTheLimitAndThereAreNoBursts()
    {
        Directory.CreateDirectory(Path.Combine(_tree.Root, "src"));
        var random = new Random(3);
        for (var i = 0; i < 4; i++)
        {
            // Half of it shrinks to nothing: the limit is of the wire.
            var bytes = new byte[4_000_000];
            random.NextBytes(bytes.AsSpan(0, 2_500_000));
            File.WriteAllBytes(Path.Combine(_tree.Root, $"src/{i}"), bytes);
        }

        // All at once: they wait most of the time.
        await Task.WhenAll(
            RunAsync(JobKind.Push, 1, null), RunAsync(JobKind.Pull, 1, 1), RunAsync(JobKind.Push, 4, 1), RunAsync(JobKind.Pull, 6, SyncOptions.AdaptLevel));
    }

    private async Task RunAsync(JobKind kind, int lanes, int? level)
    {
        var sent = new List<(long Time, int Bytes)>();
        var environment = new SyncEnvironment(LinuxSystemCalls.Instance, TimeProvider.System);
        var door = new InProcessDoor();
        await using var agent = new InProcessConnection(async (lane, ct) => await Agent.ServeAsync(kind == JobKind.Pull ? new CountingLane(lane, sent) : lane, door, environment, ct));
        await using var connection = new CountingConnection(agent, kind == JobKind.Push ? sent : []);
        var request = _tree.Request("src/", $"dst-{kind}-{lanes}", JobFlags.None);
        request = request with { Options = request.Options with { Lanes = lanes, CompressLevel = level, BandwidthLimit = Rate } };
        var report = await Synchronizer.RunAsync(connection, kind, request, null, environment, CancellationToken.None);
        Assert.Equal(0, report.ExitCode);
        Assert.True(sent.Sum(s => (long)s.Bytes) >= 10_000_000);

        sent.Sort();
        double[] times = [.. sent.Select(s => Stopwatch.GetElapsedTime(sent[0].Time, s.Time).TotalSeconds)];
        for (var from = 0; from < sent.Count; from++)
        {
            // However late a lane is woken: one at a time has its turn, and what it was late by moves the turns of all.
            foreach (var window in (double[])[0.05, 0.5, 2])
            {
                Assert.True(Between(from, window) <= Rate * (window + Burst) + Handshakes, $"{Between(from, window)} bytes in the {window} s from {times[from]:0.00} s: {kind}, {lanes} lanes");
            }
        }

        long Between(int from, double seconds)
        {
            long bytes = 0;
            for (var i = from; i < times.Length && times[i] < times[from] + seconds; i++)
            {
                bytes += sent[i].Bytes;
            }

            return bytes;
        }
    }

    private sealed class CountingConnection(InProcessConnection inner, List<(long Time, int Bytes)> sent) : IConnection
    {
        public string Peer => inner.Peer;

        public string? DiagnosticText => null;

        public int? ExitCode => null;

        public async ValueTask<ILane> OpenLaneAsync(CancellationToken ct = default) => new CountingLane(await inner.OpenLaneAsync(ct), sent);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    private sealed class CountingLane(ILane inner, List<(long Time, int Bytes)> sent) : ILane
    {
        private readonly CountingWriter _output = new(inner.Output, sent);

        public PipeReader Input => inner.Input;

        public PipeWriter Output => _output;

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }

    private sealed class CountingWriter(PipeWriter inner, List<(long Time, int Bytes)> sent) : PipeWriter
    {
        public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
        {
            lock (sent)
            {
                sent.Add((Stopwatch.GetTimestamp(), RateLimiterTests.OnWire(source.Length)));
            }

            return inner.WriteAsync(source, cancellationToken);
        }

        public override void Advance(int bytes) => throw new NotSupportedException();

        public override Memory<byte> GetMemory(int sizeHint = 0) => throw new NotSupportedException();

        public override Span<byte> GetSpan(int sizeHint = 0) => throw new NotSupportedException();

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => inner.FlushAsync(cancellationToken);

        public override void CancelPendingFlush() => inner.CancelPendingFlush();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);
    }
}
