using System.Runtime.CompilerServices;
using NativeSync.Engine.Delta;
using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Filters;
using NativeSync.Engine.Session;
using NativeSync.Engine.Session.Sending;
using NativeSync.Protocol;
using NativeSync.TestKit.FileSystem;
using Xunit;

namespace NativeSync.Engine.Tests.Session;

/// <summary>What a sender keeps of the signatures that receivers send it.</summary>
public sealed class IncomingSignatureTests
{
    private const int Blocks = 100_000;

    private static readonly BlockLayout Layout = new(Blocks * 256L, 256, 0);

    [Fact]
    public void BlocksThatComeOneByOneCostWhatTheirBytesCost()
    {
        using SessionAbort abort = new();
        IncomingSignature blocks = new(Layout, abort);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < Blocks; i++)
        {
            blocks.Add([1, 2, 3, 4]);
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 1, 4L * Blocks * Layout.EntrySize);
        blocks.Take(wait: true);
        Assert.True(blocks.IsComplete && blocks.Signature.Complete);
        Assert.Equal(0x04030201u, blocks.Signature.Weak(Blocks - 1));
    }

    [Fact]
    public void WhoWaitsForBlocksIsWokenByTheEndOfTheSession()
    {
        using SessionAbort abort = new();
        IncomingSignature blocks = new(Layout, abort);
        Exception? end = null;
        Thread waiting = new(() => end = Record.Exception(() => blocks.Take(wait: true)));
        waiting.Start();
        abort.Abort(new TimeoutException());

        Assert.True(waiting.Join(TimeSpan.FromMinutes(1)));
        Assert.IsType<SessionAbortedException>(end);
    }

    [Fact]
    public void ASessionKeepsNoSignatureThatNobodyElseKeeps()
    {
        using SessionAbort abort = new();
        var forgotten = Forget(abort);
        GC.Collect();
        Assert.False(forgotten.TryGetTarget(out _));
    }

    [Fact]
    public async Task TheSignatureOfAFileThatCannotBeOpenedIsKeptNoLonger()
    {
        using TemporaryTree tree = new();
        File.WriteAllText(Path.Combine(tree.Path, "file"), "x");
        DirectoryListing listing = new();
        Assert.Equal(0, new DirectoryScanner(LinuxSystemCalls.Instance).Scan(tree.Handle, ScanFields.None, listing));
        File.Delete(Path.Combine(tree.Path, "file"));

        using SessionAbort abort = new();
        (ILane near, ILane far) = InProcessConnection.CreateLanePair();
        FrameLane lane = new(near, abort, TimeProvider.System);
        SyncContext context = new()
        {
            Io = LinuxSystemCalls.Instance,
            Options = SyncOptions.Archive,
            Filters = FilterList.Parse([], false),
            Group = lane.Group,
            Abort = abort,
            Problems = new ProblemLog(null),
        };
        using SourcePlace place = new(context.Io, tree.PathBytes);
        SenderTable table = new(abort, context.Progress, context.Outbox);
        table.Add(new SenderDirectory(0, null, [], [new Origin(place, [], null!)]) { Listing = listing });
        table.Answer(0, Verdict.Differs);
        IncomingSignature blocks = new(Layout, abort);
        blocks.Add(new byte[400]);
        table.Ask(SenderTask.Delta, 0, 0, delta: new DeltaRequest(0, 0, blocks));
        table.Finish();
        using (ContentStage stage = new(context, table))
        {
            stage.Run();
        }

        blocks.Add(new byte[400]);
        blocks.Take(wait: false);
        Assert.Equal(0, blocks.Signature.Available);
        await lane.DisposeAsync();
        await far.DisposeAsync();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference<IncomingSignature> Forget(SessionAbort abort)
    {
        IncomingSignature blocks = new(Layout, abort);
        blocks.Add(new byte[400]);
        blocks.Take(wait: true);
        return new WeakReference<IncomingSignature>(blocks);
    }
}
