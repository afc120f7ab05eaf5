using NativeSync.TestKit;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests.Migration;

/// <summary>A whole migration by the published executable, over a private sshd, judged by its exit code and its own words.</summary>
public sealed class RehearsalTests
{
    /// <summary>Where the trees of tests are, in memory as a rule: some ten thousand files are made and removed.</summary>
    private static readonly Dictionary<string, string?> InPlace = new() { ["TMPDIR"] = TestRun.Place };

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task ARehearsalEndsWithBothSidesEqual(int mode)
    {
        string output = (await Command.RunAsync([PublishedExecutable.FullName, "rehearse", $"--mode={mode}"], environment: InPlace)).MustExit(0).Output;
        string[] lines = output.Split('\n');
        Assert.Contains("Migrate successfully.", lines);
        Assert.Contains("behind a private sshd", output, StringComparison.Ordinal);
        Assert.DoesNotContain("NOT EQUAL", output, StringComparison.Ordinal);
        Assert.Equal(2, lines.Count(l => l.EndsWith("  equal", StringComparison.Ordinal)));
        Assert.Equal(mode == 1, lines.Contains("Stage 1 is finished and please run next stage at source machine."));
        Assert.Equal(mode == 1, lines.Contains("Stage 2 is finished and please run next stage at gateway machine."));
    }

    [Fact]
    public async Task ARehearsalCarriesAGivenTree()
    {
        DirectoryInfo source = Directory.CreateTempSubdirectory("ns-rehearsal-source-");
        try
        {
            for (int i = 0; i < 50; i++)
            {
                await File.WriteAllTextAsync(Path.Combine(source.FullName, $"file {i}"), new string('x', i * 1000));
            }

            string output = (await Command.RunAsync([PublishedExecutable.FullName, "rehearse", "--source", source.FullName], environment: InPlace)).MustExit(0).Output;
            Assert.Contains("(51 entries)", output, StringComparison.Ordinal);
        }
        finally
        {
            source.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData("--source /nowhere/at/all", 1, "nativesync: --source /nowhere/at/all does not exist\n")]
    [InlineData("--source /etc/hostname", 1, "nativesync: --source /etc/hostname is not a directory\n")]
    [InlineData("--mode 4", 2, "nativesync: --mode is a number from 0 to 3, not \"4\"\n")]
    [InlineData("--nonsense", 2, "nativesync: unknown argument \"--nonsense\"; see nativesync rehearse --help\n")]
    public async Task BadInputEndsInOneLine(string arguments, int exitCode, string expected)
    {
        CommandResult outcome = await Command.RunAsync([PublishedExecutable.FullName, "rehearse", .. arguments.Split(' ')]);
        Assert.Equal((exitCode, expected), (outcome.ExitCode, outcome.Error));
    }
}
