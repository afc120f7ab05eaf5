using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session;
using NativeSync.Protocol;
using NativeSync.TestKit.FileSystem;
using Xunit;

namespace NativeSync.Engine.Tests.Session;

/// <summary>A system that fails at operation N, at either end: the run ends, says so, leaks nothing, and the next one completes.</summary>
public sealed class FaultTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>Not ENOENT: at the source that is an entry which vanished, and no failure. EMLINK has its test in <see cref="LiveSourceTests"/>.</summary>
    private static readonly int[] Errors = [Errno.EIO, Errno.EACCES, Errno.ENOSPC, Errno.ESTALE, Errno.EROFS, Errno.EDQUOT, Errno.ETXTBSY, Errno.ENAMETOOLONG];

    private readonly SyncTree _tree = new();

    public FaultTests()
    {
        _tree.Fill("old", seed: 1);
        _tree.Fill("src", seed: 2);
    }

    public void Dispose() => _tree.Dispose();

    [Trait("Category", "Slow")]
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AFailingCallIsReportedAndTheNextRunCompletes(bool atReceiver)
    {
        var total = await CountCalls(atReceiver);
        var step = Math.Max(1, total / 40);
        for (var n = 0L; n < total; n += step)
        {
            var error = Errors[n / step % Errors.Length];
            _tree.Reset("dst", "old");
            var faulty = new FaultySystemCalls(LinuxSystemCalls.Instance).Fail(call => call.Kind != SystemCall.Close && call.Index == n, error);
            var (failure, report) = await Run(atReceiver, faulty);
            Assert.False(failure is TimeoutException, $"call {n} failed with {error} and the session hangs");
            Assert.Equal(0, faulty.OpenHandles);
            Assert.Equal(0, faulty.BadCloses);
            _tree.AssertEveryFileIsFrom("dst", "old", "src");

            // What failed may not have mattered (a look-up that is repeated): then the trees are equal. Else it was said.
            Assert.True(
                failure is not null || report!.ProblemCount > 0 || _tree.Difference("src/", "dst").Length == 0,
                $"call {n} failed with {error} and nobody said so");
            var again = await Run(atReceiver, new FaultySystemCalls(LinuxSystemCalls.Instance));
            Assert.Null(again.Failure);
            Assert.Empty(_tree.Difference("src/", "dst"));
        }
    }

    /// <summary>--delete-before opens a directory once for the deletions and again for the rest: that only the first fails is a failure.</summary>
    [Fact]
    public async Task WhatCannotBeOpenedForItsDeletionsIsSaid()
    {
        var failed = 1;
        for (var n = 0; failed > 0; n++)
        {
            _tree.Reset("dst", "old");
            File.WriteAllText(Path.Combine(_tree.Root, "dst/d2/extra"), "to go");
            var seen = 0;
            var faulty = new FaultySystemCalls(LinuxSystemCalls.Instance).Fail(
                call => call.Kind is SystemCall.OpenAt or SystemCall.OpenBeneath && call.Name == "d2" && seen++ == n, Errno.ENOMEM);
            var (failure, report) = await Run(atReceiver: true, faulty, timing: DeleteTiming.Before);
            failed = faulty.Failures;
            Assert.True(failure is not null || report!.ExitCode != 0 || _tree.Difference("src/", "dst").Length == 0, $"opening {n} failed and nobody said so");
            Assert.InRange(n, 0, 20);
        }
    }

    /// <summary>No quota is to be had for a test: a system that says so.</summary>
    [Fact]
    public async Task AQuotaThatIsUsedUpIsNamedWithWhatIsMissing()
    {
        _tree.Reset("dst", "old");
        var faulty = new FaultySystemCalls(LinuxSystemCalls.Instance).FailAll(SystemCall.Write, Errno.EDQUOT).FailAll(SystemCall.WriteAt, Errno.EDQUOT);
        var (failure, _) = await Run(atReceiver: true, faulty);
        var e = Assert.IsType<SessionException>(failure);
        Assert.Equal(ExitCodes.FileIo, e.ExitCode);
        Assert.Matches("^the quota is used up at the destination on .+ \\(.+\\) while writing \".+\", and for this file alone [0-9]+ bytes more are needed.*; make room there and run again", e.Message);
        _tree.AssertEveryFileIsFrom("dst", "old", "src");
        Assert.Null((await Run(atReceiver: true, LinuxSystemCalls.Instance)).Failure);
        Assert.Empty(_tree.Difference("src/", "dst"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ShortReadsAndWritesChangeNothing(bool atReceiver)
    {
        _tree.Reset("dst", "old");
        var faulty = new FaultySystemCalls(LinuxSystemCalls.Instance) { ShortTransfers = 700 };
        var (failure, report) = await Run(atReceiver, faulty);
        Assert.Null(failure);
        Assert.Equal(0, report!.ExitCode);
        Assert.Empty(_tree.Difference("src/", "dst"));
    }

    [Fact]
    public async Task NothingIsDeletedAfterAReadErrorOnTheSource()
    {
        _tree.Reset("dst", "old");
        File.WriteAllText(Path.Combine(_tree.Root, "dst/d2/extra"), "stays");
        var faulty = new FaultySystemCalls(LinuxSystemCalls.Instance).FailNth(SystemCall.ReadDirectory, 1, Errno.EIO);
        var (failure, report) = await Run(atReceiver: false, faulty);
        Assert.Null(failure);
        Assert.Equal(ExitCodes.Partial, report!.ExitCode);
        Assert.True(File.Exists(Path.Combine(_tree.Root, "dst/d2/extra")));
    }

    /// <summary>rsync's code for nothing worse than that something was no longer there.</summary>
    [Theory]
    [InlineData(false, ExitCodes.Vanished)]
    [InlineData(true, ExitCodes.Partial)]
    public async Task AFileThatVanishedIsCode24UnlessSomethingWorseHappened(bool worse, int code)
    {
        _tree.Reset("dst", "old");
        var faulty = new FaultySystemCalls(LinuxSystemCalls.Instance).Fail(static call => call is { Kind: SystemCall.OpenAt, Name: "f3" }, Errno.ENOENT);
        if (worse)
        {
            faulty.Fail(static call => call is { Kind: SystemCall.OpenAt, Name: "large" }, Errno.EACCES);
        }

        var (failure, report) = await Run(atReceiver: false, faulty);
        Assert.Null(failure);
        Assert.Equal(code, report!.ExitCode);
        Assert.Equal(File.ReadAllText(Path.Combine(_tree.Root, "old/d0/f3")), File.ReadAllText(Path.Combine(_tree.Root, "dst/d0/f3")));
    }

    [Trait("Category", "Slow")]
    [Theory]
    [InlineData(JobFlags.Update)]
    [InlineData(JobFlags.IgnoreExisting)]
    [InlineData(JobFlags.SizeOnly)]
    public async Task WhatWasCutOffIsNotTakenForDoneByARunThatLooksPastIt(JobFlags flag)
    {
        _tree.Reset("empty", "old");
        Directory.Delete(Path.Combine(_tree.Root, "empty"), recursive: true);
        Directory.CreateDirectory(Path.Combine(_tree.Root, "empty"));
        var total = await CountCalls(atReceiver: true, "empty", flag);
        var step = Math.Max(1, total / 40);
        for (var n = 0L; n < total; n += step)
        {
            _tree.Reset("dst", "empty");
            await Run(atReceiver: true, new FaultySystemCalls(LinuxSystemCalls.Instance).DieAt(n), flag); // nothing is cleaned up
            var again = await Run(atReceiver: true, new FaultySystemCalls(LinuxSystemCalls.Instance), flag);
            Assert.Null(again.Failure);
            foreach (var file in Directory.GetFiles(Path.Combine(_tree.Root, "src"), "*", SearchOption.AllDirectories))
            {
                Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(file.Replace("/src/", "/dst/", StringComparison.Ordinal)));
            }
        }
    }

    /// <summary>What was named before it is held open by then.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WhereASourceCannotBeNamedNothingStaysOpen(bool looksAhead)
    {
        FaultySystemCalls calls = new(LinuxSystemCalls.Instance);
        await using var connection = new InProcessConnection(async (lane, ct) => await Agent.ServeAsync(lane, ct));
        var request = _tree.Request("src/", "dst", JobFlags.None);
        request = request with
        {
            Sources = [.. request.Sources, "a/../b"u8.ToArray()],
            Options = request.Options with { SourceOptions = SourceOptions.Relative },
        };
        var refusal = await Assert.ThrowsAsync<SessionException>(() => Synchronizer.RunAsync(
            _ => Task.FromResult<IConnection>(connection), looksAhead, JobKind.Push, request, null, SyncEnvironment.Default with { Io = calls }, CancellationToken.None).WaitAsync(Patience));
        Assert.Equal(1, refusal.ExitCode);
        Assert.NotEqual(0, calls.CallsOf(SystemCall.OpenPath));
        Assert.Equal((0, 0), (calls.OpenHandles, calls.BadCloses));
    }

    private async Task<long> CountCalls(bool atReceiver, string start = "old", JobFlags flags = JobFlags.None)
    {
        _tree.Reset("dst", start);
        var counting = new FaultySystemCalls(LinuxSystemCalls.Instance);
        var (failure, _) = await Run(atReceiver, counting, flags);
        Assert.Null(failure);
        Assert.Equal(0, counting.OpenHandles);
        return counting.Calls;
    }

    /// <summary>A push whose agent receives; the doubled system is at one end, the real one at the other.</summary>
    private async Task<(Exception? Failure, SyncReport? Report)> Run(bool atReceiver, ISystemCalls doubled, JobFlags flags = JobFlags.None, DeleteTiming timing = DeleteTiming.During)
    {
        var request = _tree.Request("src/", "dst", JobFlags.Delete | flags);
        request = request with { Options = request.Options with { DeleteTiming = timing } };
        var real = SyncEnvironment.Default;
        var fake = real with { Io = doubled };
        await using var connection = new InProcessConnection(
            async (lane, ct) => await Agent.ServeAsync(lane, atReceiver ? fake : real, ct));
        SyncReport? report = null;
        var failure = await Record.ExceptionAsync(async () => report = await Synchronizer.RunAsync(
            connection, JobKind.Push, request, null, atReceiver ? real : fake, CancellationToken.None)
            .WaitAsync(Patience));
        return (failure, report);
    }
}
