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
