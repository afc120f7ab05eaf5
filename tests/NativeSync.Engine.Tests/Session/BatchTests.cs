using NativeSync.Protocol;
using NativeSync.TestKit.Trees;
using Xunit;

namespace NativeSync.Engine.Tests.Session;

/// <summary>docs/batch.md: what one run did is done again to an equal destination, and to no other one is any harm done.</summary>
public sealed class BatchTests : IDisposable
{
    private readonly SyncTree _tree = new();

    public void Dispose() => _tree.Dispose();

    public static TheoryData<string, JobFlags> Ways => new()
    {
        { "local", 0 }, { "push", 0 }, { "pull", 0 }, { "push", JobFlags.Checksum }, { "pull", JobFlags.Checksum }, { "push", JobFlags.InPlace }, { "pull", JobFlags.AppendVerify },
    };

    [Trait("Category", "Slow")]
    [Theory]
    [MemberData(nameof(Ways))]
    public async Task ABatchDoesToAnEqualTreeWhatTheRunDid(string way, JobFlags more)
    {
        var seed = 4000 + way.Length + (int)((ulong)more % 97);
        var source = RandomTree.Build(At("src"), seed);
        _tree.Reset("dst", "src");
        _tree.Reset("twin", "src");
        source.Mutate(60);
        var report = await Run(way, Request("dst", more) with { WriteBatch = Bytes("batch") });
        Assert.True(report.ExitCode == 0, $"seed {seed}: {string.Join('\n', report.Problems.Select(problem => problem.Message))}");
        Directory.Move(At("src"), At("away"));
        var applied = await Apply("twin", more);
        Assert.True(applied.ExitCode == 0, $"seed {seed}: {string.Join('\n', applied.Problems.Select(problem => problem.Message))}");
        Assert.Empty(_tree.Difference("dst/", "twin/"));
        Assert.Equal((report.Statistics.FilesTransferred, report.Statistics.MatchedBytes), (applied.Statistics.FilesTransferred, applied.Statistics.MatchedBytes));

        if ((more & (JobFlags.InPlace | JobFlags.AppendVerify)) == 0)
        {
            // Where all of it is done already, nothing is left to do. (In place, files that share an inode spoil each other, in any run.)
            var again = await Apply("twin", more);
            Assert.Equal((0, 0L), (again.ExitCode, again.Statistics.FilesTransferred));
        }
    }

    [Trait("Category", "Slow")]
    [Theory]
    [InlineData("local")]
    [InlineData("push")]
    [InlineData("pull")]
    public async Task ABatchAloneChangesNothingAndHoldsEverything(string way)
    {
        var source = RandomTree.Build(At("src"), seed: 71);
        _tree.Reset("dst", "src");
        _tree.Reset("twin", "src");
        source.Mutate(40);
        var noise = new byte[(8 * 1024 * 1024) + 7];
        new Random(72).NextBytes(noise);
        File.WriteAllBytes(At("src/noise"), noise);
        File.WriteAllBytes(At("src/noise, small"), noise[..150_000]);
        var request = Request("dst", JobFlags.DryRun) with { WriteBatch = Bytes("batch") };
        var report = await Run(way, request with { Options = request.Options with { BatchOnly = true } });
        Assert.Equal(0, report.ExitCode);
        Assert.True(way != "push" || report.BytesSent < 1024 * 1024, $"{report.BytesSent} bytes went over the line");
        Assert.InRange(report.Statistics.LiteralBytes, noise.Length + 150_000, long.MaxValue);
        Assert.Empty(_tree.Difference("twin/", "dst/"));
        Assert.Equal(0, (await Apply("twin", 0)).ExitCode);
        Assert.Empty(_tree.Difference("src/", "twin/"));
    }

    [Fact]
    public async Task AnotherDestinationIsNoticedFileByFile()
    {
        _tree.Fill("src", seed: 1);
        _tree.Reset("dst", "src");
        _tree.Reset("other", "src");
        var large = File.ReadAllBytes(At("src/large"));
        File.WriteAllBytes(At("src/large"), [1, 2, 3, .. large]);
        File.WriteAllText(At("src/d0/f1"), "changed, too");
        Assert.Equal(0, (await Run("push", Request("dst", 0) with { WriteBatch = Bytes("batch") })).ExitCode);

        // As long as the old one, but not the same: the patch does not give what it should.
        large.AsSpan(1_000_000, 1000).Reverse();
        File.WriteAllBytes(At("other/large"), large);
        Directory.Delete(At("other/d2"), recursive: true);
        var report = await Apply("other", 0);
        Assert.Equal(ExitCodes.Partial, report.ExitCode);
        Assert.Contains(report.Problems, problem => problem.Message.StartsWith("batch: \"large\" is left as it is", StringComparison.Ordinal));
        Assert.Contains(report.Problems, problem => problem.Message.StartsWith("batch: \"d2/f1\" is left as it is", StringComparison.Ordinal));
        Assert.Equal(large, File.ReadAllBytes(At("other/large")));
        Assert.Equal("changed, too", File.ReadAllText(At("other/d0/f1")));
    }

    [Fact]
    public async Task ACutOrDamagedBatchIsRefusedBeforeAnythingIsDone()
    {
        _tree.Fill("src", seed: 1);
        Directory.CreateDirectory(At("dst"));
        Assert.Equal(0, (await Run("local", Request("dst", 0) with { WriteBatch = Bytes("batch") })).ExitCode);
        var whole = File.ReadAllBytes(At("batch"));
        var random = new Random(1);
        for (var round = 0; round < 60; round++)
        {
            var at = round < 12 ? round : round < 30 ? whole.Length - 1 - (round - 12) : random.Next(whole.Length);
            var damaged = whole.ToArray();
            damaged[at] ^= (byte)(1 << random.Next(8));
            File.WriteAllBytes(At("batch"), round % 2 == 0 ? damaged : whole[..at]);
            var e = await Assert.ThrowsAsync<SessionException>(() => Apply("twin", 0));
            Assert.True(e.ExitCode is ExitCodes.Protocol or ExitCodes.Stream, $"{at}: {e.ExitCode} {e.Message}");
            Assert.False(Directory.Exists(At("twin")));
        }
    }

    [Fact]
    public async Task ABatchOfARunThatFailsIsNone()
    {
        _tree.Fill("src", seed: 1);
        using var stop = new CancellationTokenSource();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Synchronizer.LocalAsync(Request("dst", 0) with { WriteBatch = Bytes("batch") }, ct: stop.Token));
        Assert.Equal(ExitCodes.Stream, (await Assert.ThrowsAsync<SessionException>(() => Apply("twin", 0))).ExitCode);
    }

    [Fact]
    public async Task ABatchThatCannotBeWrittenEndsTheRun()
    {
        _tree.Fill("src", seed: 1);
        Assert.Equal(ExitCodes.FileSelection, (await Assert.ThrowsAsync<SessionException>(() => Run("local", Request("dst", 0) with { WriteBatch = Bytes("none/batch") }))).ExitCode);
        Assert.Equal(ExitCodes.FileIo, (await Assert.ThrowsAsync<SessionException>(() => Run("local", Request("dst", 0) with { WriteBatch = "/dev/full"u8.ToArray() }))).ExitCode);
        Assert.Equal(ExitCodes.FileIo, (await Assert.ThrowsAsync<SessionException>(() => Run("push", Request("dst", 0) with { WriteBatch = "/dev/full"u8.ToArray() }))).ExitCode);
    }

    private string At(string name) => Path.Combine(_tree.Root, name);

    private byte[] Bytes(string name) => ByteText.FromArgument(At(name));

    private SyncRequest Request(string destination, JobFlags more) => Everything(_tree.Request("src/", destination, JobFlags.Delete | more));

    private static SyncRequest Everything(SyncRequest request) => request with
    {
        Options = request.Options with { LocalDelta = true, Flags = request.Options.Flags | JobFlags.Acls | JobFlags.Xattrs | JobFlags.NumericIds },
    };

    private Task<SyncReport> Apply(string destination, JobFlags more)
    {
        // What the entries say is the batch's: only the rest need be said again.
        var request = _tree.Request("none", destination, 0);
        return Synchronizer.ApplyBatchAsync(Bytes("batch"), request with
        {
            Options = new SyncOptions { Flags = JobFlags.Permissions | JobFlags.Times | JobFlags.Delete | (more & JobFlags.InPlace) },
        }).WaitAsync(TimeSpan.FromMinutes(1));
    }

    private static async Task<SyncReport> Run(string way, SyncRequest request)
    {
        if (way == "local")
        {
            return await Synchronizer.LocalAsync(request).WaitAsync(TimeSpan.FromMinutes(1));
        }

        await using var connection = new InProcessConnection(async (lane, ct) => await Agent.ServeAsync(lane, ct));
        return await (way == "push" ? Synchronizer.PushAsync(connection, request) : Synchronizer.PullAsync(connection, request)).WaitAsync(TimeSpan.FromMinutes(1));
    }
}
