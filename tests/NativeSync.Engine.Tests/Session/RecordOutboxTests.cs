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
        outbox.AddCredit(1 << 30);
        Send(outbox, 100);
        Assert.True(outbox.Confirm(outbox.First, 1)); // The peer tells of the first lane: there has been a further one.
        for (var i = 0; i < 3; i++)
        {
            Send(outbox, Large);
        }

        Assert.False(outbox.First.MayTake);
        Append(outbox);
        byte[] last = [9, 0];
        outbox.CompleteWith(last);
        var taking = Task.Run(() => (outbox.Take(outbox.First, out var control, out var pack), control, pack));
        SpinWait.SpinUntil(() => outbox.First.Idle || taking.IsCompleted);
        Assert.True(outbox.Confirm(outbox.First, 4));
        var (_, _, finished) = await taking;
        Assert.NotNull(finished);
        Assert.Equal(CreditAnswer.Go, outbox.TakeCredit(outbox.First, finished, 100, out _));
        finished.Return();
        Assert.True(outbox.Take(outbox.First, out var goodbye, out _));
        Assert.Same(last, goodbye);
        Assert.False(outbox.Take(outbox.First, out _, out _));
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
        Assert.True(outbox.Take(outbox.First, out _, out var pack));
        Assert.Equal(CreditAnswer.Go, outbox.TakeCredit(outbox.First, pack!, payload, out _));
        pack!.Return();
    }
}
