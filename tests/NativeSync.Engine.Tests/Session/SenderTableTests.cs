using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session;
using NativeSync.Engine.Session.Sending;
using NativeSync.Protocol;
using Xunit;

namespace NativeSync.Engine.Tests.Session;

/// <summary>What is known of the directories that are announced.</summary>
public sealed class SenderTableTests
{
    /// <summary>A scanner may be any number of levels ahead of the answer to the first; threads have stacks of a few hundred KiB.</summary>
    [Theory]
    [InlineData(Verdict.Void, 100_000)]
    [InlineData(Verdict.Skip, 0)]
    public void AnAnswerHoldsForAllBelowHoweverDeep(Verdict verdict, int contents)
    {
        using SessionAbort abort = new();
        using RecordOutbox outbox = new(abort);
        SenderTable table = new(abort, new ProgressCounters(), outbox) { KeepsAll = true };
        List<SenderDirectory> levels = [];
        for (var i = 0; i < 100_000; i++)
        {
            levels.Add(new SenderDirectory(i, i == 0 ? null : levels[^1], [], []) { Listing = new DirectoryListing() });
            table.Add(levels[^1]);
            table.Announced(levels[^1]);
        }

        Thread answering = new(() => table.Answer(0, verdict), 128 * 1024);
        answering.Start();
        answering.Join();

        Assert.All(levels, level => Assert.True(verdict == Verdict.Void ? table.IsVoid(level) : table.IsSkipped(level)));
        table.Finish();
        for (var i = 0; i < contents; i++)
        {
            Assert.True(table.Take(out var work));
            Assert.Equal((SenderTask.Contents, i), (work.Task, work.Directory.Id));
        }

        Assert.False(table.Take(out _));
    }
}
