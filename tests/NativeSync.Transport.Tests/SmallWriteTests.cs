using System.Runtime.CompilerServices;
using NativeSync.TestKit;

namespace NativeSync.Transport.Tests;

/// <summary>Lanes of one connection send in turns, first what has waited longest; a few bytes do not wait for the megabytes of the others.</summary>
public sealed class SmallWriteTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <summary>2 KiB are a new lane's first words, or a sign of life; more than that waits behind what is older.</summary>
    [Theory]
    [InlineData(2 * 1024, true)]
    [InlineData(2 * 1024 + 1, false)]
    public async Task AFewBytesGoBeforeWhatHasWaitedLonger(int count, bool first)
    {
        await using PrivateSshd sshd = await PrivateSshd.StartAsync();
        await using SshSession session = await sshd.ConnectAsync();
        await using var lane = Assert.IsType<SshExecLane>(await session.OpenExecLaneAsync("cat"));
        SendTurns turns = TurnsOf(session);
        turns.Enter(new SendTurns.Turn(), since: 0);

        // What the server takes of the lane gets less when it sends, and so few bytes are not made up for.
        uint before = lane.Room, then = 0;
        Thread older = new(() =>
        {
            turns.Enter(new SendTurns.Turn(), since: 1);
            then = lane.Room;
            turns.Leave();
        });
        older.Start();
        Assert.True(SpinWait.SpinUntil(() => WaitingOf(turns).Count == 1, Patience));
        await lane.SendAsync(new byte[count]);
        Assert.True(SpinWait.SpinUntil(() => WaitingOf(turns).Count == 2, Patience));
        turns.Leave();
        Assert.True(older.Join(Patience));
        Assert.Equal(first ? before - (uint)count : before, then);
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_turns")]
    private static extern ref SendTurns TurnsOf(SshSession session);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_waiting")]
    private static extern ref List<(SendTurns.Turn Turn, long Since)> WaitingOf(SendTurns turns);
}
