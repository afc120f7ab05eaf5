using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using NativeSync.Engine;
using NativeSync.Protocol;

namespace NativeSync.Transport.Tests;

/// <summary>Who may bring a further lane to a session: its own user, and who knows its secret.</summary>
public sealed partial class SocketDoorTests
{
    /// <summary>Whoever it is: nobody on a machine of tests has it for itself.</summary>
    private const int Somebody = 65534;

    private const nint SYS_setresuid = 117;

    private const nint Unchanged = -1;

    private static readonly UInt128 s_session = new(1, (ulong)Random.Shared.NextInt64());

    private readonly byte[] _secret = [.. Enumerable.Range(0, ProtocolLimits.SecretLength).Select(i => (byte)i)];

    /// <summary>What came through the door.</summary>
    private readonly ConcurrentQueue<int> _asked = new();

    [Fact]
    public async Task OnlyTheUserOfASessionJoinsItAndOnlyWithAllOfItsSecret()
    {
        await using IAsyncDisposable door = new SocketDoor().Open(s_session, Take)!;
        Assert.True(Knock(Join(1, _secret)));
        for (int bit = 0; bit < _secret.Length * 8; bit++)
        {
            byte[] wrong = [.. _secret];
            wrong[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(Knock(Join(2, wrong)), $"the bit {bit}");
        }

        Assert.False(Knock(Join(2, _secret) with { Session = s_session ^ 1 }, s_session));
        Assert.Equal(1, _asked.Count(static lane => lane == 1));

        // Another user with the right secret does not come as far as being asked for it.
        if (Environment.IsPrivilegedProcess)
        {
            Assert.False(As(Somebody, () => Knock(Join(3, _secret))));
            Assert.DoesNotContain(3, _asked);
            Assert.True(Knock(Join(4, _secret)));
        }
    }

    /// <summary>Who listens under the name of a session may be another user: the lane is not handed over.</summary>
    [Fact]
    public void ALaneIsHandedToItsOwnUserAlone()
    {
        UInt128 name = s_session ^ 2;
        Assert.True(FoundOurs(() => UnixSocket.Listen(SocketDoor.NameOf(name))));
        if (Environment.IsPrivilegedProcess)
        {
            Assert.False(FoundOurs(() => As(Somebody, () => UnixSocket.Listen(SocketDoor.NameOf(name)))));
        }

        bool FoundOurs(Func<int> listen)
        {
            int door = listen();
            int knock = UnixSocket.Connect(SocketDoor.NameOf(name));
            Assert.True(door >= 0 && knock >= 0);
            bool ours = UnixSocket.IsOurs(knock);
            _ = LibC.close(knock);
            _ = LibC.close(door);
            return ours;
        }
    }

    private Task<bool> Take(JoinFrame join, ILane lane)
    {
        _asked.Enqueue(join.Lane);
        return Task.FromResult(join.Matches(s_session, _secret));
    }

    private static JoinFrame Join(int lane, byte[] secret) => new() { Session = s_session, Secret = secret, Lane = lane };

    /// <summary>As the far end of a lane does it: false when the lane was refused, or not so much as taken in.</summary>
    private static bool Knock(JoinFrame join, UInt128? name = null)
    {
        var frame = new ArrayBufferWriter<byte>();
        join.Write(frame);
        var reader = new SequenceReader<byte>(new ReadOnlySequence<byte>(frame.WrittenMemory));
        Assert.True(FrameHeader.TryRead(ref reader, out _));
        int fd = UnixSocket.Connect(SocketDoor.NameOf(name ?? join.Session));
        Assert.True(fd >= 0);
        try
        {
            int nothing = LibC.open("/dev/null", LibC.O_RDWR | LibC.O_CLOEXEC, 0);
            bool sent = UnixSocket.Send(fd, frame.WrittenSpan[(int)reader.Consumed..], nothing, nothing);
            _ = LibC.close(nothing);
            return sent && IsTaken(fd);
        }
        finally
        {
            _ = LibC.close(fd);
        }
    }

    /// <summary>The agent closes without a word when a lane that it took is over; where it did not look at what came, the kernel says that that was lost.</summary>
    private static unsafe bool IsTaken(int fd)
    {
        byte answer;
        return LibC.read(fd, &answer, 1) == 0;
    }

    /// <summary>Does something as another user: the kernel knows users by thread.</summary>
    private static T As<T>(int user, Func<T> what)
    {
        T result = default!;
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            if (syscall(SYS_setresuid, Unchanged, user, Unchanged) != 0)
            {
                failure = new InvalidOperationException("setresuid failed");
                return;
            }

            try
            {
                result = what();
            }
            catch (Exception e)
            {
                failure = e;
            }
            finally
            {
                _ = syscall(SYS_setresuid, Unchanged, 0, Unchanged);
            }
        });
        thread.Start();
        thread.Join();
        return failure is null ? result : throw failure;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint syscall(nint number, nint real, nint effective, nint saved);
}
