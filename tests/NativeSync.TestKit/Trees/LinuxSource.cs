namespace NativeSync.TestKit.Trees;

/// <summary>The source of Linux 6.1 as the Debian package linux-source-6.1 brings it.</summary>
public static class LinuxSource
{
    private const string Archive = "/usr/src/linux-source-6.1.tar.xz";

    /// <summary>Unpacks it below a directory, unless NATIVESYNC_LINUX_TREE names a tree that is unpacked already; returns its root.</summary>
    public static async Task<string> UnpackAsync(string directory)
    {
        if (Environment.GetEnvironmentVariable("NATIVESYNC_LINUX_TREE") is { Length: > 0 } given && Directory.Exists(given))
        {
            return given;
        }

        if (!File.Exists(Archive))
        {
            throw new InvalidOperationException($"{Archive} is not there; ./test.sh installs it (Debian: linux-source-6.1)");
        }

        Directory.CreateDirectory(directory);
        (await Command.RunAsync(["tar", "-xJf", Archive, "-C", directory])).MustExit(0);
        return Path.Combine(directory, "linux-source-6.1");
    }
}
