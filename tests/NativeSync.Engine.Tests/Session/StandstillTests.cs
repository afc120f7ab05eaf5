using System.Globalization;
using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session;
using NativeSync.Protocol;
using NativeSync.TestKit.Trees;

namespace NativeSync.Engine.Tests.Session;

/// <summary>
/// Sessions in which everything is scarce: credit of little more than the largest record, buffers of a few bytes, packs of any size, any number of lanes,
/// lanes that are lost. None stands still. <c>NATIVESYNC_LANE_RUNS</c> says how many, and
/// <c>NATIVESYNC_SEED</c> from which; without them a few.
/// </summary>
public sealed class StandstillTests : IDisposable
{
    /// <summary>The largest file.</summary>
    private const int Largest = 24_000;

    /// <summary>Credit has to hold the largest pack, which fills a buffer of 32 KiB that such a file has opened, while an eighth of it is not granted yet.</summary>
    private const int LeastCredit = 38_000;

    private const int JudgeEvery = 10;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly SyncTree _tree = new();
    private string _setting = "";

    public StandstillTests()
    {
        Fill("src", 1);
        Fill("old", 2);
        Directory.CreateDirectory(Path.Combine(_tree.Root, "empty"));
    }

    public void Dispose() => _tree.Dispose();

    [Trait("Category", "Slow")]
    [Fact]
    public async Task NoSessionStandsStillHoweverLittleCreditAndRoomThereIs()
    {
        var from = Environment.GetEnvironmentVariable("NATIVESYNC_SEED") is { Length: > 0 } given && int.TryParse(given, CultureInfo.InvariantCulture, out var one) ? one : (int?)null;
        var runs = Environment.GetEnvironmentVariable("NATIVESYNC_LANE_RUNS") is { Length: > 0 } wanted ? int.Parse(wanted, CultureInfo.InvariantCulture)
            : from is not null ? 1 : TestRun.IsQuick ? 60 : 300;
        for (var seed = from ?? 0; seed < (from ?? 0) + runs; seed++)
        {
            var story = $"NATIVESYNC_SEED={seed}";
            _tree.Reset("dst", (seed % 3) switch { 0 => "old", 1 => "empty", _ => "src/d0" });
            SyncReport report;
            try
            {
                report = await RunAsync(new Random(seed));
            }
            catch (TimeoutException)
            {
                Assert.Fail(story + ": it stands still; " + _setting);
                return;
            }

            Assert.True(report.ExitCode == 0, story + ": " + string.Join("; ", report.Problems.Select(p => p.Message)));
            Assert.True(seed % JudgeEvery != 0 || _tree.Difference("src/", "dst") == "", story);
        }
    }

    private async Task<SyncReport> RunAsync(Random random)
    {
        var environment = new SyncEnvironment(LinuxSystemCalls.Instance, TimeProvider.System)
        {
            Limits = new LaneLimits { InitialCredit = LeastCredit + random.Next(20_000), PackSize = random.Next(64, 16_000), QueuedPacks = random.Next(1, 4), FixedCredit = random.Next(2) == 0 },
        };
        var (lanes, buffer, loses) = (random.Next(1, 17), random.Next(1, 6_000), random.Next(3) == 0);
        int[] cuts = [.. Enumerable.Range(0, 64).Select(_ => random.Next(200, 100_000))];
        var door = new InProcessDoor();
        await using var connection = new TinyConnection(
            buffer,
            (lane, number) => Agent.ServeAsync(loses && number > 0 ? new CuttingLane(lane, cuts[number % cuts.Length]) : lane, door, environment, CancellationToken.None));
        var request = _tree.Request("src/", "dst", JobFlags.Delete | (random.Next(2) == 0 ? JobFlags.Checksum : 0) | (random.Next(3) == 0 ? JobFlags.WholeFile : 0));
        request = request with
        {
            Options = request.Options with
            {
                Lanes = lanes,
                BlockSize = random.Next(2) == 0 ? 512 : 0,
                CompressLevel = random.Next(3) switch { 0 => null, 1 => 1, _ => SyncOptions.AdaptLevel },
                DetectRenamed = random.Next(4) == 0,
            },
        };
        _setting = $"{environment.Limits}, {lanes} lanes, buffers of {buffer}, loses {loses}, {request.Options.Flags}, blocks {request.Options.BlockSize}, level {request.Options.CompressLevel}, renamed {request.Options.DetectRenamed}";
        return await Synchronizer.RunAsync(connection, random.Next(2) == 0 ? JobKind.Push : JobKind.Pull, request, null, environment, CancellationToken.None).WaitAsync(Patience);
    }

    private void Fill(string name, int seed)
    {
        var root = Path.Combine(_tree.Root, name);
        var random = new Random(5);
        for (var d = 0; d < 4; d++)
        {
            Directory.CreateDirectory(Path.Combine(root, $"d{d}", "inner"));
            for (var f = 0; f < 6; f++)
            {
                var bytes = new byte[f == 0 ? Largest : random.Next(3_000)];
                random.NextBytes(bytes);
                bytes.AsSpan(0, Math.Min(bytes.Length, f % 2 * seed * 100)).Clear();
                File.WriteAllBytes(Path.Combine(root, $"d{d}", f % 2 == 0 ? "inner" : "", $"f{f}"), bytes);
            }
        }

        SyncTree.Shell($"cd {root}; ln d0/f1 d1/hard; ln -s f{seed} link; truncate -s 300K sparse; touch -d '2001-01-0{seed}' d2 d1/f3");
    }

    /// <summary>Lanes with buffers of a few bytes, each served as soon as it is opened.</summary>
    private sealed class TinyConnection(int buffer, Func<ILane, int, Task> serve) : IConnection
    {
        private readonly List<(TinyLane Near, Task Served)> _lanes = [];

        public string Peer => "the test";

        public string? DiagnosticText => null;

        public int? ExitCode => null;

        public ValueTask<ILane> OpenLaneAsync(CancellationToken ct = default)
        {
            var (near, far) = TinyLane.Pair(buffer);
            lock (_lanes)
            {
                var number = _lanes.Count;
                _lanes.Add((near, Task.Run(async () =>
                {
                    await serve(far, number);
                    await far.DisposeAsync();
                }, CancellationToken.None)));
            }

            return ValueTask.FromResult<ILane>(near);
        }

        public async ValueTask DisposeAsync()
        {
            (TinyLane Near, Task Served)[] lanes;
            lock (_lanes)
            {
                lanes = [.. _lanes];
            }

            foreach (var (near, served) in lanes)
            {
                await near.DisposeAsync();
                await served.WaitAsync(Patience);
            }
        }
    }
}
