using System.Text.Json;

namespace NativeSync.Cli.Tests.Bench;

/// <summary><c>nativesync bench</c> without a line: what is told, and what is refused.</summary>
public sealed class BenchCommandTests
{
    private const string Fill = "mkdir -p src/d; seq 200000 > src/text; head -c 300000 /dev/urandom > src/d/noise; ln -s text src/link; mkfifo src/fifo; touch src/empty; for i in $(seq 50); do echo $i > src/d/$i; done";

    [Fact]
    public async Task EveryRowIsThereAndTheSourceIsAsItWas()
    {
        using TemporaryDirectory directory = new();
        directory.Shell(Fill + "; find src -type f -printf '%p %s %m %C@ %A@\\n' | sort > before");
        (int code, string output, string error) = await NativeSyncRun.RunAsync("bench", "--json", "--seconds=1", directory.Path + "/src");
        Assert.True(code == 0, output + error);
        JsonElement[] rows = [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal("scan read compress compress compress compress compress compress advice advice command", string.Join(' ', rows.Select(static row => row.GetProperty("event").GetString())));
        Assert.Equal((56, 53, true), (rows[0].GetProperty("entries").GetInt32(), rows[0].GetProperty("files").GetInt32(), rows[0].GetProperty("complete").GetBoolean()));
        Assert.Equal(rows[0].GetProperty("bytes").GetInt64(), rows[1].GetProperty("bytes").GetInt64());
        Assert.Equal([0, 1, 3, 6, 9, 15], rows[2..8].Select(static row => row.GetProperty("level").GetInt32()));
        Assert.All(rows[3..8], static row => Assert.True(row.GetProperty("ratio").GetDouble() > 1.3, row.ToString()));
        Assert.StartsWith("nativesync sync -a ", rows[^1].GetProperty("command").GetString(), StringComparison.Ordinal);
        directory.Shell("find src -type f -printf '%p %s %m %C@ %A@\\n' | sort | cmp - before");

        (code, output, error) = await NativeSyncRun.RunAsync("bench", "--seconds=1", directory.Path + "/src");
        Assert.True(code == 0 && error.Length == 0, error);
        Assert.All((string[])["scan ", "read ", "compress  none", "compress  level 15", "advice ", "command   nativesync sync -a "], row => Assert.Contains("\n" + row, "\n" + output, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("none", 23, "No such file or directory")]
    [InlineData("file", 23, "Not a directory")]
    [InlineData("empty", 3, "nothing to measure")]
    [InlineData("hollow", 3, "nothing to measure")]
    public async Task ASourceThatCannotBeMeasuredIsNamed(string name, int expected, string message)
    {
        using TemporaryDirectory directory = new();
        directory.Shell("mkdir empty hollow; touch hollow/a file");
        (int code, _, string error) = await NativeSyncRun.RunAsync("bench", "--seconds=1", $"{directory.Path}/{name}");
        Assert.True(code == expected && error.Contains(message, StringComparison.OrdinalIgnoreCase) && error.Contains($"/{name}", StringComparison.Ordinal) && error.Count('\n') == 1, error);
        (code, string output, _) = await NativeSyncRun.RunAsync("bench", "--json", "--seconds=1", $"{directory.Path}/{name}");
        JsonElement failure = JsonDocument.Parse(output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]).RootElement;
        Assert.Equal(("failure", expected, expected), (failure.GetProperty("event").GetString(), failure.GetProperty("exitCode").GetInt32(), code));
    }
}
