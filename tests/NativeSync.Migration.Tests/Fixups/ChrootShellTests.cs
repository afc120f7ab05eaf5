using System.Diagnostics;
using System.Globalization;
using NativeSync.Migration.Fixups;

namespace NativeSync.Migration.Tests.Fixups;

/// <summary>Commands in a root that leave something behind. Needs root, for chroot and mounts.</summary>
public sealed class ChrootShellTests : IDisposable
{
    private const string LeaveDaemon = "setsid sh -c 'echo $$ >/daemon; exec sleep 1000' & while ! [ -s /daemon ]; do :; done; echo said";

    private readonly string _root = Directory.CreateTempSubdirectory("ns-chroot-").FullName;
    private readonly MemoryTree _tree = new();

    public ChrootShellTests()
    {
        foreach (string place in (string[])["dev", "proc", "sys", "run", "bin"])
        {
            Directory.CreateDirectory(Path.Combine(_root, place));
            _tree.Add(place + "/something");
        }

        Assert.Equal(0, Shell($"cd '{_root}' && for p in sh sleep setsid; do f=$(command -v $p) && cp -L \"$f\" bin/$p && ldd \"$f\" | grep -o '/[^ ]*' | while read -r l; do mkdir -p \".${{l%/*}}\" && cp -L \"$l\" \".$l\" || exit; done || exit; done"));
    }

    public void Dispose()
    {
        Assert.DoesNotContain(_root, File.ReadAllText("/proc/mounts"), StringComparison.Ordinal);
        Directory.Delete(_root, recursive: true);
    }

    [Fact]
    public void ADaemonThatHoldsTheOutputIsNotWaitedForAndEndsWithTheCommand()
    {
        using ChrootShell shell = new(_root, _tree);
        Assert.Equal((3, "said\n"), shell.Run(LeaveDaemon + "; exit 3", outside: false));
        Assert.False(Lives(Daemon));
        Assert.Equal((0, "again\n"), shell.Run("echo again", outside: false));
    }

    [Trait("Category", "Slow")]
    [Fact]
    public void WhatTakesTooLongIsKilledWithAllThatItStarted()
    {
        using ChrootShell shell = new(_root, _tree, TimeSpan.FromSeconds(10));
        Assert.Equal((137, "said\n"), shell.Run(LeaveDaemon + "; sleep 1000", outside: false));
        Assert.False(Lives(Daemon));
    }

    /// <summary>What somebody else does in the root at the same time is his.</summary>
    [Fact]
    public void WhoWasInTheRootBeforeStays()
    {
        using Process other = Process.Start("chroot", [_root, "/bin/sleep", "1000"]);
        SpinWait.SpinUntil(() => new FileInfo($"/proc/{other.Id}/root").LinkTarget == _root, TimeSpan.FromMinutes(1));
        using (ChrootShell shell = new(_root, _tree))
        {
            Assert.Equal(0, shell.Run(LeaveDaemon, outside: false).ExitCode);
            Assert.False(Lives(Daemon));
            Assert.True(Lives(other.Id));
        }

        other.Kill();
        other.WaitForExit();
    }

    /// <summary>A run that was killed in the middle of a command ended nobody: the next one does, before its first command.</summary>
    [Fact]
    public void WhatAKilledRunLeftInTheRootEndsBeforeTheNextCommand()
    {
        ProcessStartInfo start = new("chroot", [_root, "/bin/sleep", "1000"]);
        start.Environment[LeftProcesses.Mark] = "1";
        using Process left = Process.Start(start)!;
        SpinWait.SpinUntil(() => new FileInfo($"/proc/{left.Id}/root").LinkTarget == _root, TimeSpan.FromMinutes(1));
        using ChrootShell shell = new(_root, _tree, TimeSpan.FromMinutes(1));
        try
        {
            string waits = $"while {{ read -r s </proc/{left.Id}/stat; }} 2>/dev/null; do case $s in *') Z '*) break;; esac; done; echo ended";
            Assert.Equal((0, "ended\n"), shell.Run(waits, outside: false));
        }
        finally
        {
            left.Kill();
            left.WaitForExit();
        }
    }

    [Fact]
    public void ACommandOfTheRootSeesNothingOfThePathsAround()
    {
        using ChrootShell shell = new(_root, _tree);
        Assert.Equal((0, "::\n"), shell.Run("echo \"${OUT-}:${ROOT-}:${f-}\"", outside: false));
        Assert.Equal((0, _root + "\n"), shell.Run("echo \"$ROOT\"", outside: true));
    }

    [Fact]
    public void WithoutRoomForWhatACommandPrintsItFailsAndSaysSo()
    {
        string nowhere = Path.Combine(_root, "nowhere");
        using ChrootShell shell = new(_root, _tree, null, nowhere);
        (int code, string output) = shell.Run("echo said", outside: false);
        Assert.Equal(-1, code);
        Assert.Contains($"cannot be kept in {nowhere}/", output, StringComparison.Ordinal);
    }

    /// <summary>What was mounted is let go of in any case.</summary>
    [Fact]
    public void RoomThatIsGoneInTheMiddleKeepsNothingMounted()
    {
        string temporary = Directory.CreateDirectory(Path.Combine(_root, "tmp")).FullName;
        using (ChrootShell shell = new(_root, _tree, null, temporary))
        {
            Assert.Equal((0, "said\n"), shell.Run("echo said", outside: false));
            Directory.Delete(temporary);
            Assert.Equal(-1, shell.Run("echo said", outside: false).ExitCode);
        }

        Assert.DoesNotContain(_root, File.ReadAllText("/proc/mounts"), StringComparison.Ordinal);
    }

    [Fact]
    public void OutsideOfTheRootNobodyIsWaitedForEither()
    {
        using ChrootShell shell = new(_root, _tree);
        Assert.Equal((0, "said\n"), shell.Run("sleep 1000 & echo $! >\"$ROOT/daemon\"; printf said", outside: true));
        Assert.True(Lives(Daemon));
        Process.GetProcessById(Daemon).Kill();
    }

    private int Daemon => int.Parse(File.ReadAllText(Path.Combine(_root, "daemon")), CultureInfo.InvariantCulture);

    private static bool Lives(int id)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{id}/stat");
            return stat[stat.LastIndexOf(')') + 2] != 'Z';
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static int Shell(string script)
    {
        using Process process = Process.Start("/bin/sh", ["-c", script]);
        process.WaitForExit();
        return process.ExitCode;
    }
}
