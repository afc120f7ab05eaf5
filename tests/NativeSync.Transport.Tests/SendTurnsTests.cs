namespace NativeSync.Transport.Tests;

public sealed class SendTurnsTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    [Fact]
    public void WhatHasWaitedLongestIsServedFirst()
    {
        SendTurns turns = new();
        turns.Enter(new SendTurns.Turn(), since: 0);
        List<int> served = [];
        Thread[] threads = [.. ((int[])[5, 2, 7, 1, 2]).Select(since => WaitsFor(turns, () => served.Add(since), since))];
        turns.Leave();
        Assert.All(threads, thread => Assert.True(thread.Join(Patience)));
        Assert.Equal([1, 2, 2, 5, 7], served);
    }

    [Fact]
    public void OfEqualsWhoAsksFirstIsServedFirst()
    {
        SendTurns turns = new();
        turns.Enter(new SendTurns.Turn(), since: 0);
        List<int> served = [];
        Thread[] threads = [.. Enumerable.Range(0, 8).Select(i => WaitsFor(turns, () => served.Add(i)))];
        turns.Leave();
        Assert.All(threads, thread => Assert.True(thread.Join(Patience)));
        Assert.Equal(Enumerable.Range(0, 8), served);
    }

    /// <summary>Who has just had its turn and asks again comes behind those whose bytes wait as long.</summary>
    [Fact]
    public void NobodyIsServedTwiceWhileAnEqualWaits()
    {
        SendTurns turns = new();
        SendTurns.Turn ours = new();
        turns.Enter(ours, since: 0);
        bool served = false;
        Thread other = WaitsFor(turns, () => served = true);
        turns.Leave();
        turns.Enter(ours, since: 0);
        Assert.True(served);
        turns.Leave();
        Assert.True(other.Join(Patience));
    }

    /// <summary>Who has just had its turn has the next one, too, while its bytes wait longer than all others; but none is kept waiting for ever.</summary>
    [Fact]
    public void WhatHasWaitedLongestGoesOnButEveryEighthTurnIsTheOthers()
    {
        SendTurns turns = new();
        SendTurns.Turn ours = new();
        turns.Enter(ours, since: 1);
        bool served = false;
        Thread other = WaitsFor(turns, () => served = true, since: 2);
        List<bool> seen = [];
        for (int i = 0; i < 8; i++)
        {
            turns.Again(ours, since: 1);
            seen.Add(Volatile.Read(ref served));
        }

        turns.Leave();
        Assert.True(other.Join(Patience));
        Assert.Equal([false, false, false, false, false, false, false, true], seen);
    }

    /// <summary>The same where its next bytes are younger: the others come first.</summary>
    [Fact]
    public void WhatIsYoungerWaitsForWhatIsOlder()
    {
        SendTurns turns = new();
        SendTurns.Turn ours = new();
        turns.Enter(ours, since: 1);
        bool served = false;
        Thread other = WaitsFor(turns, () => served = true, since: 2);
        turns.Again(ours, since: 3);
        Assert.True(served);
        turns.Leave();
        Assert.True(other.Join(Patience));
    }

    [Fact]
    public void NoTurnIsLostAndNoTwoAreAtOnce()
    {
        SendTurns turns = new();
        int inside = 0, overlaps = 0, total = 0;
        Thread[] threads = [.. Enumerable.Range(0, 6).Select(_ => new Thread(() =>
        {
            SendTurns.Turn turn = new();
            for (int i = 0; i < 20_000; i++)
            {
                turns.Enter(turn, since: i % 3);
                for (int again = i % 4; again >= 0; again--)
                {
                    overlaps += Interlocked.Increment(ref inside) == 1 ? 0 : 1;
                    total += again == 0 ? 1 : 0;
                    Interlocked.Decrement(ref inside);
                    if (again > 0)
                    {
                        turns.Again(turn, since: again);
                    }
                }

                turns.Leave();
            }
        }))];
        Assert.All(threads, thread => thread.Start());
        Assert.All(threads, thread => Assert.True(thread.Join(Patience)));
        Assert.Equal((0, 120_000), (overlaps, total));
    }

    /// <summary>A thread that has asked, and waits.</summary>
    private static Thread WaitsFor(SendTurns turns, Action whenServed, long since = 0)
    {
        Thread thread = new(() =>
        {
            turns.Enter(new SendTurns.Turn(), since);
            whenServed();
            turns.Leave();
        });
        thread.Start();
        Assert.True(SpinWait.SpinUntil(() => (thread.ThreadState & ThreadState.WaitSleepJoin) != 0, Patience));
        return thread;
    }
}
