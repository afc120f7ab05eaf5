using System.Text;
using NativeSync.Cli.Migrate;
using NativeSync.Migration.Source;

namespace NativeSync.Cli.Tests.Migrate;

public sealed class TreeSizeTests
{
    [Fact]
    public void WhatTheRulesLeaveOutIsNotCountedAndALinkedFileIsCountedOnce()
    {
        DirectoryInfo root = Directory.CreateTempSubdirectory("ns-size-");
        try
        {
            byte[] megabyte = new byte[1 << 20];
            new Random(1).NextBytes(megabyte);
            foreach (string name in (string[])["keep/a", "cache/b", "cache/deep/c"])
            {
                string path = Path.Combine(root.FullName, name);
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                File.WriteAllBytes(path, megabyte);
            }

            using (System.Diagnostics.Process link = System.Diagnostics.Process.Start("ln", [Path.Combine(root.FullName, "keep/a"), Path.Combine(root.FullName, "keep/again")]))
            {
                link.WaitForExit();
            }

            Assert.InRange(Measure()!.Value, 3 << 20, (3 << 20) + (200 << 10));
            Assert.InRange(Measure("- /cache/*")!.Value, 1 << 20, (1 << 20) + (200 << 10));
            Assert.InRange(Measure("- deep/")!.Value, 2 << 20, (2 << 20) + (200 << 10));
        }
        finally
        {
            root.Delete(recursive: true);
        }

        Assert.Null(Measure());

        long? Measure(params string[] rules) => TreeSize.Measure(new PlannedFileSystem(0, "/", Encoding.UTF8.GetBytes(root.FullName + "/"), [.. rules.Select(Encoding.UTF8.GetBytes)]));
    }
}
