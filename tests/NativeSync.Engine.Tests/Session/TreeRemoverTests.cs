using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session;
using NativeSync.Protocol;
using NativeSync.TestKit.FileSystem;
using Xunit;

namespace NativeSync.Engine.Tests.Session;

/// <summary>Extraneous trees go by several threads, and it shows in nothing but the time.</summary>
public sealed class TreeRemoverTests : IDisposable
{
    private readonly SyncTree _tree = new();

    public void Dispose() => _tree.Dispose();

    public static TheoryData<DeleteTiming> Timings => [DeleteTiming.Before, DeleteTiming.During, DeleteTiming.Delay, DeleteTiming.After];

    [Trait("Category", "Slow")]
    [Theory]
    [MemberData(nameof(Timings))]
    public async Task ThreadsDeleteTogetherAndTellInTheOrderOfRsync(DeleteTiming timing)
    {
        Make();
        var when = timing == DeleteTiming.During ? "during" : timing.ToString().ToLowerInvariant();
        var expected = SyncTree.Shell($"cd {_tree.Root}; cp -a dst judge; rsync -ai --delete-{when} --filter='P kept' src/ judge/ 2>/dev/null | sed -n 's/^[*]deleting *//p'");
        var told = new Told();
        var calls = new Meeting();
        var report = await Push(timing, calls, told);
        Assert.Equal(0, report.ExitCode);
        Assert.Equal(expected.Split('\n', StringSplitOptions.RemoveEmptyEntries), told.Paths);
        Assert.Equal(expected.Split('\n').Length - 1, report.Statistics.Deleted);
        Assert.Equal("dst/f\ndst/tree/d3/kept\n", SyncTree.Shell($"cd {_tree.Root}; find dst -type f | sort"));
        Assert.All(calls.OfDirectory, threads => Assert.Single(threads.Value));
        Assert.Equal(61, calls.OfDirectory.Count);
    }

    [Trait("Category", "Slow")]
    [Theory]
    [MemberData(nameof(Timings))]
    public async Task WhatCannotBeDeletedIsNamedAndTheRestGoes(DeleteTiming timing)
    {
        Make();
        var calls = new FaultySystemCalls(LinuxSystemCalls.Instance);
        calls.Fail(call => call is { Kind: SystemCall.UnlinkAt, Name: "d7-9" or "e3" }, Errno.EACCES);
        var told = new Told();
        var report = await Push(timing, calls, told);
        Assert.Equal(ExitCodes.Partial, report.ExitCode);
        Assert.Equal(["e3:13", "tree/d7/d7-9:13"], told.Errors.Order(StringComparer.Ordinal));
        Assert.Equal("dst/f\ndst/tree/d3/kept\ndst/tree/d7/d7-9\n", SyncTree.Shell($"cd {_tree.Root}; find dst -type f | sort"));
        Assert.Equal("dst\ndst/e3\ndst/tree\ndst/tree/d3\ndst/tree/d7\n", SyncTree.Shell($"cd {_tree.Root}; find dst -type d | sort"));
        Assert.Equal(0, calls.OpenHandles);
        Assert.Equal(0, calls.BadCloses);
    }

    /// <summary>One after the other: which are the first that a limit lets go is rsync's order, and what is kept is moved, not unlinked.</summary>
    [Trait("Category", "Slow")]
    [Theory]
    [InlineData(DeleteTiming.During, "--max-delete=137", 25)]
    [InlineData(DeleteTiming.After, "--max-delete=137", 25)]
    [InlineData(DeleteTiming.During, "--backup", 0)]
    [InlineData(DeleteTiming.Delay, "--backup", 0)]
    [InlineData(DeleteTiming.During, "--dry-run", 0)]
    public async Task WhatIsCountedOrKeptGoesInTheOrderOfRsync(DeleteTiming timing, string option, int exitCode)
    {
        Make();
        SyncTree.Shell($"cd {_tree.Root}; cp -a dst judge; rsync -ai {option} --delete-{timing.ToString().ToLowerInvariant()} --filter='P kept' src/ judge/ >out 2>/dev/null; [ $? = {exitCode} ]");
        // In a dry run rsync does not see that one directory has something to stay for.
        var expected = SyncTree.Shell($"sed -n 's/^[*]deleting *//p' {_tree.Root}/out{(option == "--dry-run" ? " | grep -vx tree/d3/" : "")}");
        var told = new Told();
        var report = await Push(timing, LinuxSystemCalls.Instance, told, options => option switch
        {
            "--backup" => options with { Flags = options.Flags | JobFlags.Backup },
            "--dry-run" => options with { Flags = options.Flags | JobFlags.DryRun },
            _ => options with { MaxDelete = 137 },
        });
        Assert.Equal(exitCode, report.ExitCode);
        Assert.Equal(expected.Split('\n', StringSplitOptions.RemoveEmptyEntries), told.Paths);
        Assert.Equal(SyncTree.Shell($"cd {_tree.Root}/judge; find | sort"), SyncTree.Shell($"cd {_tree.Root}/dst; find | sort"));
    }

    /// <summary>A tree of directories and a row of them, each with enough files to be worth a helper; all extraneous, and one file protected.</summary>
    private void Make() => SyncTree.Shell($"""
        mkdir -p {_tree.Root}/src {_tree.Root}/dst; cd {_tree.Root}; echo x >src/f; cp -p src/f dst/f; cd dst
        for i in $(seq 0 29); do mkdir -p tree/d$i e$i; for j in $(seq 20); do : >tree/d$i/d$i-$j; : >e$i/e$i-$j; done; done
        for j in $(seq 20); do : >tree/tree-$j; done; : >tree/d3/kept; touch -r . ../src
        """);

    private async Task<SyncReport> Push(DeleteTiming timing, ISystemCalls there, ISyncObserver observer, Func<SyncOptions, SyncOptions>? change = null)
    {
        await using var connection = new InProcessConnection(async (lane, ct) => await Agent.ServeAsync(lane, new SyncEnvironment(there, TimeProvider.System), ct));
        var request = _tree.Request("src/", "dst", JobFlags.Delete);
        var options = request.Options with { DeleteTiming = timing, Rules = ["P kept"u8.ToArray()] };
        request = request with { Options = change?.Invoke(options) ?? options };
        return await Synchronizer.PushAsync(connection, request, observer).WaitAsync(TimeSpan.FromMinutes(1));
    }

    /// <summary>No file goes before two threads are about to remove one.</summary>
    private sealed class Meeting() : SystemCallsDecorator(LinuxSystemCalls.Instance)
    {
        private readonly CountdownEvent _met = new(Math.Min(Environment.ProcessorCount, 2));
        private readonly HashSet<int> _here = [];

        public Dictionary<string, HashSet<int>> OfDirectory { get; } = [];

        public override int UnlinkAt(int dirfd, ReadOnlySpan<byte> name, bool directory)
        {
            if (!directory)
            {
                var thread = Environment.CurrentManagedThreadId;
                lock (OfDirectory)
                {
                    var place = ByteText.Escape(name.ToArray()).Split('-')[0];
                    (OfDirectory.TryGetValue(place, out var threads) ? threads : OfDirectory[place] = []).Add(thread);
                    if (_here.Add(thread) && !_met.IsSet)
                    {
                        _met.Signal();
                    }
                }

                Assert.True(_met.Wait(TimeSpan.FromSeconds(50)), "one thread removes everything");
            }

            return base.UnlinkAt(dirfd, name, directory);
        }
    }

    private sealed class Told : ISyncObserver
    {
        public List<string> Paths { get; } = [];

        public List<string> Errors { get; } = [];

        public void OnEntry(in EntryEvent entry)
        {
            if (entry.Kind == OutcomeKind.Deleted)
            {
                lock (Paths)
                {
                    Paths.Add(ByteText.Escape(entry.Path.ToArray()) + (entry.Metadata.IsDirectory ? "/" : ""));
                }
            }
        }

        public void OnProblem(in SyncProblem problem)
        {
            if (!problem.Warning)
            {
                lock (Errors)
                {
                    Errors.Add($"{ByteText.Escape(problem.Path)}:{problem.Errno}");
                }
            }
        }

        public void OnProgress(in SyncProgress progress)
        {
        }
    }
}
