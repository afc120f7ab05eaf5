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
        await using (var opener = new LaneOpener(connection, first, new JoinFrame { Lane = 1, Session = 1, Secret = new byte[32] }, SyncOptions.Archive with { Lanes = 2 }, TimeSpan.FromMilliseconds(50), sends: true))
        {
            opener.Start();
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

    private static async Task UntilAsync(Func<bool> holds)
    {
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(1));
        using var limit = new CancellationTokenSource(Patience);
        while (!holds())
        {
            await poll.WaitForNextTickAsync(limit.Token);
        }
    }
}
