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

    [Fact]
    public void WhatTakesTooLongIsKilledWithAllThatItStarted()
    {
        using ChrootShell shell = new(_root, _tree, TimeSpan.FromSeconds(1));
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
