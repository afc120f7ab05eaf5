using System.Buffers;
using System.IO.Pipelines;
using Microsoft.Extensions.Time.Testing;
using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session;
using NativeSync.Protocol;
using NativeSync.TestKit.FileSystem;
using Xunit;

namespace NativeSync.Engine.Tests.Session;

/// <summary>24 hours, by a clock that the test turns. <see cref="LastingTransferTests"/> has those of a line that drops.</summary>
public sealed class SimulatedDayTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Day = TimeSpan.FromHours(24);

    /// <summary>A quarter of the time-out: when a sign of life is asked for.</summary>
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(15);

    private readonly SyncTree _tree = new();
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 11, 25, 0, 0, 0, TimeSpan.Zero));
    private readonly ManualResetEventSlim _goOn = new();
    private readonly TaskCompletionSource _waits = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public SimulatedDayTests()
    {
        _tree.Fill("src", seed: 1);
        File.WriteAllText(Path.Combine(_tree.Root, "src/held"), "a disk that took a day");
    }

    public void Dispose()
    {
        _goOn.Set();
        _tree.Dispose();
        _goOn.Dispose();
    }

    /// <summary>A source whose disk does not answer for a day: both ends go on asking each other, and both learn which limit holds from when on.</summary>
    [Fact]
    public async Task ASessionOutlivesADayOfSilenceAndKeepsItsTimetable()
    {
        Tap near = new(), far = new();
        await using var connection = Connect(near, far);
        var run = RunAsync(connection, () => _clock.GetUtcNow().Hour is >= 8 and < 19 ? 512 * 1024 : 0);
        await _waits.Task.WaitAsync(Patience);
        List<(TimeSpan When, ulong Limit)> limits = [];
        far.Seen = frame => limits.AddRange(frame.Type == FrameType.Limit ? [(_clock.GetUtcNow().TimeOfDay, LimitFrame.Parse(frame.Payload).BytesPerSecond)] : []);
        for (var passed = TimeSpan.Zero; passed < Day; passed += Step)
        {
            long here = near.Bytes, there = far.Bytes;
            _clock.Advance(Step);
            Assert.True(SpinWait.SpinUntil(() => near.Bytes > here && far.Bytes > there, Patience), $"silence at {passed}");
            Assert.False(run.IsCompleted, $"it ended at {passed}");
        }

        _goOn.Set();
        var report = await run;
        Assert.Equal(0, report.ExitCode);
        Assert.InRange(report.Elapsed, Day, Day + Step);
        Assert.Empty(_tree.Difference("src/", "dst"));
        Assert.Equal([512UL * 1024, 0UL], limits.Select(l => l.Limit));
        Assert.InRange(limits[0].When, TimeSpan.FromHours(8), TimeSpan.FromHours(8) + Step);
        Assert.InRange(limits[1].When, TimeSpan.FromHours(19), TimeSpan.FromHours(19) + Step);
    }

    /// <summary>The twin: a peer that says nothing any more is given up, when the time-out says and not before.</summary>
    [Fact]
    public async Task AnEndThatFallsSilentIsGivenUpInTime()
    {
        Tap near = new(), far = new();
        await using var connection = Connect(near, far);
        var run = RunAsync(connection, null);
        await _waits.Task.WaitAsync(Patience);
        near.IsDead = far.IsDead = true;
        for (var i = 0; i < 4; i++)
        {
            _clock.Advance(Step);
            Assert.False(run.IsCompleted);
        }

        // No further than to the time by which it has given up; when it gets the processor to do so is the machine's affair.
        _goOn.Set();
        while (_clock.GetUtcNow().TimeOfDay < TimeSpan.FromMinutes(10) && await Task.WhenAny(run, Task.Delay(1)) != run)
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
        }

        var failure = await Assert.ThrowsAsync<SessionException>(() => run);
        Assert.Equal(ExitCodes.Timeout, failure.ExitCode);
        Assert.True(_clock.GetUtcNow().TimeOfDay >= TimeSpan.FromSeconds(60));
    }

    private WrappedConnection Connect(Tap near, Tap far) => new(
        new InProcessConnection(async (lane, ct) => await Agent.ServeAsync(new TappedLane(lane, far), new SyncEnvironment(LinuxSystemCalls.Instance, _clock), ct)),
        lane => new TappedLane(lane, near));

    private Task<SyncReport> RunAsync(IConnection connection, Func<long>? limit)
    {
        FaultySystemCalls source = new(LinuxSystemCalls.Instance);
        source.Fail(
            call =>
            {
                if (call is { Kind: SystemCall.OpenAt, Name: "held" })
                {
                    _waits.TrySetResult();
                    _goOn.Wait();
                }

                return false;
            },
            Errno.EIO);
        var request = _tree.Request("src/", "dst", JobFlags.None);
        request = request with { Options = request.Options with { TimeoutSeconds = 60, BandwidthNow = limit, Lanes = 1 } };
        return Synchronizer.RunAsync(connection, JobKind.Push, request, null, new SyncEnvironment(source, _clock), CancellationToken.None).WaitAsync(10 * Patience);
    }

    /// <summary>What comes over a lane.</summary>
    private sealed class Tap
    {
        private long _bytes;

        public long Bytes => Interlocked.Read(ref _bytes);

        /// <summary>Told of each frame from now on; set between two frames.</summary>
        public Action<(FrameType Type, byte[] Payload)>? Seen { get; set; }

        /// <summary>Nothing comes any more, and nobody says so.</summary>
        public bool IsDead { get; set; }

        public void Add(in ReadOnlySequence<byte> frames)
        {
            var reader = new SequenceReader<byte>(frames);
            while (Seen is { } seen && FrameHeader.TryRead(ref reader, out var header))
            {
                seen((header.Type, reader.UnreadSequence.Slice(0, header.Length).ToArray()));
                reader.Advance(header.Length);
            }

            Interlocked.Add(ref _bytes, frames.Length);
        }
    }

    private sealed class TappedLane(ILane inner, Tap tap) : ILane
    {
        private readonly TappedReader _input = new(inner.Input, tap);

        public PipeReader Input => _input;

        public PipeWriter Output => inner.Output;

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }

    private sealed class TappedReader(PipeReader inner, Tap tap) : PipeReader
    {
        private ReadOnlySequence<byte> _last;

        public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
        {
            var result = await inner.ReadAsync(cancellationToken);
            while (tap.IsDead && !result.IsCanceled && !result.IsCompleted)
            {
                inner.AdvanceTo(result.Buffer.End);
                result = await inner.ReadAsync(cancellationToken);
            }

            _last = result.Buffer;
            return result;
        }

        public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
        {
            tap.Add(_last.Slice(0, consumed));
            inner.AdvanceTo(consumed, examined);
        }

        public override bool TryRead(out ReadResult result) => inner.TryRead(out result);

        public override void CancelPendingRead() => inner.CancelPendingRead();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);
    }
}
