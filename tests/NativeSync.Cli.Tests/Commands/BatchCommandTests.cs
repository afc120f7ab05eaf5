namespace NativeSync.Cli.Tests.Commands;

/// <summary>--write-batch, --only-write-batch and --read-batch as a script meets them: rsync's words, files and codes.</summary>
public sealed class BatchCommandTests
{
    private const string Scene =
        """
        umask 022; mkdir s d; echo hi >s/a; seq 1 9000 >s/big; cp -a s/. d/; cp -a d twin; cp -a d theirs; cp -a d theirs2
        echo more >>s/big; mkdir s/sub; echo n >s/sub/n; touch d/old twin/old theirs/old theirs2/old d/keep twin/keep theirs/keep theirs2/keep
        """;

    [Fact]
    public async Task TheScriptBesideTheBatchAppliesIt()
    {
        using TemporaryDirectory directory = new();
        directory.Shell(Scene);
        string path = directory.Path;
        string[] words = ["-a", "--delete", "--exclude=keep", $"--out-format=it's %n", "--only-write-batch=" + path + "/batch", $"{path}/s/", $"{path}/d/"];
        Assert.Equal(0, (await NativeSyncRun.RunAsync("rsync", words)).ExitCode);

        // The words of the script for our own name, without the program, run in this process.
        string script = await File.ReadAllTextAsync(path + "/batch.sh");
        Assert.EndsWith($" '--archive' '--delete' '--out-format=it'\\''s %n' '--read-batch={path}/batch' ${{1:-'{path}/d/'}} <<'#E#'\n- keep\n#E#\n", script, StringComparison.Ordinal);
        Assert.Contains("' '--filter=._-' ", script, StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(path + "/batch.sh"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path + "/batch"));
        (int code, string output, string error) = await NativeSyncRun.RunAsync("rsync", ["-a", "--delete", "--exclude=keep", "-i", "--read-batch=" + path + "/batch", path + "/twin"]);
        Assert.True(code == 0, error);

        // rsync with a batch of its own says and does the same.
        Rsync.Run(["-a", "--delete", "--exclude=keep", "--write-batch=" + path + "/rs", $"{path}/s/", $"{path}/theirs/"]);
        (int theirs, string judge, _) = Rsync.Run(["-a", "--delete", "--exclude=keep", "-i", "--read-batch=" + path + "/rs", path + "/theirs2"]);
        Assert.Equal(theirs, code);
        Assert.Equal(Lines(judge), Lines(output));
        Assert.Equal("", Rsync.Run(["-naci", "--delete", path + "/theirs2/", path + "/twin/"]).Output);
        Assert.Equal(12, (await NativeSyncRun.RunAsync("sync", "-a", "--read-batch=" + Cut(path + "/batch"), path + "/twin")).ExitCode);
    }

    /// <summary>What rsync ends with in the same situation.</summary>
    [Theory]
    [InlineData(1, "-a --read-batch=T/rsyncs h:x", true)]
    [InlineData(1, "-a --read-batch=T/rsyncs", true)]
    [InlineData(1, "-a --write-batch=T/b --read-batch=T/none T/s T/d", true)]
    [InlineData(11, "-a --read-batch=T/none T/d", true)]
    [InlineData(3, "-a --write-batch=T/x/b T/s T/d", true)]
    [InlineData(12, "-a --read-batch=T/empty T/d", true)]
    [InlineData(2, "-a --read-batch=T/foreign T/d", true)]
    [InlineData(2, "-a --read-batch=T/rsyncs T/d", false)]
    [InlineData(2, "-a --read-batch=/dev/zero T/d", false)]
    [InlineData(0, "-an --write-batch=T/b T/s T/d", true)]
    [InlineData(0, "-a --list-only --write-batch=T/b T/s T/d", true)]
    public async Task TheCodeIsRsyncs(int code, string line, bool asRsync)
    {
        using TemporaryDirectory directory = new();
        directory.Shell("mkdir s d t; echo 1 >s/1; touch empty; echo garbage garbage garbage >foreign; rsync -a --write-batch=rsyncs s t");
        string[] words = [.. line.Split(' ').Select(word => word.Replace("T/", directory.Path + "/", StringComparison.Ordinal))];
        (int ours, _, string error) = await NativeSyncRun.RunAsync(["sync", .. words]);
        Assert.True(code == ours, $"{ours}: {error}");
        Assert.False(File.Exists(directory.Path + "/b"));
        Assert.Equal(asRsync ? code : ours, Rsync.Run(words).ExitCode is var theirs && asRsync ? theirs : ours);
    }

    private static string Cut(string path)
    {
        byte[] whole = File.ReadAllBytes(path);
        File.WriteAllBytes(path, whole[..(whole.Length / 2)]);
        return path;
    }

    private static IEnumerable<string> Lines(string output) => output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal);
}
