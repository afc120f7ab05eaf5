using System.Diagnostics;
using NativeSync.TestKit;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests.Migration;

/// <summary>A whole migration by the published executable, over a private sshd, judged by its exit code and its own words.</summary>
public sealed class RehearsalTests
{
    /// <summary>Where the trees of tests are, in memory as a rule: some ten thousand files are made and removed.</summary>
    private static readonly Dictionary<string, string?> InPlace = new() { ["TMPDIR"] = TestRun.Place };

    [Trait("Category", "Slow")]
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
        Assert.Contains("Destination: two disks (loop devices) behind a rescue system of its own", output, StringComparison.Ordinal);
        Assert.Contains("mounted anew and compared by another process: equal", lines);
        Assert.DoesNotContain("NOT EQUAL", output, StringComparison.Ordinal);
        Assert.Equal(2, lines.Count(l => l.EndsWith("  equal", StringComparison.Ordinal)));
        Assert.Equal(mode == 1, lines.Contains("Stage 1 is finished and please run next stage at source machine."));
        Assert.Equal(mode == 1, lines.Contains("Stage 2 is finished and please run next stage at gateway machine."));
    }

    [Trait("Category", "Slow")]
    [Theory]
    [InlineData("--no-disks", "Destination: a directory and no disks (as --no-disks asks), behind a private sshd")]
    [InlineData("--no-ssh", "Destination: a directory and no disks (as --no-ssh asks), behind an agent that runs as a child process")]
    public async Task WhereThereCanBeNoDisksADirectoryTakesTheirPlace(string option, string expected)
    {
        string output = (await Command.RunAsync([PublishedExecutable.FullName, "rehearse", option], environment: InPlace)).MustExit(0).Output;
        Assert.Contains("\n" + expected, output, StringComparison.Ordinal);
        Assert.Contains("\nMigrate successfully.\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RootWithoutTheRightToMountIsToldWhyThereAreNoDisks()
    {
        // As in a container: root without the right to mount.
        string output = (await Command.RunAsync(["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-all", PublishedExecutable.FullName, "rehearse"], environment: InPlace)).MustExit(0).Output;
        Assert.Contains("\nDestination: a directory and no disks (", output, StringComparison.Ordinal);
        Assert.Contains("\nMigrate successfully.\n", output, StringComparison.Ordinal);
    }

    [Trait("Category", "Slow")]
    [Fact]
    public async Task ARehearsalThatIsKilledLeavesNeitherLoopDevicesNorProcesses()
    {
        Directory.CreateDirectory(TestRun.Place);
        string place = Directory.CreateTempSubdirectory("ns-killed-").FullName;
        try
        {
            using Process process = Process.Start(Command.StartInfo([PublishedExecutable.FullName, "rehearse"], new Dictionary<string, string?> { ["TMPDIR"] = place }))!;
            process.StandardInput.Close();
            process.BeginErrorReadLine();
            string? line;
            do
            {
                line = await process.StandardOutput.ReadLineAsync();
            }
            while (line is not null && !line.StartsWith("  Transfer data", StringComparison.Ordinal));
            Assert.NotNull(line);
            Assert.Contains(place, await Command.ShellAsync("losetup --list --noheadings"), StringComparison.Ordinal);
            process.Kill(); // Itself alone: its children must notice.
            await process.WaitForExitAsync();
            using PeriodicTimer poll = new(TimeSpan.FromMilliseconds(20));
            while ((await Command.ShellAsync("losetup --list --noheadings; ps -eo args")).Contains(place, StringComparison.Ordinal))
            {
                await poll.WaitForNextTickAsync();
            }
        }
        finally
        {
            await Command.RunAsync(["rm", "-rf", place]);
        }
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
