using System.Diagnostics;
using NativeSync.Migration.Fixups;

namespace NativeSync.Migration.Tests.Fixups;

/// <summary>The script of the step for swap files, run by a real shell.</summary>
public sealed class SwapFileTests
{
    [Fact]
    public void ASwapFileIsAsMkswapMakesItAndIsMadeOnce()
    {
        string root = Directory.CreateTempSubdirectory("ns-swap-").FullName;
        try
        {
            FixupFacts facts = new() { FileSystems = [new() { MountPoint = "/" }, new() { MountPoint = "/srv", Path = root + "/disk1/" }], SwapFiles = [new("/swapfile", 1 << 20), new("/srv/swap", 3 << 16)] };
            Directory.CreateDirectory(root + "/disk1");
            List<RootCommand> commands = Plan(new MemoryTree(("etc/fstab", "")), facts);
            Assert.Equal(2, commands.Count);
            Assert.All(commands, c => Run(root, c.Script));
            (string Path, int Bytes)[] made = [(root + "/swapfile", 1 << 20), (root + "/disk1/swap", 3 << 16)];
            foreach ((string path, int bytes) in made)
            {
                byte[] content = File.ReadAllBytes(path);
                Assert.Equal(bytes, content.Length);
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
                Assert.Equal("SWAPSPACE2"u8.ToArray(), content[4086..4096]);
                Assert.Equal([1, 0, 0, 0], content[1024..1028]);
                Assert.Equal((uint)(bytes / 4096) - 1, BitConverter.ToUInt32(content, 1028));
            }

            // What is there stays as it is.
            File.WriteAllText(root + "/swapfile", "in use");
            Run(root, commands[0].Script);
            Assert.Equal("in use", File.ReadAllText(root + "/swapfile"));
            Assert.Single(Plan(new MemoryTree(("swapfile", "")), facts));
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private static List<RootCommand> Plan(MemoryTree tree, FixupFacts facts)
    {
        FixupContext context = new(new PlannedTree(tree), facts, new FixupProgress());
        new SwapFileFixup().Plan(context);
        return [.. context.Commands];
    }

    private static void Run(string root, string script)
    {
        ProcessStartInfo start = new("/bin/sh", ["-c", script]);
        start.Environment["ROOT"] = root;
        using Process process = Process.Start(start)!;
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}
