using NativeSync.Engine.Session;

namespace NativeSync.Engine.Tests.Session;

/// <summary>What an end sends last, and when.</summary>
public sealed class RecordOutboxTests
{
    private const int Large = 1024 * 1024;

    /// <summary>The first lane has all under way that it may: what is left still goes before the last frame.</summary>
    [Fact]
    public async Task TheLastFrameComesBehindAllRecordsHoweverFullTheFirstLaneIs()
    {
        using var abort = new SessionAbort();
        using var outbox = new RecordOutbox(abort);
        outbox.Dispatch.AddCredit(1 << 30);
        Send(outbox, 100);
        Assert.True(outbox.Dispatch.Confirm(outbox.Dispatch.First, 1)); // The peer tells of the first lane: there has been a further one.
        for (var i = 0; i < 3; i++)
        {
            Send(outbox, Large);
        }

        Assert.False(outbox.Dispatch.First.MayTake);
        Append(outbox);
        byte[] last = [9, 0];
        outbox.Dispatch.CompleteWith(last);
        var taking = Task.Run(() => (outbox.Dispatch.Take(outbox.Dispatch.First, out var control, out var pack), control, pack));
        SpinWait.SpinUntil(() => outbox.Dispatch.First.Idle || taking.IsCompleted);
        Assert.True(outbox.Dispatch.Confirm(outbox.Dispatch.First, 4));
        var (_, _, finished) = await taking;
        Assert.NotNull(finished);
        Assert.Equal(CreditAnswer.Go, outbox.Dispatch.TakeCredit(outbox.Dispatch.First, finished, 100, out _));
        finished.Return();
        Assert.True(outbox.Dispatch.Take(outbox.Dispatch.First, out var goodbye, out _));
        Assert.Same(last, goodbye);
        Assert.False(outbox.Dispatch.Take(outbox.Dispatch.First, out _, out _));
    }

    /// <summary>On a further lane they would have to be confirmed before the last frame may go: a round trip more.</summary>
    [Fact]
    public async Task TheLastRecordsAreLeftToTheFirstLaneThoughAFurtherOneIsFree()
    {
        using var abort = new SessionAbort();
        using var outbox = new RecordOutbox(abort);
        outbox.Dispatch.AddCredit(1 << 30);
        var further = new LanePort(isFirst: false);
        outbox.Dispatch.End();
        Append(outbox);
        var taking = Task.Run(() => outbox.Dispatch.Take(further, out _, out _));
        SpinWait.SpinUntil(() => further.Idle || taking.IsCompleted);
        Assert.False(taking.IsCompleted);
        Assert.True(outbox.Dispatch.Take(outbox.Dispatch.First, out _, out var pack));
        Assert.NotNull(pack);
        outbox.Dispatch.Lose(further);
        Assert.False(await taking);
    }

    /// <summary>What the level of compression is judged by: a pack before it that another lane still compresses is the processor, missing credit the line.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task WaitingForAPackBeforeItIsToldFromWaitingForTheLine(bool forTheLine)
    {
        var clock = new CountingClock();
        using var abort = new SessionAbort();
        using var outbox = new RecordOutbox(abort, clock: clock);
        outbox.Dispatch.AddCredit(forTheLine ? 150 : 1000);
        var further = new LanePort(isFirst: false);
        Append(outbox);
        Assert.True(outbox.Dispatch.Take(outbox.Dispatch.First, out _, out var before));
        Append(outbox);
        Assert.True(outbox.Dispatch.Take(further, out _, out var pack));
        if (forTheLine)
        {
            Assert.Equal(CreditAnswer.Go, outbox.Dispatch.TakeCredit(outbox.Dispatch.First, before!, 100, out _));
        }

        // It has looked at the clock when it came, and once more if it is its turn.
        var looks = clock.Looks + (forTheLine ? 2 : 1);
        var waiting = Task.Run(() => outbox.Dispatch.TakeCredit(further, pack!, 100, out _));
        SpinWait.SpinUntil(() => clock.Looks >= looks || waiting.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(5));
        if (forTheLine)
        {
            outbox.Dispatch.AddCredit(1000);
        }
        else
        {
            Assert.Equal(CreditAnswer.Go, outbox.Dispatch.TakeCredit(outbox.Dispatch.First, before!, 100, out _));
        }

        Assert.Equal(CreditAnswer.Go, await waiting);
        Assert.Equal(forTheLine ? 0 : 5, TimeSpan.FromTicks(further.Overtaken).TotalSeconds);
    }

    private static void Append(RecordOutbox outbox)
    {
        using var scope = outbox.Enter(100);
        scope.Room[..100].Clear();
        scope.Commit(100);
    }

    /// <summary>One pack that counts as so many bytes on the line.</summary>
    private static void Send(RecordOutbox outbox, int payload)
    {
        Append(outbox);
        Assert.True(outbox.Dispatch.Take(outbox.Dispatch.First, out _, out var pack));
        Assert.Equal(CreditAnswer.Go, outbox.Dispatch.TakeCredit(outbox.Dispatch.First, pack!, payload, out _));
        pack!.Return();
    }

    private sealed class CountingClock : TimeProvider
    {
        private long _now;
        private long _looks;

        public long Looks => Interlocked.Read(ref _looks);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public void Advance(TimeSpan time) => Interlocked.Add(ref _now, time.Ticks);

        public override long GetTimestamp()
        {
            var now = Interlocked.Read(ref _now);
            Interlocked.Increment(ref _looks);
            return now;
        }
    }
}
