using System.Globalization;
using System.Text;
using NativeSync.Engine;
using NativeSync.Protocol;

namespace NativeSync.Transport;

/// <summary>
/// The door of an agent that is a process: <c>nativesync serve join</c> (<see cref="LaneJoiner"/>) is started for each further lane, knocks
/// under the session's name and hands over its standard input and output.
/// </summary>
public sealed class SocketDoor : ILaneDoor
{
    /// <summary>Who knocks speaks at once.</summary>
    private const int KnockSeconds = 10;

    /// <summary>The one byte which a lane that is not taken gets back.</summary>
    internal const byte Refused = 1;

    /// <inheritdoc/>
    public IAsyncDisposable? Open(UInt128 session, Func<JoinFrame, ILane, Task<bool>> take)
    {
        ArgumentNullException.ThrowIfNull(take);
        int fd = UnixSocket.Listen(NameOf(session));
        return fd < 0 ? null : new Listener(fd, take);
    }

    /// <summary>A process cannot: what is started for a further lane is a <see cref="LaneJoiner"/> from the start.</summary>
    public Task<bool> PassOnAsync(JoinFrame join, ILane lane) => Task.FromResult(false);

    /// <summary>The name under which a session's agent listens.</summary>
    internal static byte[] NameOf(UInt128 session) => Encoding.ASCII.GetBytes("nativesync-" + session.ToString("x32", CultureInfo.InvariantCulture));

    private sealed class Listener : IAsyncDisposable
    {
        private readonly int _fd;
        private readonly Func<JoinFrame, ILane, Task<bool>> _take;
        private readonly Thread _thread;

        public Listener(int fd, Func<JoinFrame, ILane, Task<bool>> take)
        {
            _fd = fd;
            _take = take;
            _thread = new Thread(Run, 256 * 1024) { IsBackground = true, Name = "door" };
            _thread.Start();
        }

        public ValueTask DisposeAsync()
        {
            UnixSocket.Stop(_fd);
            _thread.Join();
            _ = LibC.close(_fd);
            return ValueTask.CompletedTask;
        }

        private void Run()
        {
            while (UnixSocket.Accept(_fd) is >= 0 and var knock)
            {
                if (UnixSocket.IsOurs(knock))
                {
                    _ = Task.Run(() => ReceiveAsync(knock));
                }
                else
                {
                    _ = LibC.close(knock);
                }
            }
        }

        private async Task ReceiveAsync(int knock)
        {
            int input = -1, output = -1;
            try
            {
                if (TryReceive(knock, out JoinFrame join, out input, out output))
                {
                    var lane = new DescriptorLane(input, output, "a further lane");
                    input = output = -1;
                    bool taken = await _take(join, lane).ConfigureAwait(false);
                    await lane.DisposeAsync().ConfigureAwait(false);
                    if (!taken)
                    {
                        Refuse(knock);
                    }
                }
            }
            catch (Exception e) when (e is ProtocolException or TransportException or IOException)
            {
                // Not a lane of ours.
            }
            finally
            {
                // The process that knocked ends with this, and not before: its caller has closed by now.
                _ = LibC.close(knock);
                if (input >= 0)
                {
                    _ = LibC.close(input);
                    _ = LibC.close(output);
                }
            }
        }

        private static bool TryReceive(int knock, out JoinFrame join, out int input, out int output)
        {
            join = default;
            Span<byte> bytes = stackalloc byte[128];
            UnixSocket.SetReadLimit(knock, KnockSeconds);
            int count = UnixSocket.Receive(knock, bytes, out input, out output);
            if (count <= 0 || input < 0)
            {
                return false;
            }

            join = JoinFrame.Parse(bytes[..count]);
            return true;
        }

        private static unsafe void Refuse(int knock)
        {
            byte answer = Refused;
            _ = LibC.write(knock, &answer, 1);
        }
    }
}
