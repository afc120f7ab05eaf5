using System.IO.Pipelines;
using Microsoft.Extensions.Time.Testing;
using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session;
using NativeSync.Protocol;
using NativeSync.TestKit.Trees;

namespace NativeSync.Engine.Tests.Session;

/// <summary>Dead lines, with a clock that the test turns: who waits for what, and for how long.</summary>
public sealed class KeepAliveTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task SilenceEndsASessionAndASignOfLifeDoesNot()
    {
        var clock = new FakeTimeProvider();
        using var abort = new SessionAbort();
        var (near, far) = InProcessConnection.CreateLanePair();
        await using var frames = new FrameLane(near, abort, clock);
        frames.Start(new LaneSettings { Timeout = TimeSpan.FromSeconds(40) }, 1 << 20, pack => pack.Release());
        for (var i = 0; i < 20; i++)
        {
            clock.Advance(TimeSpan.FromSeconds(30));
            Assert.Null(abort.Reason);
            var before = frames.BytesReceived;
            await far.Output.WriteAsync(ControlFrames.Encode(new PongFrame(1)));
            await UntilAsync(() => frames.BytesReceived > before);
        }

        clock.Advance(TimeSpan.FromSeconds(50));
        Assert.Equal(ExitCodes.Timeout, Assert.IsType<SessionException>(abort.Reason).ExitCode);
        await far.DisposeAsync();
    }

    /// <summary>The line died before the caller said what it wants: no agent stays behind.</summary>
    [Fact]
    public async Task AnAgentThatIsToldNothingEnds()
    {
        var clock = new FakeTimeProvider();
        var (near, far) = InProcessConnection.CreateLanePair();
        var serving = Agent.ServeAsync(far, new SyncEnvironment(LinuxSystemCalls.Instance, clock), CancellationToken.None);
        await near.Input.ReadAsync(); // It has introduced itself.
        clock.Advance(TimeSpan.FromMinutes(9));
        Assert.False(serving.IsCompleted);
        clock.Advance(TimeSpan.FromMinutes(2));
        await near.DisposeAsync();
        Assert.Equal(ExitCodes.Timeout, await serving.WaitAsync(Patience));
    }

    /// <summary>A caller that asks at once says how long its lines may be silent.</summary>
    [Fact]
    public async Task AnAgentThatWasToldHowLongToWaitEndsThen()
    {
        var clock = new FakeTimeProvider();
        var (near, far) = InProcessConnection.CreateLanePair();
        var serving = Agent.ServeAsync(far, new SyncEnvironment(LinuxSystemCalls.Instance, clock) { Patience = TimeSpan.FromSeconds(20) }, CancellationToken.None);
        await near.Input.ReadAsync();
        clock.Advance(TimeSpan.FromSeconds(19));
        Assert.False(serving.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(2));
        await near.DisposeAsync();
        Assert.Equal(ExitCodes.Timeout, await serving.WaitAsync(Patience));
    }

    /// <summary>A session without contents is little more than its beginning and its end.</summary>
    [Trait("Category", "Slow")]
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WhereverAShortSessionFallsSilentBothEndsGiveUpByThemselves(bool toAgent)
    {
        using var scratch = new Scratch();
        Directory.CreateDirectory(scratch["src"]);
        Directory.CreateDirectory(scratch["dst"]);

        // The first one may have a time to set, where the two were not made within one tick of the clock.
        await SilenceAsync(scratch, toAgent, long.MaxValue, new FakeTimeProvider());
        var (length, _, _, _) = await SilenceAsync(scratch, toAgent, long.MaxValue, new FakeTimeProvider());
        Assert.InRange(length, 30, 2000);
        await Parallel.ForAsync(0, length, async (dies, _) =>
        {
            var (_, written, client, agent) = await SilenceAsync(scratch, toAgent, dies, new FakeTimeProvider());

            // What is said of what has arrived is now and then less than in the one measured: then nothing was missing.
            Assert.True(client is ExitCodes.Ok or ExitCodes.Timeout && agent is ExitCodes.Ok or ExitCodes.Timeout && (client + agent > 0 || written <= dies),
                $"silent after {dies} bytes {(toAgent ? "to the agent" : "to the client")}: the client ends with {client}, the agent with {agent}");
        });
    }

    /// <summary>Nobody takes what it has to say, and it has no credit for more.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1 << 20)]
    public async Task AnAgentWhoseManifestNobodyTakesEnds(int credit)
    {
        using var scratch = new Scratch();
        File.WriteAllText(scratch["file"], "content");
        var clock = new FakeTimeProvider();
        var (near, far) = InProcessConnection.CreateLanePair();
        var serving = Agent.ServeAsync(far, new SyncEnvironment(LinuxSystemCalls.Instance, clock), CancellationToken.None);
        var greeting = new System.Buffers.ArrayBufferWriter<byte>();
        Magic.Write(greeting);
        new HelloFrame { MinVersion = ProtocolVersion.Minimum, MaxVersion = ProtocolVersion.Current, Capabilities = default, Role = PeerRole.Client, Build = [], Credit = credit, Session = 0 }.Write(greeting);
        new JobFrame
        {
            Kind = JobKind.Manifest,
            Flags = SyncOptions.ArchiveFlags,
            Numbers = [new(JobNumber.TimeoutSeconds, 20)],
            Texts = [],
            Sources = [System.Text.Encoding.UTF8.GetBytes(scratch.Root + "/")],
            Rules = [],
            Secret = new byte[ProtocolLimits.SecretLength],
        }.Write(greeting);
        await near.Output.WriteAsync(greeting.WrittenMemory);
        while (await Task.WhenAny(serving, Task.Delay(1)) != serving)
        {
            clock.Advance(TimeSpan.FromSeconds(5));
        }

        await serving;

        // How much later says only how busy the machine is.
        Assert.True(clock.GetUtcNow() - clock.Start >= TimeSpan.FromSeconds(20));
        await near.DisposeAsync();
    }

    [Fact]
    public async Task AnAgentThatDoesNotAnswerTheJobIsGivenUp()
    {
        var clock = new FakeTimeProvider();
        var asked = new TaskCompletionSource();
        await using var connection = new InProcessConnection(async (lane, ct) =>
        {
            await lane.Input.ReadAsync(ct);
            asked.SetResult();
            await Task.Delay(Timeout.Infinite, ct);
        });
        var request = new SyncRequest { Sources = ["/nowhere"u8.ToArray()], Destination = "/nowhere"u8.ToArray(), Options = SyncOptions.Archive with { TimeoutSeconds = 20 } };
        var running = Synchronizer.RunAsync(connection, JobKind.Push, request, null, new SyncEnvironment(LinuxSystemCalls.Instance, clock), CancellationToken.None);
        await asked.Task.WaitAsync(Patience);
        clock.Advance(TimeSpan.FromSeconds(21));
        var e = await Assert.ThrowsAsync<SessionException>(() => running.WaitAsync(Patience));
        Assert.Equal(ExitCodes.Timeout, e.ExitCode);
    }

    /// <summary>What a dead further lane holds would hold up all that came later until the time-out of the session.</summary>
    [Theory]
    [InlineData(300, 76)]
    [InlineData(0, 76)]
    [InlineData(20, 26)]
    public async Task ASilentFurtherLaneIsGivenUpAfterAMinuteAndTheSessionGoesOn(int timeout, int noticed)
    {
        var clock = new FakeTimeProvider();
        using var abort = new SessionAbort();
        var group = new LaneGroup(abort, clock);
        var (near, far) = InProcessConnection.CreateLanePair();
        var (further, silent) = InProcessConnection.CreateLanePair();
        await using var first = new FrameLane(near, group, further: false);
        first.Start(new LaneSettings { Timeout = TimeSpan.FromSeconds(timeout) }, 1 << 20, pack => pack.Release());
        var lane = new FrameLane(further, group, further: true);
        Assert.True(group.TryAdd(lane));
        for (var second = 0; second < noticed; second++)
        {
            var before = first.BytesReceived;
            await far.Output.WriteAsync(ControlFrames.Encode(new PongFrame(1)));
            await UntilAsync(() => first.BytesReceived > before);
            clock.Advance(TimeSpan.FromSeconds(1));
        }

        await lane.Ended.WaitAsync(Patience);
        Assert.Null(abort.Reason);
        await far.DisposeAsync();
        await silent.DisposeAsync();
    }

    /// <summary>The line of a lane died before it joined: others are opened nevertheless.</summary>
    [Fact]
    public async Task ALaneThatDoesNotJoinIsGivenUpAndAnotherOneIsAskedFor()
    {
        var clock = new FakeTimeProvider();
        using var abort = new SessionAbort();
        var (near, far) = InProcessConnection.CreateLanePair();
        await using var first = new FrameLane(near, abort, clock);
        var opened = 0;
        await using var connection = new InProcessConnection(async (_, ct) =>
        {
            Interlocked.Increment(ref opened);
            await Task.Delay(Timeout.Infinite, ct);
        });
        first.Start(new LaneSettings(), 1 << 20, pack => pack.Release());
        await using (var opener = new LaneOpener(connection, first, new JoinFrame { Lane = 1, Session = 1, Secret = new byte[32] }, SyncOptions.Archive with { Lanes = 2 }, sends: true))
        {
            opener.Start(TimeSpan.FromMilliseconds(50));
            await UntilAsync(() =>
            {
                clock.Advance(TimeSpan.FromSeconds(1));
                return Volatile.Read(ref opened) > 1;
            });
        }

        Assert.Null(abort.Reason);
        await far.DisposeAsync();
    }

    /// <summary>A limited lane carries a pack in many pieces. What ends the session between two of them is said behind the pack.</summary>
    [Fact]
    public async Task WhyASessionEndsIsSaidBehindThePackThatIsUnderWay()
    {
        const int Length = 300_000;
        var clock = new FakeTimeProvider(); // It stands still: the second piece never gets its turn.
        using var abort = new SessionAbort();
        var (near, far) = InProcessConnection.CreateLanePair();
        await using var frames = new FrameLane(near, abort, clock);
        frames.Start(new LaneSettings { BandwidthLimit = 20_000 }, 1 << 20, pack => pack.Release());
        Append(frames.Outbox, Length);
        var begun = await far.Input.ReadAsync();
        far.Input.AdvanceTo(begun.Buffer.Start);
        abort.Abort(new SessionException(ExitCodes.Stream, "no room"));
        using var limit = new CancellationTokenSource(Patience);
        var types = new List<FrameType>();
        AbortFrame? said = null;
        while (said is null)
        {
            var result = await far.Input.ReadAsync(limit.Token);
            said = Scan(result.Buffer, types, out var consumed);
            far.Input.AdvanceTo(consumed, result.Buffer.End);
            Assert.False(said is null && result.IsCompleted, "the line ended without a word: " + string.Join(' ', types));
        }

        Assert.Equal([FrameType.Records, FrameType.Abort], types);
        Assert.Equal((ExitCodes.Stream, "no room"), (said.Value.Code, System.Text.Encoding.UTF8.GetString(said.Value.Text)));
        await far.DisposeAsync();
    }

    private static void Append(RecordOutbox outbox, int length)
    {
        using var scope = outbox.Enter(length);
        scope.Room[..length].Fill(7);
        scope.Commit(length);
    }

    private static AbortFrame? Scan(in System.Buffers.ReadOnlySequence<byte> buffer, List<FrameType> types, out SequencePosition consumed)
    {
        var reader = new System.Buffers.SequenceReader<byte>(buffer);
        AbortFrame? said = null;
        while (said is null && FrameHeader.TryReadFrame(ref reader, out var header, out var payload))
        {
            types.Add(header.Type);
            said = header.Type == FrameType.Abort ? AbortFrame.Parse(System.Buffers.BuffersExtensions.ToArray(payload)) : null;
        }

        consumed = reader.Position;
        return said;
    }

    /// <summary>A session over a line that dies for both directions when so many bytes have come in one of them. Neither end hears of the other's end.</summary>
    /// <returns>The bytes that came, and the codes with which both ends end.</returns>
    private static async Task<(long Read, long Written, int Client, int Agent)> SilenceAsync(Scratch scratch, bool toAgent, long dies, FakeTimeProvider clock)
    {
        var environment = new SyncEnvironment(LinuxSystemCalls.Instance, clock) { Patience = TimeSpan.FromSeconds(20) };
        var dead = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var (near, far) = InProcessConnection.CreateLanePair();
        var listener = new CuttingLane(toAgent ? far : near, dies, LineEnd.Stalled, () => dead.TrySetResult());
        LaneWithoutEnd here = new(toAgent ? near : listener, dead.Task), there = new(toAgent ? listener : far, dead.Task);
        var client = ClientAsync(new OneLane(here));
        var serving = Agent.ServeAsync(there, environment, CancellationToken.None);
        await Task.WhenAny(client, dead.Task).WaitAsync(Patience);
        var both = Task.WhenAll(client, serving);
        while (await Task.WhenAny(both, Task.Delay(1)) != both)
        {
            clock.Advance(TimeSpan.FromSeconds(5));
        }

        await near.DisposeAsync();
        await far.DisposeAsync();
        return (listener.BytesRead, (toAgent ? here : there).Written, await client, await serving);

        async Task<int> ClientAsync(IConnection connection)
        {
            var request = new SyncRequest
            {
                Sources = [System.Text.Encoding.UTF8.GetBytes(scratch["src/"])],
                Destination = System.Text.Encoding.UTF8.GetBytes(scratch["dst"]),
                Options = SyncOptions.Archive with { TimeoutSeconds = 20, Lanes = 1 },
            };
            try
            {
                return (await Synchronizer.RunAsync(connection, JobKind.Push, request, null, environment, CancellationToken.None)).ExitCode;
            }
            catch (SessionException e)
            {
                return e.ExitCode;
            }
        }
    }

    private static async Task UntilAsync(Func<bool> holds)
    {
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(1));
        using var limit = new CancellationTokenSource(Patience);
        while (!holds())
        {
            await poll.WaitForNextTickAsync(limit.Token);
        }
    }

    private sealed class OneLane(ILane lane) : IConnection
    {
        public string Peer => "the test";

        public string? DiagnosticText => null;

        public int? ExitCode => null;

        public ValueTask<ILane> OpenLaneAsync(CancellationToken ct = default) => ValueTask.FromResult(lane);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    /// <summary>A line over which nobody learns that the other end has gone, and that takes whatever is said once it is dead.</summary>
    private sealed class LaneWithoutEnd(ILane inner, Task dead) : ILane
    {
        public PipeReader Input => inner.Input;

        private readonly Writer _output = new(inner.Output, dead);

        public PipeWriter Output => _output;

        public long Written => _output.Written;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        private sealed class Writer(PipeWriter inner, Task dead) : PipeWriter
        {
            public long Written { get; private set; }

            public override void Advance(int bytes)
            {
                Written += bytes;
                inner.Advance(bytes);
            }

            public override Memory<byte> GetMemory(int sizeHint = 0) => inner.GetMemory(sizeHint);

            public override Span<byte> GetSpan(int sizeHint = 0) => inner.GetSpan(sizeHint);

            public override void CancelPendingFlush() => inner.CancelPendingFlush();

            public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) =>
                dead.IsCompleted ? ValueTask.FromResult(default(FlushResult)) : inner.FlushAsync(cancellationToken);

            public override void Complete(Exception? exception = null)
            {
            }
        }
    }
}
