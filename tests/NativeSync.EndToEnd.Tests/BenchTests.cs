using System.Text.Json;
using NativeSync.EndToEnd.Tests.Support;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests;

/// <summary><c>nativesync bench</c> over a line: every row is there, and both machines are afterwards as they were.</summary>
public sealed class BenchTests(SharedServer server) : IClassFixture<SharedServer>
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TheLineIsMeasuredAndNothingStays(bool otherShell)
    {
        using Scratch scratch = await ScratchAsync();
        string[] reach = otherShell ? ["-e", LocalShell.Path(scratch)] : Tool.OptionsFor(server.Ssh);
        CommandResult bench = await BenchAsync(scratch, [.. reach, scratch["src"], otherShell ? "host:" + scratch["dst"] : Tool.Remote(scratch["dst"])]);
        Assert.True(bench.ExitCode == 0 && bench.Error.Length == 0, bench.ToString());
        JsonElement[] rows = Rows(bench);
        JsonElement[] lines = [.. rows.Where(static row => Event(row) == "line")];
        Assert.Equal(["--lanes=1", "--lanes=auto", "--lanes=1 -z", "--lanes=auto -z"], lines.Select(static row => row.GetProperty("options").GetString()));
        Assert.All(lines, row => Assert.True(row.GetProperty("bytes").GetInt64() > 0 && row.GetProperty("bytesPerSecond").GetDouble() > 0, row.ToString()));
        JsonElement connect = Assert.Single(rows, static row => Event(row) == "connect");
        Assert.True(connect.GetProperty("seconds").GetDouble() > 0 && connect.GetProperty("roundTripSeconds").GetDouble() > 0, connect.ToString());
        Assert.Equal(["-z", "--lanes=auto", "--bwlimit", "--checksum-index"], rows.Where(static row => Event(row) == "advice")
            .Select(static row => row.GetProperty("option").GetString()!).Select(static option => option.StartsWith("--lanes", StringComparison.Ordinal) ? option : option.Split('=')[0]));
        string command = rows[^1].GetProperty("command").GetString()!;
        await SameAsBeforeAsync(scratch);

        // The command that is recommended is one that works.
        CommandResult sync = await Command.RunAsync(["sh", "-c", Tool.Path + command["nativesync".Length..]]);
        Assert.True(sync.ExitCode == 0, sync.ToString());
        Assert.True(File.Exists(scratch["dst/d/noise"]), command);
    }

    [Theory]
    [InlineData("none", 11)]
    [InlineData("no/such", 11)]
    [InlineData("file", 11)]
    public async Task ADirectoryThatCannotBeWrittenToIsNamedAndNotMade(string name, int code)
    {
        using Scratch scratch = await ScratchAsync();
        CommandResult bench = await BenchAsync(scratch, ["-e", LocalShell.Path(scratch), scratch["src"], "host:" + scratch[name]]);
        Assert.True(bench.ExitCode == code && Event(Rows(bench)[^1]) == "failure" && bench.Output.Contains($"/{name}/", StringComparison.Ordinal) && bench.Error.Length == 0, bench.ToString());
        Assert.DoesNotContain("\"problem\"", bench.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(scratch[name]));
        await SameAsBeforeAsync(scratch);
    }

    /// <summary>In the middle of a transfer.</summary>
    [Fact]
    public async Task AfterAFailureNothingStaysEither()
    {
        using Scratch scratch = await ScratchAsync();
        string full = await scratch.MountAsync("full", "size=512k");
        CommandResult bench = await BenchAsync(scratch, ["-e", LocalShell.Path(scratch), scratch["src"], "host:" + full]);
        Assert.True(bench.ExitCode is 11 or 23 && Event(Rows(bench)[^1]) == "failure", bench.ToString());
        Assert.Empty(Directory.EnumerateFileSystemEntries(full));
        await SameAsBeforeAsync(scratch);
    }

    private static Task<CommandResult> BenchAsync(Scratch scratch, string[] words) =>
        Command.RunAsync(["env", "TMPDIR=" + scratch["tmp"], Tool.Path, "bench", "--json", "--seconds=2", "--rsync-path", Tool.Path, .. words]);

    private static JsonElement[] Rows(CommandResult bench) =>
        [.. bench.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => JsonDocument.Parse(line).RootElement)];

    private static string? Event(JsonElement row) => row.GetProperty("event").GetString();

    private static async Task<Scratch> ScratchAsync()
    {
        Scratch scratch = new();
        await Command.ShellAsync($"cd '{scratch.Root}'; mkdir -p src/d dst/.nativesync-bench-of-another tmp; seq 300000 > src/text; head -c 2000000 /dev/urandom > src/d/noise; echo kept > dst/kept; echo kept > file; touch -d @1 dst/kept; {State} > before");
        return scratch;
    }

    /// <summary>The times of the directories that something was made in move, as they must.</summary>
    private const string State = "find src dst file tmp ! -name dst ! -name tmp -printf '%p %y %s %m %T@\\n' | sort";

    private static Task SameAsBeforeAsync(Scratch scratch) => Command.ShellAsync($"cd '{scratch.Root}'; {State} | diff before - >&2");
}
