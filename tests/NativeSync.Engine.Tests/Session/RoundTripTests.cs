using System.Globalization;
using NativeSync.Engine.Session;
using NativeSync.Protocol;

namespace NativeSync.Engine.Tests.Session;

/// <summary>
/// Round trips, counted and not timed, from the first byte of a session to the last. The start of the agent comes before: two more, as for any program at
/// the other side of an SSH connection (BootstrapTests.AnAgentThatIsThereIsStartedInTwoRoundTrips).
/// </summary>
public sealed class RoundTripTests : IDisposable
{
    private const int FlightsOfTheStart = 4;

    private readonly SyncTree _tree = new();

    public RoundTripTests()
    {
        for (var directory = 0; directory < 10; directory++)
        {
            var path = Directory.CreateDirectory(Path.Combine(_tree.Root, "src", "d" + directory.ToString(CultureInfo.InvariantCulture))).FullName;
            for (var file = 0; file < 100; file++)
            {
                File.WriteAllText(Path.Combine(path, "f" + file.ToString(CultureInfo.InvariantCulture)), new string('x', file));
            }
        }
    }

    public void Dispose() => _tree.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AThousandSmallFilesTakeAtMostSixWithTheStart(bool push) => Assert.InRange(await FlightsAsync(push, "new") + FlightsOfTheStart, 8, 12);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task NothingChangedTakesAtMostTwoBehindTheStart(bool push)
    {
        _tree.Reset("same", "src");
        Assert.InRange(await FlightsAsync(push, "same"), 2, 4);
    }

    private async Task<int> FlightsAsync(bool push, string destination)
    {
        var line = new FlightCounter();
        using var stop = new CancellationTokenSource();
        var carrying = line.RunAsync(stop.Token);
        var agent = Task.Run(async () =>
        {
            await Agent.ServeAsync(line.Far);
            await line.Far.DisposeAsync();
        });
        var request = _tree.Request("src/", destination, JobFlags.Delete) with { };
        var report = await Synchronizer.RunAsync(new OneLane(line.Near), push ? JobKind.Push : JobKind.Pull, request, null, SyncEnvironment.Default, CancellationToken.None);
        var flights = line.Flights;
        await agent.WaitAsync(TimeSpan.FromMinutes(1));
        await stop.CancelAsync();
        await carrying.WaitAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(0, report.ExitCode);
        Assert.Equal("", _tree.Difference("src/", destination));
        return flights;
    }

    private sealed class OneLane(ILane lane) : IConnection
    {
        public string Peer => "the other end";

        public string? DiagnosticText => null;

        public int? ExitCode => null;

        public ValueTask<ILane> OpenLaneAsync(CancellationToken ct = default) => ValueTask.FromResult(lane);

        public ValueTask DisposeAsync() => lane.DisposeAsync();
    }
}
