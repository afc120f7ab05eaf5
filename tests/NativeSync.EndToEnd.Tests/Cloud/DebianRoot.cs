using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests.Cloud;

/// <summary>A Debian made by debootstrap, once for all runs: packed beside the other tools that the tests need.</summary>
internal static class DebianRoot
{
    private static readonly string Archive = Path.Combine(TestRun.Repository, "artifacts/tools/debian-root.tar");

    /// <summary>Unpacks it into a directory that is there and empty.</summary>
    public static async Task UnpackAsync(string directory)
    {
        if (!File.Exists(Archive))
        {
            using Scratch scratch = new();
            string root = scratch["debian"];
            Directory.CreateDirectory(Path.GetDirectoryName(Archive)!);
            (await Command.RunAsync(["debootstrap", "--variant=minbase", "--include=openssh-server", "bookworm", root])).MustExit(0);
            await Command.ShellAsync($"rm -rf '{root}'/dev/* '{root}'/proc/* '{root}'/sys/* '{root}'/run/* && tar -C '{root}' --xattrs --xattrs-include='*' --acls -cf '{Archive}.new' . && mv '{Archive}.new' '{Archive}'");
        }

        (await Command.RunAsync(["tar", "-C", directory, "--xattrs", "--xattrs-include=*", "--acls", "-xpf", Archive])).MustExit(0);
    }
}
