using System.Globalization;
using Microsoft.Extensions.Time.Testing;
using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session;
using NativeSync.Protocol;
using NativeSync.TestKit;
using NativeSync.TestKit.FileSystem;
using NativeSync.TestKit.Trees;
using Xunit;
using Xunit.Abstractions;

namespace NativeSync.Engine.Tests.Session;

/// <summary>
/// A small session that has of everything something (a delta, packs of small files, links, deletions, a file in the place for what is
/// resumed), ended after each of its bytes in each direction: no file is half, nothing stays open or rented, and the next run makes
/// the trees equal and leaves nothing behind. rsync is the judge.
/// </summary>
public sealed class SweepTests : IDisposable
{
    /// <summary>Sessions that are judged together.</summary>
    private const int Batch = 64;

    /// <summary>NATIVESYNC_SWEEP: 1 for each byte, K/N for the K-th of N parts of them. Else samples: there are some ten thousand sessions, of a dozen threads each.</summary>
    private static readonly string[]? EveryByte = Environment.GetEnvironmentVariable("NATIVESYNC_SWEEP") is { Length: > 0 } part ? part.Split('/') : null;

    private static readonly int Parts = EveryByte is [_, var parts] ? int.Parse(parts, CultureInfo.InvariantCulture) : 1;

    private static readonly int Part = Parts > 1 ? int.Parse(EveryByte![0], CultureInfo.InvariantCulture) - 1 : 0;

    /// <summary>A watchdog; no session takes a thousandth of it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly ITestOutputHelper _output;
    private readonly Scratch _scratch = new();
    private readonly BufferLedger _ledger = new();
    private readonly Dictionary<string, byte[][]> _contents = [];

    public SweepTests(ITestOutputHelper output)
    {
        _output = output;
        Fill("old/0", 1);
        Fill("src/0", 2);
        foreach (var root in new[] { _scratch["old/0"], _scratch["src/0"] })
        {
            foreach (var file in Directory.GetFiles(root, "*", SearchOption.AllDirectories))
            {
                var name = Path.GetRelativePath(root, file);
                _contents[name] = [.. _contents.GetValueOrDefault(name, []), File.ReadAllBytes(file)];
            }
        }

        SyncTree.Shell($"cd {_scratch.Root} && for i in $(seq 1 {Batch - 1}); do cp -a old/0 old/$i; cp -a src/0 src/$i; done");
    }

    public void Dispose()
    {
        _ledger.Dispose();
        _scratch.Dispose();
    }

    [Trait("Category", "Slow")]
    [Theory]
    [InlineData(JobKind.Push, true, LineEnd.Broken, 1)]
    [InlineData(JobKind.Push, false, LineEnd.Broken, 1)]
    [InlineData(JobKind.Pull, true, LineEnd.Broken, 5)]
    [InlineData(JobKind.Pull, false, LineEnd.Broken, 5)]
    [InlineData(JobKind.Push, true, LineEnd.HalfClosed, 19)]
    [InlineData(JobKind.Push, false, LineEnd.HalfClosed, 19)]
    [InlineData(JobKind.Push, true, LineEnd.Stalled, 37)]
    [InlineData(JobKind.Push, false, LineEnd.Stalled, 37)]
    public async Task AfterEachByteOfASessionTheNextRunCompletes(JobKind kind, bool toAgent, LineEnd end, int step)
    {
        step = EveryByte is not null && end == LineEnd.Broken ? 1 : step * (EveryByte is not null ? 1 : TestRun.IsQuick ? 61 : 6);
        var length = 0L;
        for (var i = 0; i < 3; i++)
        {
            SyncTree.Shell($"rm -rf {_scratch["dst"]} && cp -a {_scratch["old"]} {_scratch["dst"]}");
            length = Math.Max(length, await MeasureAsync(kind, toAgent, place: i));
        }

        Assert.InRange(length, 100, 9000);
        var sessions = 0L;
        for (long first = (long)Part * Batch * step; first < length; first += (long)Parts * Batch * step)
        {
            var cuts = Math.Min(Batch, (length - first + step - 1) / step);
            sessions += cuts;
            SyncTree.Shell($"rm -rf {_scratch["dst"]} && cp -a {_scratch["old"]} {_scratch["dst"]}");
            await Parallel.ForAsync(0, (int)cuts, async (place, _) => await CutAndRunAgainAsync(kind, toAgent, end, first + (place * step), place));
            var places = string.Join(' ', Enumerable.Range(0, (int)cuts).Select(place => $"src/{place}"));
            Assert.Empty(SyncTree.Shell($"cd {_scratch.Root} && rsync -naHXSi --checksum --delete {places} dst"));
        }

        _output.WriteLine($"sweep: {sessions} sessions of {length} bytes were ended, and each was followed by another");
        Assert.DoesNotContain(Directory.GetFiles("/proc/self/fd"), fd => new FileInfo(fd).LinkTarget?.StartsWith(_scratch.Root, StringComparison.Ordinal) == true);
    }

    private static void Untimed(string path, int seed) => File.SetLastWriteTimeUtc(path, new DateTime(2020, 1, seed, 0, 0, 0, DateTimeKind.Utc).AddTicks(1234567 * seed));

    private void Fill(string name, int seed)
    {
        var root = _scratch[name];
        Directory.CreateDirectory(Path.Combine(root, "dir", "deep"));
        void Put(string file, int length, int content, int changed = 0)
        {
            var bytes = new byte[length];
            new Random(content).NextBytes(bytes);
            bytes.AsSpan(length / 2, changed).Fill((byte)seed);
            File.WriteAllBytes(Path.Combine(root, file), bytes);
            Untimed(Path.Combine(root, file), seed);
        }

        Put("delta", 6000, content: 1, changed: 300);
        Put("dir/kept", 40, content: 2);
        Put("dir/other", 200 + seed, content: seed);
        Put("dir/deep/empty", 0, content: 1);
        Put($"dir/only-{seed}", 50, content: 4);
        File.CreateSymbolicLink(Path.Combine(root, "link"), $"dir/only-{seed}");
        SyncTree.Shell($"cd {root}; ln dir/{(seed == 1 ? "kept" : "other")} hard; mkdir gone-{seed}; : > gone-{seed}/f; chmod 4711 dir/other; touch -hd '2020-02-0{seed}' link; "
            + "head -c 300000 /dev/zero | tr '\\0' " + seed + " > large; touch -d '2020-03-0" + seed + "' large gone-* dir/deep; touch -d '2020-04-0" + seed + "' dir .");
    }

    private async Task<long> MeasureAsync(JobKind kind, bool toAgent, int place)
    {
        CuttingLane? lane = null;
        var (failure, report) = await RunAsync(kind, place, TimeProvider.System, inner => lane = new CuttingLane(inner, long.MaxValue), toAgent);
        Assert.Null(failure);
        Assert.Equal(0, report!.ExitCode);
        return lane!.BytesRead;
    }

    private async Task CutAndRunAgainAsync(JobKind kind, bool toAgent, LineEnd end, long cut, int place)
    {
        var what = $"{kind} {end} after {cut} bytes {(toAgent ? "to the agent" : "to the client")}";
        FakeTimeProvider? clock = end == LineEnd.Stalled ? new() : null;
        TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        var run = RunAsync(kind, place, clock ?? TimeProvider.System, inner => new CuttingLane(inner, cut, end, () => ended.TrySetResult()), toAgent);
        if (clock is not null)
        {
            await Task.WhenAny(ended.Task, run);
            while (await Task.WhenAny(run, Task.Delay(1)) != run)
            {
                clock.Advance(TimeSpan.FromSeconds(1));
            }
        }

        var (failure, report) = await run;
        Assert.False(failure is TimeoutException, $"{what}: it hangs");
        Assert.True(failure is not null || report!.ExitCode == 0, $"{what}: {report}");
        AssertNoFileIsHalf(place, what);
        var (again, done) = await RunAsync(kind, place, TimeProvider.System, inner => inner, toAgent);
        Assert.True(again is null && done!.ExitCode == 0, $"{what}, then: {again}");
        var left = Directory.GetFileSystemEntries(_scratch[$"dst/{place}"], ".*", SearchOption.AllDirectories);
        Assert.True(left.Length == 0, $"{what}: {string.Join(", ", left)}");
    }

    /// <summary>What stands under its own name is the old content or the new; of what was not there before, with the time of the new one.</summary>
    private void AssertNoFileIsHalf(int place, string what)
    {
        var root = _scratch[$"dst/{place}"];
        foreach (var file in Directory.GetFiles(root, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 }))
        {
            var name = Path.GetRelativePath(root, file);
            if (name.Split('/').Any(static part => part[0] == '.') || new FileInfo(file).LinkTarget is not null)
            {
                continue;
            }

            var known = _contents[name];
            var isWhole = known.Any(content => content.AsSpan().SequenceEqual(File.ReadAllBytes(file)));
            var isNew = known.Length == 1 && File.GetLastWriteTimeUtc(file) != File.GetLastWriteTimeUtc(Path.Combine(_scratch["src/0"], name));
            Assert.True(isWhole || isNew, $"{what}: {name} has a content that neither tree has");
        }
    }

    /// <summary>One session, of which nothing may be left.</summary>
    private async Task<(Exception? Failure, SyncReport? Report)> RunAsync(JobKind kind, int place, TimeProvider clock, Func<ILane, ILane> wrap, bool toAgent)
    {
        FaultySystemCalls here = new(LinuxSystemCalls.Instance), there = new(LinuxSystemCalls.Instance);
        LaneLimits limits = new() { PackSize = 512 };
        var rented = BufferLedger.Open();
        SyncReport? report = null;
        Exception? failure;
        InProcessConnection inner = new(async (lane, ct) =>
            await Agent.ServeAsync(toAgent ? wrap(lane) : lane, new SyncEnvironment(there, clock) { Limits = limits }, ct));
        await using (inner)
        {
            IConnection connection = toAgent ? inner : new WrappedConnection(inner, wrap);
            SyncRequest request = new()
            {
                Sources = [ByteText.FromArgument(_scratch[$"src/{place}/"])],
                Destination = ByteText.FromArgument(_scratch[$"dst/{place}"]),
                Options = SyncOptions.Archive with
                {
                    Flags = SyncOptions.ArchiveFlags | JobFlags.HardLinks | JobFlags.Sparse | JobFlags.Xattrs | JobFlags.Delete,
                    CompressLevel = 3,
                    ResumeFrom = 4096,
                    TimeoutSeconds = 10,
                    Lanes = 1,
                },
            };
            failure = await Record.ExceptionAsync(async () =>
                report = await Synchronizer.RunAsync(connection, kind, request, null, new SyncEnvironment(here, clock) { Limits = limits }, CancellationToken.None).WaitAsync(Patience));
        }

        var end = $"{kind} {place} ({failure?.Message})";
        Assert.True(here.OpenHandles + there.OpenHandles + here.BadCloses + there.BadCloses == 0, $"{end}: {here.OpenHandles} and {there.OpenHandles} handles are open");
        Assert.NotEqual(0, rented.RentedInAll);
        Assert.True(rented.Outstanding.Length == 0, $"{end}: buffers of {string.Join(", ", rented.Outstanding)} bytes were not given back");
        return (failure, report);
    }
}
