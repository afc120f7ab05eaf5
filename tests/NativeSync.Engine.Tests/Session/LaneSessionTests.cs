using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session;
using NativeSync.Protocol;
using NativeSync.TestKit.Trees;

namespace NativeSync.Engine.Tests.Session;

/// <summary>Whole sessions over several lanes: what they carry is the same, whatever the lanes, and losing one loses nothing.</summary>
public sealed class LaneSessionTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly SyncTree _tree = new();

    public LaneSessionTests()
    {
        _tree.Fill("src", seed: 1);
        _tree.Fill("old", seed: 2);
        File.WriteAllText(Path.Combine(_tree.Root, "old/d1/stale"), "to be deleted");
    }

    public void Dispose() => _tree.Dispose();

    /// <summary>Both directions, every number of lanes, sizes that make everybody wait; onto nothing and onto an older tree; hard links, deltas, deletions.</summary>
    [Fact]
    public async Task EveryNumberOfLanesBringsTheSameTree()
    {
        for (var lanes = 1; lanes <= 7; lanes++)
        {
            foreach (var kind in new[] { JobKind.Push, JobKind.Pull })
            {
                _tree.Reset("dst", lanes % 2 == 0 ? "old" : "src/d0");
                var door = new InProcessDoor();
                var report = await RunAsync(kind, lanes, door, seed: lanes);
                Assert.Equal(0, report.ExitCode);
                Assert.Equal("", _tree.Difference("src/", "dst"));
                Assert.True(lanes == 1 ? door.Joined == 0 : door.Joined > 0, $"{door.Joined} of {lanes - 1} lanes joined");
            }
        }
    }

    /// <summary>Every further lane is cut after some bytes, again and again; new ones take their place or not, and the tree arrives.</summary>
    [Fact]
    public async Task LosingLanesLosesNothing()
    {
        var runs = TestRun.IsQuick ? 6 : 30;
        for (var seed = 0; seed < runs; seed++)
        {
            _tree.Reset("dst", seed % 2 == 0 ? "old" : "src/d0");
            var random = new Random(seed);
            var opened = 0;
            var report = await RunAsync(
                seed % 3 == 0 ? JobKind.Pull : JobKind.Push, lanes: 2 + seed % 4, new InProcessDoor(), seed,
                lane => Interlocked.Increment(ref opened) == 1 ? lane : new CuttingLane(lane, 200 + random.Next(400_000)));
            Assert.True(report.ExitCode == 0, $"seed {seed}");
            Assert.True(_tree.Difference("src/", "dst") == "", $"seed {seed}");
        }
    }

    /// <summary>A lane whose secret is wrong by one bit, or whose session nobody knows, is refused, and the session does not notice.</summary>
    [Fact]
    public async Task AStrangerCannotJoin()
    {
        _tree.Reset("dst", "old");
        var refused = 0;
        var door = new InProcessDoor
        {
            Tamper = join =>
            {
                Interlocked.Increment(ref refused);
                var secret = join.Secret.ToArray();
                secret[^1] ^= 1;
                return join with { Secret = secret };
            },
        };
        var report = await RunAsync(JobKind.Push, lanes: 3, door, seed: 1);
        Assert.Equal(0, report.ExitCode);
        Assert.Equal("", _tree.Difference("src/", "dst"));
        Assert.True(refused > 0);
        Assert.Equal(0, door.Joined);
    }

    private async Task<SyncReport> RunAsync(JobKind kind, int lanes, InProcessDoor door, int seed, Func<ILane, ILane>? wrap = null)
    {
        var random = new Random(seed);
        var environment = new SyncEnvironment(LinuxSystemCalls.Instance, TimeProvider.System)
        {
            // A small file and a piece of a large one are the largest packs; two of them must fit.
            Limits = new LaneLimits { InitialCredit = 1_100_000 + random.Next(200_000), PackSize = random.Next(500, 60_000), QueuedPacks = random.Next(1, 4) },
        };
        await using var connection = new InProcessConnection(async (lane, ct) => await Agent.ServeAsync(wrap?.Invoke(lane) ?? lane, door, environment, ct));
        var request = _tree.Request("src/", "dst", JobFlags.Delete);
        request = request with { Options = request.Options with { Lanes = lanes, BlockSize = 4096, CompressLevel = seed % 2 == 0 ? 1 : null } };
        return await Synchronizer.RunAsync(connection, kind, request, null, environment, CancellationToken.None).WaitAsync(Patience);
    }
}
