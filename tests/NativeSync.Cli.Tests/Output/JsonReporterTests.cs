using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using NativeSync.Cli.Output;
using NativeSync.Cli.Remote;
using NativeSync.Engine;
using NativeSync.Protocol;

namespace NativeSync.Cli.Tests.Output;

public sealed class JsonReporterTests
{
    private static List<JsonElement> Report(Action<JsonReporter> tell)
    {
        using MemoryStream output = new();
        using (Screen screen = new(new Streams(output, Stream.Null, null), new FakeTimeProvider()))
        {
            tell(new JsonReporter(screen, SyncOptions.ArchiveFlags, Direction.Push, new FakeTimeProvider()));
        }

        string text = Encoding.UTF8.GetString(output.ToArray());
        Assert.DoesNotContain('\u202e', text);
        Assert.DoesNotContain('\u0085', text);
        return [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => JsonDocument.Parse(line).RootElement)];
    }

    private static EntryEvent Entry(byte[] path) =>
        new(OutcomeKind.Created, Changes.New | Changes.Content, path, new EntryMetadata { Mode = 0x81a4, Size = 7, Modified = new Timestamp(-5, 9) }, null, true);

    [Fact]
    public void EveryEventIsOneObjectOnOneLine()
    {
        List<JsonElement> events = Report(static reporter =>
        {
            reporter.Start();
            reporter.OnEntry(Entry("a\nb\"c"u8.ToArray()));
            reporter.OnProblem(new SyncProblem(Operation.ReadDirectory, 13, "secret"u8.ToArray(), true, false));
            reporter.OnProgress(new SyncProgress(1, 2, 3, 4, 5, true));
            reporter.Finish(new SyncReport { ExitCode = 23, Statistics = new Statistics { Files = 1 }, ProblemCount = 1 });
        });
        Assert.Equal(["start", "entry", "problem", "progress", "report"], events.Select(static e => e.GetProperty("event").GetString()));
        JsonElement entry = events[1];
        Assert.Equal("a\nb\"c", entry.GetProperty("path").GetString());
        Assert.Equal("<f+++++++++", entry.GetProperty("itemize").GetString());
        Assert.Equal(["new", "content"], entry.GetProperty("changes").EnumerateArray().Select(static change => change.GetString()));
        Assert.Equal(-5, entry.GetProperty("mtime").GetInt64());
        Assert.Equal(9, entry.GetProperty("mtimeNs").GetInt64());
        Assert.Equal("readDirectory", events[2].GetProperty("operation").GetString());
        Assert.Equal(23, events[4].GetProperty("exitCode").GetInt32());
    }

    [Fact]
    public void ANameThatIsNotUtf8KeepsItsBytes()
    {
        byte[] name = [(byte)'a', 0xff, (byte)'b'];
        JsonElement entry = Report(reporter => reporter.OnEntry(Entry(name)))[0];
        Assert.Equal("a\\#377b", entry.GetProperty("path").GetString());
        Assert.Equal(name, entry.GetProperty("pathBase64").GetBytesFromBase64());
    }

    [Fact]
    public void ANameCannotTurnTheTerminalAround()
    {
        JsonElement entry = Report(static reporter => reporter.OnEntry(Entry("a\u202e\u0085b"u8.ToArray())))[0];
        Assert.Equal("a\u202e\u0085b", entry.GetProperty("path").GetString());
        Assert.False(entry.TryGetProperty("pathBase64", out _));
    }
}
