using System.IO.Pipelines;
using NativeSync.Engine;

namespace NativeSync.Transport.Tests;

/// <summary>Where further lanes go: channels of what is there, further connections, and what is left when a server refuses one or the other.</summary>
public sealed class AgentConnectionTests
{
    private static readonly RemoteCommand Join = RemoteCommand.OfText("join");

    /// <summary>Where packets that are lost hold a connection up, and where the other end sends and nobody knows.</summary>
    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public async Task EveryLaneGetsAConnectionOfItsOwn(bool fills, bool sends)
    {
        var server = new Server { FillsLine = fills, MaxConnections = 16 };
        await using AgentConnection connection = server.Connect();
        Assert.Equal(3, connection.PlanLanes(sends, out bool isEnough));
        Assert.False(isEnough);
        await OpenAsync(connection, 16);
        Assert.Equal([0, .. Enumerable.Repeat(1, 15)], server.Shells.Select(shell => shell.Lanes.Count));
    }

    [Fact]
    public async Task AConnectionThatFillsTheLineTakesEightLanesAndEveryOtherOneTwo()
    {
        var server = new Server { FillsLine = true };
        await using AgentConnection connection = server.Connect();
        Assert.Equal(7, connection.PlanLanes(sends: true, out bool isEnough));
        Assert.True(isEnough);
        await OpenAsync(connection, 10);
        Assert.Equal([7, 2], server.Shells.Select(shell => shell.Lanes.Count));
    }

    /// <summary>MaxSessions 1: every lane gets a connection of its own, and none that carries a lane is closed.</summary>
    [Fact]
    public async Task AServerThatAllowsOneChannelGetsMoreConnections()
    {
        var server = new Server { MaxChannels = 1 };
        await using AgentConnection connection = server.Connect(channelsTaken: 1);
        await OpenAsync(connection, 4);
        Shell[] used = [.. server.Shells.Where(shell => shell.Lanes.Count > 0)];
        Assert.Equal([1, 1, 1], used.Select(shell => shell.Lanes.Count));
        Assert.All(used, shell => Assert.False(shell.Disposed));
    }

    /// <summary>MaxStartups: what is there has to do, beyond what it is usually given.</summary>
    [Fact]
    public async Task AServerThatAllowsNoMoreConnectionsGetsMoreChannels()
    {
        var server = new Server { MaxConnections = 1 };
        await using AgentConnection connection = server.Connect();
        await OpenAsync(connection, 8);
        Assert.Equal([7], server.Shells.Select(shell => shell.Lanes.Count));
    }

    [Fact]
    public async Task AServerThatAllowsNeitherSaysSo()
    {
        var server = new Server { MaxChannels = 1, MaxConnections = 1 };
        await using AgentConnection connection = server.Connect(channelsTaken: 1);
        await connection.OpenLaneAsync();
        await Assert.ThrowsAsync<TransportException>(async () => await connection.OpenLaneAsync());
    }

    private static async Task OpenAsync(AgentConnection connection, int lanes)
    {
        for (int i = 0; i < lanes; i++)
        {
            await connection.OpenLaneAsync();
        }
    }

    private sealed class Server
    {
        public List<Shell> Shells { get; } = [];

        public int MaxChannels { get; init; } = 10;

        public int MaxConnections { get; init; } = 10;

        public bool FillsLine { get; init; }

        public AgentConnection Connect(int channelsTaken = 0)
        {
            var first = new Shell(MaxChannels - channelsTaken) { FillsLine = FillsLine };
            Shells.Add(first);
            return new AgentConnection(first, Join, new Lane(), ownsShell: true, Another);
        }

        private Task<IRemoteShell> Another(CancellationToken ct)
        {
            if (Shells.Count(shell => !shell.Disposed) >= MaxConnections)
            {
                return Task.FromException<IRemoteShell>(new TransportException(255, "the test allows no more connections"));
            }

            var shell = new Shell(MaxChannels);
            Shells.Add(shell);
            return Task.FromResult<IRemoteShell>(shell);
        }
    }

    private sealed class Shell(int maxChannels) : IRemoteShell
    {
        public List<Lane> Lanes { get; } = [];

        public bool Disposed { get; private set; }

        public bool FillsLine { get; init; }

        public string Peer => "the test";

        public ValueTask<IExecLane> StartAsync(RemoteCommand command, bool statusIsFault, CancellationToken ct)
        {
            if (Lanes.Count >= maxChannels)
            {
                throw new TransportException(255, "the test allows no more channels");
            }

            var lane = new Lane();
            Lanes.Add(lane);
            return ValueTask.FromResult<IExecLane>(lane);
        }

        public ValueTask DisposeAsync()
        {
            Disposed = true;
            return ValueTask.CompletedTask;
        }
    }

    private sealed class Lane : IExecLane
    {
        private readonly TaskCompletionSource _ended = new();

        public int? ExitCode => null;

        public string? DiagnosticText => null;

        public string RawDiagnostics => "";

        public long BytesMoved => 0;

        public Task Ended => _ended.Task;

        public PipeReader Input { get; } = new Pipe().Reader;

        public PipeWriter Output { get; } = new Pipe().Writer;

        public ValueTask DisposeAsync()
        {
            _ended.TrySetResult();
            return ValueTask.CompletedTask;
        }
    }
}
