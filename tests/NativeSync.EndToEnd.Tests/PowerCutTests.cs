using System.Diagnostics;
using NativeSync.TestKit;
using NativeSync.TestKit.Machines;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests;

/// <summary>The process is killed and the power goes: what <c>--fsync</c> gave its name and its time has its content.</summary>
public sealed class PowerCutTests
{
    private const int Files = 400;

    [Theory]
    [InlineData("ext4")]
    [InlineData("btrfs")]
    public async Task WhatWasFlushedSurvivesAKillAndAPowerCut(string fileSystem)
    {
        using Scratch scratch = new();
        await Command.ShellAsync($"""
            cd '{scratch.Root}'; mkdir src; i=0; while [ $i -lt {Files} ]; do head -c $((i * 37 % 20000 + 1)) /dev/urandom >src/$i; i=$((i + 1)); done
            head -c 3M /dev/urandom >src/large; head -c 64M /dev/urandom >src/without-end; head -c 50000 /dev/urandom >src/sparse; truncate -s 300000 src/sparse
            """);
        // At the limit below nobody comes to the end of the last one, however late the one who kills gets to look.
        int[] killedAt = [Files / 10, Files / 2, Files * 9 / 10];
        PowerCutDisk disk = await PowerCutDisk.MountAsync(scratch, fileSystem);
        await using (disk)
        {
            foreach (int count in killedAt)
            {
                string destination = $"{disk.MountPoint}/{count}";
                CommandResult run = await Command.RunAsync(
                    [PublishedExecutable.FullName, "sync", "-aS", "--fsync", "--bwlimit=4m", scratch["src/"], destination], started: process => KillAt(process, destination, count));
                Assert.NotEqual(0, run.ExitCode);
                disk.Cut(scratch[$"cut-{count}"], (ulong)count);
            }

            await disk.UnmountAsync();
        }

        File.Delete(scratch["src/without-end"]);

        foreach (int count in killedAt)
        {
            await using (await PowerCutDisk.MountImageAsync(scratch[$"cut-{count}"], scratch["after"]))
            {
                string destination = scratch[$"after/{count}"];
                int whole = AssertWhatLooksDoneIsDone(scratch["src"], destination);
                Assert.True(whole > count / 2, $"{whole} files survived of {count} that were flushed");
                (await Command.RunAsync([PublishedExecutable.FullName, "sync", "-aS", "--delete", scratch["src/"], destination])).MustExit(0);
                await TreeJudge.MustBeEqualAsync(scratch["src"], destination);
            }
        }
    }

    private static void KillAt(Process process, string destination, int files)
    {
        SpinWait.SpinUntil(() => process.HasExited || (Directory.Exists(destination) && Directory.EnumerateFiles(destination).Count() >= files));
        process.Kill();
    }

    /// <summary>What has the size and the time of the source is not looked at again; how many those are.</summary>
    private static int AssertWhatLooksDoneIsDone(string source, string destination)
    {
        int looks = 0;
        foreach (string file in Directory.GetFiles(source))
        {
            FileInfo original = new(file), copy = new(Path.Combine(destination, Path.GetFileName(file)));
            if (copy.Exists && copy.Length == original.Length && copy.LastWriteTimeUtc == original.LastWriteTimeUtc)
            {
                looks++;
                Assert.True(File.ReadAllBytes(file).AsSpan().SequenceEqual(File.ReadAllBytes(copy.FullName)), $"{copy.FullName} looks done and is not");
            }
        }

        return looks;
    }
}
