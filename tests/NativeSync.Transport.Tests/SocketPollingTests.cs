using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace NativeSync.Transport.Tests;

public sealed class SocketPollingTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <summary>Nothing but errors and the end, which the kernel always tells (8 and 16), by the mark that the runtime gave.</summary>
    [Fact]
    public async Task OnlyErrorsAreLeftToThePolling()
    {
        using var line = await PolledLine.OpenAsync();
        (string events, string data) before = line.Watched();
        SocketPolling.Quiet(line.Near);
        (string events, string data) after = line.Watched();
        Assert.NotEqual("80000018", before.events);
        Assert.Equal(("80000018", before.data), after);
    }

    /// <summary>The runtime tries a send of which a part has gone once more, takes the error of that for a full buffer, and waits to be told.</summary>
    [Fact]
    public async Task ASendOfWhichAPartHasGoneHearsOfTheEnd()
    {
        using var line = await PolledLine.OpenAsync();
        SocketPolling.Quiet(line.Near);
        Task<SocketException> sending = Task.Factory.StartNew(
            () => Assert.Throws<SocketException>(() => line.Near.Send(new byte[64 << 20])), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        TcpInfo info = new();
        Assert.True(SpinWait.SpinUntil(() => info.Read(line.Near) && info.Unsent > 0, Patience));
        line.Far.LingerState = new LingerOption(true, 0);
        line.Far.Dispose();
        SocketException error = await sending.WaitAsync(Patience);
        Assert.Contains(error.SocketErrorCode, new[] { SocketError.ConnectionReset, SocketError.Shutdown });
    }

    /// <summary>A server may hang up right after the login, and the number be another file's by then.</summary>
    [Fact]
    public void TheDescriptorOfASocketThatIsClosedIsLeftAlone()
    {
        using Socket open = new(SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
        int number = (int)open.Handle, flags = LibC.fcntl(number, LibC.F_GETFL, 0);
        Assert.NotEqual(0, flags & LibC.O_NONBLOCK);
        Socket closed = new(new SafeSocketHandle(number, ownsHandle: false));
        closed.Dispose();
        SshSocket.MakeBlocking(closed);
        Assert.Equal(flags, LibC.fcntl(number, LibC.F_GETFL, 0));
    }

    /// <summary>A connection whose near end the runtime polls, and whose descriptor blocks.</summary>
    private sealed class PolledLine(Socket near, Socket far) : IDisposable
    {
        public Socket Near => near;

        public Socket Far => far;

        public static async Task<PolledLine> OpenAsync()
        {
            using TcpListener listener = new(IPAddress.Loopback, 0);
            listener.Start();
            Socket near = new(SocketType.Stream, ProtocolType.Tcp);
            await near.ConnectAsync(listener.LocalEndpoint);
            Socket far = await listener.AcceptSocketAsync();
            Task<int> waiting = near.ReceiveAsync(new byte[1], SocketFlags.None);
            await far.SendAsync(new byte[1], SocketFlags.None);
            Assert.Equal(1, await waiting.WaitAsync(Patience));
            SshSocket.MakeBlocking(near);
            return new PolledLine(near, far);
        }

        /// <summary>What an epoll descriptor of this process says of the near end.</summary>
        public (string Events, string Data) Watched()
        {
            string number = ((int)near.Handle).ToString(CultureInfo.InvariantCulture);
            string[] words = Directory.GetFiles("/proc/self/fdinfo").SelectMany(LinesOf).Select(line => line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
                .Single(words => words is ["tfd:", var fd, ..] && fd == number);
            return (words[3], words[5]);
        }

        public void Dispose()
        {
            near.Dispose();
            far.Dispose();
        }

        /// <summary>Other tests open and close files meanwhile.</summary>
        private static string[] LinesOf(string file)
        {
            try
            {
                return File.ReadAllLines(file);
            }
            catch (IOException)
            {
                return [];
            }
        }
    }
}
