using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session;
using NativeSync.Protocol;
using NativeSync.TestKit.FileSystem;
using Xunit;

namespace NativeSync.Engine.Tests.Session;

/// <summary>A large file that breaks off goes on from what had come, and nothing of that stays behind.</summary>
public sealed class ResumeTests : IDisposable
{
    private const int Size = 48 << 20;

    /// <summary>What a line without any delay brings into memory before the disk has it: the credit, and a pack that is cut.</summary>
    private const int Slack = 9 << 20;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly SyncTree _tree = new();

    public ResumeTests()
    {
        Directory.CreateDirectory(InSource("deep"));
        Directory.CreateDirectory(InDestination(""));
        Write(InSource("deep/large"), Content(1));
        File.WriteAllText(InSource("small"), "small");
    }

    private string Place => InDestination(".nativesync-partial");

    public void Dispose() => _tree.Dispose();

    [Trait("Category", "Slow")]
    [Theory]
    [InlineData(0.4)]
    [InlineData(0.9)]
    public async Task ACutFileGoesOnWhereItWasCut(double at)
    {
        await CutAsync(at);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Place));
        Assert.False(File.Exists(InDestination("deep/large")));
        var report = await RunAsync();
        Assert.InRange(report.Statistics.LiteralBytes, 0, (long)(Size * (1 - at)) + Slack);
        AssertDone();
    }

    [Fact]
    public async Task WhatCameCountsEvenWhenTheSourceHasChanged()
    {
        await CutAsync(0.9);
        var content = Content(1);
        content.AsSpan(1 << 20, 4096).Fill(7);
        Write(InSource("deep/large"), [.. "in front"u8, .. content]);
        var report = await RunAsync();
        Assert.InRange(report.Statistics.LiteralBytes, 0, (Size / 10) + Slack);
        AssertDone();
    }

    [Fact]
    public async Task TheOldFileStillServesForWhatHadNotCome()
    {
        var old = Content(1);
        for (var i = 0; i < 16; i++)
        {
            old.AsSpan(i * (Size / 16), 100).Clear();
        }

        Directory.CreateDirectory(InDestination("deep"));
        Write(InDestination("deep/large"), old);
        var whole = await MeasureAsync();
        await CutAsync(0, whole / 2);
        Assert.Equal(old, File.ReadAllBytes(InDestination("deep/large")));
        var report = await RunAsync();
        Assert.InRange(report.Statistics.LiteralBytes, 0, Slack);
        AssertDone();
    }

    [Fact]
    public async Task AReceiverThatIsKilledLeavesWhatItHad()
    {
        var counting = new FaultySystemCalls(LinuxSystemCalls.Instance);
        await RunAsync(counting);
        Directory.Delete(InDestination(""), recursive: true);
        Directory.CreateDirectory(InDestination(""));
        await DieAsync(counting.CallsOf(SystemCall.WriteAt) * 9 / 10);
        Assert.NotEmpty(Directory.GetFiles(Place));
        var report = await RunAsync();
        Assert.InRange(report.Statistics.LiteralBytes, 0, (Size / 10) + Slack);
        AssertDone();
    }

    [Trait("Category", "Slow")]
    [Fact]
    public async Task HoweverOftenAReceiverIsKilledTheMostOfAFileIsKeptAndNoMoreThanOneBesideIt()
    {
        var counting = new FaultySystemCalls(LinuxSystemCalls.Instance);
        await RunAsync(counting);
        Directory.Delete(InDestination(""), recursive: true);
        Directory.CreateDirectory(InDestination(""));
        var writes = counting.CallsOf(SystemCall.WriteAt);
        var most = 0L;
        foreach (var share in new[] { 0.5, 0.2, 0.3, 0.7, 0.4, 0.2 })
        {
            await DieAsync((long)(writes * share));
            var left = new DirectoryInfo(Place).GetFiles();
            Assert.InRange(left.Length, 1, 2);
            Assert.True(left.Max(f => f.Length) >= most, "less is left than there was");
            most = left.Max(f => f.Length);
        }

        var report = await RunAsync();
        Assert.InRange(report.Statistics.LiteralBytes, 0, Size - most + Slack);
        AssertDone();
    }

    [Fact]
    public async Task DeletingLeavesWhatIsKeptAloneUntilItIsOfNoUse()
    {
        await CutAsync(0.5);
        Directory.CreateDirectory(Path.Combine(_tree.Root, "other"));
        File.WriteAllText(Path.Combine(_tree.Root, "other/one"), "one");

        // Only one entry is named: what else the destination has may still be wanted.
        await RunAsync(source: "other/one");
        Assert.NotEmpty(Directory.GetFiles(Place));
        File.Delete(InSource("deep/large"));
        File.Delete(InDestination("one"));
        await RunAsync();
        AssertDone();
    }

    [Fact]
    public async Task WhatIsKeptForAWeekInVainGoes()
    {
        await CutAsync(0.5);
        foreach (var left in Directory.GetFiles(Place))
        {
            File.SetLastWriteTimeUtc(left, DateTime.UtcNow.AddDays(-8));
        }

        await RunAsync(source: "src/small");
        Assert.False(Directory.Exists(Place));
    }

    [Fact]
    public async Task WhatADestinationKeepsIsNotSentOn()
    {
        await CutAsync(0.5);
        Directory.CreateDirectory(Path.Combine(_tree.Root, "third"));
        await RunAsync(source: "dst/", destination: "third");
        Assert.False(Directory.Exists(Path.Combine(_tree.Root, "third/.nativesync-partial")));
    }

    [Fact]
    public async Task APlaceThatOthersMayWriteToIsNotUsed()
    {
        Directory.CreateDirectory(Place);
        File.SetUnixFileMode(Place, (UnixFileMode)0x1FF);
        await CutAsync(0.5);
        Assert.Empty(Directory.GetFiles(Place));
        var report = await RunAsync();
        Assert.Equal(0, report.ExitCode);
        Assert.Equal(File.ReadAllBytes(InSource("deep/large")), File.ReadAllBytes(InDestination("deep/large")));
    }

    [Fact]
    public async Task WhatCountsAsDoneIsOnTheDisksBefore()
    {
        var calls = new FaultySystemCalls(LinuxSystemCalls.Instance);
        var late = 0L;
        calls.Fail(call => call.Kind is SystemCall.Write or SystemCall.WriteAt or SystemCall.RenameAt && calls.CallsOf(SystemCall.SyncFileSystem) > 0 && Interlocked.Increment(ref late) < 0, Errno.EIO);
        await RunAsync(calls, durable: true);
        Assert.Equal(1, calls.CallsOf(SystemCall.SyncFileSystem));
        Assert.Equal(0, late);
        File.Delete(InDestination("small"));
        var broken = new FaultySystemCalls(LinuxSystemCalls.Instance).FailAll(SystemCall.SyncFileSystem, Errno.EIO);
        var failure = await Assert.ThrowsAsync<SessionException>(() => RunAsync(broken, durable: true));
        Assert.Equal(ExitCodes.FileIo, failure.ExitCode);
        Assert.Contains("did not reach its disk", failure.Message, StringComparison.Ordinal);
    }

    private static byte[] Content(int seed)
    {
        var content = new byte[Size];
        new Random(seed).NextBytes(content);
        return content;
    }

    private static void Write(string path, byte[] content) => File.WriteAllBytes(path, content);

    private string InSource(string name) => Path.Combine(_tree.Root, "src", name);

    private string InDestination(string name) => Path.Combine(_tree.Root, "dst", name);

    private void AssertDone()
    {
        Assert.False(Directory.Exists(Place), "something is still kept");
        Assert.Empty(_tree.Difference("src/", "dst"));
        Assert.Empty(_tree.TemporaryFiles("dst"));
    }

    private Task CutAsync(double at) => CutAsync(at, 0);

    private async Task CutAsync(double at, long cut)
    {
        var failure = await Record.ExceptionAsync(() => RunAsync(cut: (long)(Size * at) + cut));
        Assert.NotNull(failure);
    }

    /// <summary>From the given write on nothing works any more, so that nothing is tidied up either.</summary>
    private async Task DieAsync(long writes)
    {
        var seen = 0L;
        var dead = false;
        var dying = new FaultySystemCalls(LinuxSystemCalls.Instance).Fail(
            call => call.Kind != SystemCall.Close && (dead |= call.Kind == SystemCall.WriteAt && Interlocked.Increment(ref seen) > writes), Errno.EIO);
        await Record.ExceptionAsync(() => RunAsync(dying));
    }

    /// <summary>Bytes that the receiver reads of a run in which nothing goes wrong; the destination stays as it is.</summary>
    private async Task<long> MeasureAsync()
    {
        _tree.Reset("kept", "dst");
        CuttingLane? lane = null;
        await RunAsync(seen: l => lane = l);
        _tree.Reset("dst", "kept");
        return lane!.BytesRead;
    }

    private async Task<SyncReport> RunAsync(
        ISystemCalls? receiver = null, string source = "src/", string destination = "dst", long cut = long.MaxValue, Action<CuttingLane>? seen = null,
        bool durable = false)
    {
        var environment = new SyncEnvironment(receiver ?? LinuxSystemCalls.Instance, TimeProvider.System);
        await using var connection = new InProcessConnection(async (lane, ct) =>
        {
            var cutting = new CuttingLane(lane, cut);
            seen?.Invoke(cutting);
            await Agent.ServeAsync(cutting, environment, ct);
        });
        var request = _tree.Request(source, destination, JobFlags.Delete);
        request = request with { Options = request.Options with { ResumeFrom = 64 << 10, Durable = durable } };
        return await Synchronizer.PushAsync(connection, request).WaitAsync(Patience);
    }
}
