using System.Diagnostics;
using NativeSync.Migration.Stages;
using NativeSync.TestKit.Trees;

namespace NativeSync.Migration.Tests.Fixups;

/// <summary>The looks at the fix-ups, by a shell: what runs is waited for, what was killed is begun again, and not for ever.</summary>
public sealed class FixupScriptTests : IDisposable
{
    /// <summary>More than three beginnings need.</summary>
    private const int MostLooks = 20;

    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public async Task WhatTheySaidIsHeardAgainWithoutRunningThemAgain()
    {
        Agent("echo said; exit 3");
        Assert.Equal((3, "said\n"), await LookAsync("1"));
        Assert.Equal((3, "said\n"), await LookAsync("1"));
        Assert.Equal(1, Runs);
        Assert.Equal((3, "said\n"), await LookAsync("2"));
        Assert.Equal(2, Runs);
    }

    [Fact]
    public async Task FixUpsThatAreKilledEachTimeAreBegunThreeTimesAtMost()
    {
        Agent("kill -9 $PPID");
        (int code, string said) = await LookAsync("1");
        Assert.Equal(1, code);
        Assert.Contains("killed each time", said, StringComparison.Ordinal);
        Assert.InRange(Runs, 1, 3);
    }

    [Theory]
    [InlineData("another process has the number")]
    [InlineData("another boot")]
    public async Task WhatOnlyLooksAliveIsNotWaitedFor(string what)
    {
        Agent("echo said");
        string d = Directory.CreateDirectory(_scratch["agent.fixup"]).FullName;
        bool isOfThisBoot = what == "another process has the number";
        File.WriteAllText(d + "/boot", isOfThisBoot ? File.ReadAllText("/proc/sys/kernel/random/boot_id") : "another\n");
        File.WriteAllText(d + "/pid", $"{Environment.ProcessId} 1\n");
        File.WriteAllText(d + "/key", "1");
        File.WriteAllText(d + "/facts", "{}");
        Assert.Equal((0, "said\n"), await LookAsync("1"));
    }

    [Fact]
    public async Task AnAgentWhoseShellWasKilledIsWaitedFor()
    {
        // The first one ends behind the first look, and the second tells whether it had.
        string begun = _scratch["begun"], ended = _scratch["ended"], looked = _scratch["looked"];
        Agent($"if mkdir '{begun}'; then kill -9 $PPID; until [ -e '{looked}' ]; do sleep 0.02; done; echo >'{ended}'; else [ -e '{ended}' ] && echo said; fi 2>/dev/null");
        Assert.Equal((0, "said\n"), await LookAsync("1"));
    }

    /// <summary>The script of a line that was cut waits on; once the answer has been heard by another and forgotten, it may not take that for none.</summary>
    [Fact]
    public async Task WhoWaitsBeginsNoneWhenWhatItWaitedForHasGone()
    {
        Agent("echo said");
        string d = Directory.CreateDirectory(_scratch["agent.fixup"]).FullName;
        File.WriteAllText(d + "/boot", File.ReadAllText("/proc/sys/kernel/random/boot_id"));
        File.WriteAllText(d + "/pid", $"{Environment.ProcessId} {Since()}\n");
        string script = $"sleep() {{ rm -rf '{d}'; }}\n" + Script("1");
        using Process shell = Process.Start("/bin/sh", ["-c", script]);
        await shell.WaitForExitAsync();
        Assert.Equal(FixupStep.NotYet, shell.ExitCode);
        Assert.False(File.Exists(_scratch["agent.runs"]));
        Assert.Equal((0, "said\n"), await LookAsync("1"));
    }

    private int Runs => File.ReadAllLines(_scratch["agent.runs"]).Length;

    private void Agent(string body)
    {
        File.WriteAllText(_scratch["agent"], $"#!/bin/sh\necho >>'{_scratch["agent.runs"]}'\n{body}\n");
        File.SetUnixFileMode(_scratch["agent"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private string Script(string key) => $"agent='{_scratch["agent"]}' root=/ facts='{{}}' key={key} looks=15\n" + FixupStep.Script;

    /// <summary>When this process began, as the kernel has it.</summary>
    private static string Since() => File.ReadAllText("/proc/self/stat").Split(") ")[^1].Split(' ')[19];

    /// <summary>Looks until they have ended, with shorter waits than in earnest.</summary>
    private async Task<(int Code, string Said)> LookAsync(string key)
    {
        string script = "sleep() { command sleep 0.03; }\n" + Script(key);
        for (int i = 0; i < MostLooks; i++)
        {
            using Process shell = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", script]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            Task<string> output = shell.StandardOutput.ReadToEndAsync(), error = shell.StandardError.ReadToEndAsync();
            string said = await output + await error;
            await shell.WaitForExitAsync();
            if (shell.ExitCode != FixupStep.NotYet)
            {
                return (shell.ExitCode, said);
            }

            File.WriteAllText(_scratch["looked"], "");
        }

        throw new InvalidOperationException($"not at its end after {MostLooks} looks");
    }
}
