using System.Diagnostics;
using NativeSync.Cli.Migrate;

namespace NativeSync.Cli.Tests.Migrate;

/// <summary>A script in the rescue system that says nothing for long, run by a real shell with a <c>sleep</c> of the test's.</summary>
public sealed class SignsOfLifeTests : IDisposable
{
    private readonly TemporaryDirectory _place = new();

    public void Dispose() => _place.Dispose();

    [Fact]
    public void ASilentScriptShowsThatItLivesAndNothingOfThatStaysBehind()
    {
        string bin = Directory.CreateDirectory(Path.Combine(_place.Path, "bin")).FullName, gate = Path.Combine(_place.Path, "gate");
        File.WriteAllText(Path.Combine(bin, "sleep"), $"#!/bin/sh\necho $$ >>'{_place.Path}/sleeps'\n[ $(wc -l <'{_place.Path}/sleeps') -lt 3 ] || exec /bin/sleep 1000\n");
        File.SetUnixFileMode(Path.Combine(bin, "sleep"), (UnixFileMode)0x1ED);
        ProcessStartInfo start = new("/bin/sh", ["-c", SshRescueConnector.SshRescueSystem.WithSigns($"while [ ! -e '{gate}' ]; do :; done; echo said; exit 3", TimeSpan.FromSeconds(10))])
        {
            RedirectStandardOutput = true,
        };
        start.Environment["PATH"] = bin + ":/usr/bin:/bin";
        using Process process = Process.Start(start)!;
        Assert.Equal(0, process.StandardOutput.Read());
        Assert.Equal(0, process.StandardOutput.Read());
        while (File.ReadAllLines(Path.Combine(_place.Path, "sleeps")).Length < 3)
        {
            Thread.Yield();
        }

        File.WriteAllText(gate, "");
        Assert.Equal("said\n", process.StandardOutput.ReadToEnd());
        process.WaitForExit();
        Assert.Equal(3, process.ExitCode);

        // Killed, and gone as soon as the kernel has seen to it.
        foreach (string id in File.ReadAllLines(Path.Combine(_place.Path, "sleeps")))
        {
            Assert.True(SpinWait.SpinUntil(() => !IsSleep(id), TimeSpan.FromMinutes(1)), id);
        }
    }

    private static bool IsSleep(string id)
    {
        try
        {
            return File.ReadAllText($"/proc/{id}/cmdline").Contains("sleep", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }
}
