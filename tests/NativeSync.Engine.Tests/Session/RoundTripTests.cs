using System.Globalization;
using NativeSync.Engine.Session;
using NativeSync.Protocol;

namespace NativeSync.Engine.Tests.Session;

/// <summary>
/// Round trips, counted and not timed, from the agent's greeting to the end of the session. The start of the agent comes before: two more, as for any
/// program at the other side of an SSH connection. The whole, over such a connection, is counted by the transport's RoundTripTests.
/// </summary>
public sealed class RoundTripTests : IDisposable
{
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

    [Trait("Category", "Slow")]
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AThousandSmallFilesTakeTwoBehindTheStart(bool push) => Assert.Equal(2, await RoundTripsAsync(push, "new"));

    [Trait("Category", "Slow")]
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task NothingChangedTakesOneBehindTheStart(bool push)
    {
        _tree.Reset("same", "src");
        Assert.Equal(1, await RoundTripsAsync(push, "same"));
    }

    /// <summary>Who fetches goes without a last word from the other end; not so when that still has sources to remove, which may fail.</summary>
    [Fact]
    public async Task RemovingTheSourcesIsWaitedFor()
    {
        Assert.Equal(3, await RoundTripsAsync(push: false, "new", JobFlags.RemoveSourceFiles));
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(_tree.Root, "src"), "*", SearchOption.AllDirectories));
    }

    private async Task<int> RoundTripsAsync(bool push, string destination, JobFlags more = JobFlags.Delete)
    {
        var line = new FlightCounter();
        using var stop = new CancellationTokenSource();
        var carrying = line.RunAsync(stop.Token);
        var agent = Task.Run(async () =>
        {
            var code = await Agent.ServeAsync(line.Far);
            await line.Far.DisposeAsync();
            return code;
        });
        var request = _tree.Request("src/", destination, more);
        var report = await Synchronizer.RunAsync(new StartedAgent(line), push ? JobKind.Push : JobKind.Pull, request, null, SyncEnvironment.Default, CancellationToken.None);
        var roundTrips = line.RoundTrips;
        Assert.Equal(0, await agent.WaitAsync(TimeSpan.FromMinutes(1)));
        await stop.CancelAsync();
        await carrying.WaitAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(0, report.ExitCode);
        if (more == JobFlags.Delete)
        {
            Assert.Equal("", _tree.Difference("src/", destination));
        }

        return roundTrips;
    }

    /// <summary>As who starts an agent gives it: it has introduced itself before anything is said to it.</summary>
    private sealed class StartedAgent(FlightCounter line) : IConnection
    {
        public string Peer => "the other end";

        public string? DiagnosticText => null;

        public int? ExitCode => null;

        public async ValueTask<ILane> OpenLaneAsync(CancellationToken ct = default)
        {
            var greeting = await line.Near.Input.ReadAsync(ct);
            line.Near.Input.AdvanceTo(greeting.Buffer.Start);
            line.Restart();
            return line.Near;
        }

        public ValueTask DisposeAsync() => line.Near.DisposeAsync();
    }
}
