using System.Text;
using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Verify;
using NativeSync.Protocol;
using NativeSync.TestKit.FileSystem;

namespace NativeSync.Engine.Tests.Verify;

public sealed class ManifestTests
{
    private static readonly LinuxSystemCalls Io = LinuxSystemCalls.Instance;
    private static readonly ManifestOptions Everything = new() { Flags = VerifyOptions.Everything | JobFlags.NumericIds };

    private sealed class Packs : IRecordSink, IRecordSource
    {
        private int _next;

        public List<byte[]> All { get; } = [];

        public ValueTask SendAsync(ReadOnlyMemory<byte> records, CancellationToken ct)
        {
            All.Add(records.ToArray());
            return ValueTask.CompletedTask;
        }

        public ValueTask<ReadOnlyMemory<byte>> ReceiveAsync(CancellationToken ct) =>
            ValueTask.FromResult<ReadOnlyMemory<byte>>(_next < All.Count ? All[_next++] : default);

        public ValueTask FinishAsync(CancellationToken ct) => ValueTask.CompletedTask;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    private static async Task<Packs> Make(ISystemCalls io, byte[] path, ManifestOptions? options = null)
    {
        Packs packs = new();
        await new TreeManifest(io, options ?? Everything, packs).RunAsync(path, default).WaitAsync(TimeSpan.FromMinutes(1));
        return packs;
    }

    private static async Task<List<string>> Read(IRecordSource source)
    {
        List<string> seen = [];
        ManifestReader reader = new(source, problem => seen.Add($"problem {problem.Operation} {Errno.Name(problem.Errno)} {Encoding.ASCII.GetString(problem.Path)}"));
        do
        {
            await reader.NextAsync(default);
            if (reader.Position == ManifestPosition.Directory)
            {
                for (int i = 0; i < reader.Listing.Count; i++)
                {
                    bool digest = reader.Listing.TryDigest(i, out _);
                    string leader = reader.Listing.Leader(i) is { } path ? " = " + Encoding.ASCII.GetString(path) : "";
                    seen.Add($"{Encoding.ASCII.GetString(reader.Path.Span)}/{Encoding.ASCII.GetString(reader.Listing.Entries.Name(i))}{(digest ? " #" : "")}{leader}");
                }
            }
            else
            {
                seen.Add(reader.Position.ToString());
            }
        }
        while (reader.Position != ManifestPosition.End);
        return seen;
    }

    private static void Build(TemporaryTree tree) =>
        tree.Shell("mkdir -p b/c a 'd'; echo 1 > b/c/x; ln b/c/x a/y; echo 2 > z; ln -s q l; mkfifo b/p; head -c 700000 /dev/zero > a/big");

    [Fact]
    public async Task AManifestGoesDepthFirstInTheOrderOfBytes()
    {
        using TemporaryTree tree = new();
        Build(tree);
        List<string> seen = await Read(await Make(Io, tree.PathBytes));
        Assert.Equal(["/a", "/b", "/d", "/l", "/z #", "a/big #", "a/y #", "Close", "b/c", "b/p", "b/c/x # = a/y", "Close", "Close", "Close", "Close", "End"], seen);
    }

    [Fact]
    public async Task TheSameTreeGivesTheSameBytesEveryTimeAndOnEveryKernel()
    {
        using TemporaryTree tree = new();
        Build(tree);
        byte[] first = [.. (await Make(Io, tree.PathBytes)).All.SelectMany(p => p)];
        for (int readers = 1; readers <= 4; readers++)
        {
            Assert.Equal(first, (await Make(FileSystem.Kernels.Old, tree.PathBytes, Everything with { Readers = readers })).All.SelectMany(p => p));
        }
    }

    [Fact]
    public async Task AManifestCutOffAnywhereIsRefusedAndNeverTakenForAShorterTree()
    {
        using TemporaryTree tree = new();
        Build(tree);
        byte[] whole = [.. (await Make(Io, tree.PathBytes)).All.SelectMany(p => p)];
        Assert.Equal("End", (await Read(new Packs { All = { whole } }))[^1]);
        for (int length = 0; length < whole.Length; length++)
        {
            Packs cut = new();
            if (length > 0)
            {
                cut.All.Add(whole[..length]);
            }

            await Assert.ThrowsAsync<ProtocolException>(() => Read(cut));
        }
    }

    [Fact]
    public async Task AnyChangedByteGivesAManifestOrAProtocolException()
    {
        using TemporaryTree tree = new();
        Build(tree);
        byte[] whole = [.. (await Make(Io, tree.PathBytes)).All.SelectMany(p => p)];
        for (int at = 0; at < whole.Length; at++)
        {
            byte[] changed = [.. whole];
            changed[at] ^= (byte)(1 << (at % 8));
            try
            {
                await Read(new Packs { All = { changed } });
            }
            catch (ProtocolException)
            {
            }
        }
    }

    [Fact]
    public async Task WhateverFailsNoHandleStaysOpenAndTheManifestSaysSo()
    {
        using TemporaryTree tree = new();
        Build(tree);
        FaultySystemCalls count = new(Io);
        await Make(count, tree.PathBytes);
        for (long n = 0; n < count.Calls; n++)
        {
            long failing = n;
            FaultySystemCalls io = new FaultySystemCalls(Io).Fail(c => c.Index == failing && c.Kind is not (SystemCall.Close or SystemCall.Seek), Errno.EIO);
            List<string> seen = await Read(await Make(io, tree.PathBytes));
            Assert.Equal((0, 0), (io.OpenHandles, io.BadCloses));
            Assert.True(io.Failures == 0 || seen.Any(s => s.StartsWith("problem ", StringComparison.Ordinal)), $"call {n} failed unnoticed");
        }
    }

    [Fact]
    public async Task ASinkThatFailsEndsTheManifestWithItsReasonAndClosesEverything()
    {
        using TemporaryTree tree = new();
        Build(tree);
        FaultySystemCalls io = new(Io);
        TreeManifest manifest = new(io, Everything, new BrokenSink());
        await Assert.ThrowsAsync<TransportException>(() => manifest.RunAsync(tree.PathBytes, default).WaitAsync(TimeSpan.FromMinutes(1)));
        Assert.Equal((0, 0), (io.OpenHandles, io.BadCloses));
    }

    [Fact]
    public async Task CancellingClosesEverything()
    {
        using TemporaryTree tree = new();
        Build(tree);
        using CancellationTokenSource stop = new();
        FaultySystemCalls io = new(Io);
        io.Fail(c => { if (c.Kind == SystemCall.ReadAt) { stop.Cancel(); } return false; }, 0);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new TreeManifest(io, Everything, new Packs()).RunAsync(tree.PathBytes, stop.Token).WaitAsync(TimeSpan.FromMinutes(1)));
        Assert.Equal((0, 0), (io.OpenHandles, io.BadCloses));
    }

    [Fact]
    public async Task ADirectoryThatCannotBeOpenedIsIncompleteAndTheRestGoesOn()
    {
        using TemporaryTree tree = new();
        Build(tree);
        FaultySystemCalls io = new FaultySystemCalls(Io).Fail(c => c.Kind == SystemCall.OpenAt && c.Name == "b", Errno.EACCES);
        List<string> seen = await Read(await Make(io, tree.PathBytes));
        Assert.Contains("problem Open EACCES b", seen);
        Assert.Contains("a/y #", seen);
    }

    [Trait("Category", "Slow")]
    [Fact]
    public async Task AVeryDeepTreeTakesFewHandles()
    {
        using TemporaryTree tree = new("/dev/shm");
        tree.Shell("for i in $(seq 400); do mkdir -p d e; echo $i > f; cd d; done");
        FaultySystemCalls io = new(Io);
        int most = 0;
        io.Fail(_ => { most = Math.Max(most, io.OpenHandles); return false; }, 0);
        List<string> seen = await Read(await Make(io, tree.PathBytes));
        Assert.Equal(1200, seen.Count(s => s.Contains('/', StringComparison.Ordinal)));
        Assert.DoesNotContain(seen, s => s.StartsWith("problem", StringComparison.Ordinal));
        Assert.InRange(most, 1, 260);
        Assert.Equal((0, 0), (io.OpenHandles, io.BadCloses));
    }

    [Fact]
    public async Task AnotherFileSystemIsNotEnteredWhenOneIsAskedFor()
    {
        List<string> seen = await Read(await Make(Io, "/dev"u8.ToArray(), new ManifestOptions { Flags = JobFlags.Recursive | JobFlags.OneFileSystem }));
        Assert.DoesNotContain(seen, s => s.StartsWith("shm/", StringComparison.Ordinal) || s.StartsWith("pts/", StringComparison.Ordinal));
    }

    private sealed class BrokenSink : IRecordSink
    {
        public ValueTask SendAsync(ReadOnlyMemory<byte> records, CancellationToken ct) => throw new TransportException(12, "the line is gone");
    }
}
