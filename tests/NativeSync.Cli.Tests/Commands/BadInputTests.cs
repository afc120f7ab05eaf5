namespace NativeSync.Cli.Tests.Commands;

/// <summary>Bad input ends in one clear line on standard error and rsync's exit code, and loses nothing.</summary>
public sealed class BadInputTests
{
    [Theory]
    [InlineData(23, "sync -a T/none T/d", "T/none")]
    [InlineData(3, "sync -a T/s/ T/file", "T/file")]
    [InlineData(3, "sync -a T/s/1 T/s/ T/file", "T/file")]
    [InlineData(11, "sync -a T/s T/x/y/z", "T/x/y/z")]
    [InlineData(11, "sync -a --exclude-from=T/none T/s T/d", "T/none")]
    [InlineData(1, "sync -a --filter=nonsense T/s T/d", "nonsense")]
    [InlineData(11, "sync -a --filter=._T/none T/s T/d", "none")]
    [InlineData(1, "sync -a --filter=:q_rules T/s T/d", "invalid modifier 'q' at position 1")]
    [InlineData(1, "sync --nonsense T/s T/d", "--nonsense")]
    [InlineData(4, "sync --copy-as=u -r T/s T/d", "--copy-as")]
    [InlineData(1, "sync -a h:a g:b", "both be remote")]
    [InlineData(4, "sync -a T/s rsync://h/m", "daemons")]
    [InlineData(14, "sync -a -e /nonexistent/rsh T/s h:d", "/nonexistent/rsh")]
    [InlineData(255, "sync -a --port=1 --ssh-config=none T/s 127.0.0.1:d", "127.0.0.1")]
    [InlineData(255, "sync -a --ssh-config=none T/s host.invalid:d", "host.invalid")]
    [InlineData(1, "sync", "--help")]
    [InlineData(1, "nonsense", "nonsense")]
    [InlineData(1, "verify T/s", "verify")]
    [InlineData(1, "verify --delete T/s T/d", "--delete")]
    [InlineData(23, "verify T/s T/none", "destination")]
    public async Task BadInputIsToldInOneLine(int exitCode, string command, string place)
    {
        using TemporaryDirectory directory = new();
        directory.Shell("mkdir s; echo 1 >s/1; echo content >file");
        (int code, string output, string error) = await NativeSyncRun.RunAsync(command.Replace("T/", directory.Path + "/", StringComparison.Ordinal).Split(' '));
        Assert.True(exitCode == code, $"{code}: {output}{error}");
        string[] lines = error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.StartsWith("nativesync: ", lines[0], StringComparison.Ordinal);
        Assert.Contains(place.Replace("T/", directory.Path + "/", StringComparison.Ordinal), lines[0], StringComparison.Ordinal);
        Assert.All(lines.Skip(1), static line => Assert.Contains("code ", line, StringComparison.Ordinal));
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
        Assert.Equal("content\n", File.ReadAllText($"{directory.Path}/file"));
    }

    [Fact]
    public async Task StartedAsRsyncItTakesRsyncsCommandLine()
    {
        using TemporaryDirectory directory = new();
        directory.Shell("mkdir s; echo 1 >s/1");
        (int code, string output, _) = await NativeSyncRun.RunAsync("rsync", ["-ai", $"{directory.Path}/s", $"{directory.Path}/d"]);
        Assert.Equal(0, code);
        Assert.Contains(">f+++++++++ s/1\n", output, StringComparison.Ordinal);
        Assert.Contains("nativesync ", (await NativeSyncRun.RunAsync("rsync", ["--version"])).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task VerifyNamesWhatDiffersAndInWhat()
    {
        using TemporaryDirectory directory = new();
        directory.Shell("mkdir s; echo 1 >s/1; echo 22 >s/2; cp -a s d; echo 3 >d/1; touch -r s/1 d/1; touch d/more; rm d/2; touch -r s d");
        (int code, string output, _) = await NativeSyncRun.RunAsync("verify", $"{directory.Path}/s", $"{directory.Path}/d");
        Assert.Equal(23, code);
        Assert.Contains("differs: 1: content\n", output, StringComparison.Ordinal);
        Assert.Contains("only in the source: 2\n", output, StringComparison.Ordinal);
        Assert.Contains("only in the destination: more\n", output, StringComparison.Ordinal);
        Assert.EndsWith("different: 3 entries differ\n", output, StringComparison.Ordinal);
        Assert.Equal(0, (await NativeSyncRun.RunAsync("verify", "-q", $"{directory.Path}/s", $"{directory.Path}/s")).ExitCode);
    }
}
