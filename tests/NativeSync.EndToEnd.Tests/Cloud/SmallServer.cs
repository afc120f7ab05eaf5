using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests.Cloud;

/// <summary>A tree like a very small server's: what a migration must carry, without what a migration must leave out.</summary>
internal sealed class SmallServer : IDisposable
{
    private readonly Scratch _scratch = new();

    public SmallServer()
    {
        foreach (string directory in (string[])["etc", "bin", "usr/lib", "proc", "sys", "dev", "mnt/disk1", "var/lib/app", "lost+found"])
        {
            Directory.CreateDirectory(Path.Combine(Root, directory));
        }

        Random random = new(4);
        for (int i = 0; i < 60; i++)
        {
            byte[] content = new byte[random.Next(0, 40_000)];
            random.NextBytes(content);
            File.WriteAllBytes(Path.Combine(Root, i % 2 == 0 ? "usr/lib" : "var/lib/app", $"file {i}"), content);
            File.WriteAllBytes(Path.Combine(Data, $"table {i}"), content);
        }

        File.WriteAllText(Path.Combine(Root, "etc/os-release"), "PRETTY_NAME=\"a small server\"\n");
        File.CreateSymbolicLink(Path.Combine(Root, "etc/link"), "os-release");
        File.SetUnixFileMode(Path.Combine(Root, "usr/lib/file 0"), (UnixFileMode)0x9ED); // 4755
    }

    public string Root => Directory.CreateDirectory(_scratch["server"]).FullName;

    public string Data => Path.Combine(Root, "mnt/disk1");

    /// <summary>Empties the mount point as it is on the destination's system disk, times included.</summary>
    public Task RemoveDataAsync() => Command.ShellAsync($"touch -r '{Data}' '{_scratch["time"]}'; rm -rf '{Data}'/*; touch -r '{_scratch["time"]}' '{Data}'");

    public void Dispose() => _scratch.Dispose();
}
