using System.Diagnostics;
using NativeSync.Protocol;
using Xunit;

namespace NativeSync.Engine.Tests.Session;

/// <summary>A scratch directory with source and destination trees, and rsync as the judge over them.</summary>
internal sealed class SyncTree : IDisposable
{
    public string Root { get; } = Directory.CreateTempSubdirectory("ns-sync-").FullName;

    // .NET cannot remove names that are not UTF-8.
    public void Dispose() => Shell($"rm -rf {Root}");

    public SyncRequest Request(string source, string destination, JobFlags more) => new()
    {
        Sources = [ByteText.FromArgument(Path.Combine(Root, source))],
        Destination = ByteText.FromArgument(Path.Combine(Root, destination)),
        Options = SyncOptions.Archive with { Flags = SyncOptions.ArchiveFlags | JobFlags.HardLinks | JobFlags.Sparse | more },
    };

    /// <summary>Small files, a large one, links, holes, odd modes and times.</summary>
    public void Fill(string name, int seed)
    {
        var root = Path.Combine(Root, name);
        for (var d = 0; d < 3; d++)
        {
            var directory = Directory.CreateDirectory(Path.Combine(root, $"d{d}", "inner")).Parent!.FullName;
            for (var f = 0; f < 5; f++)
            {
                File.WriteAllText(Path.Combine(directory, $"f{f}"), new string((char)('a' + f + seed), f * 1000));
            }
        }

        var random = new byte[3_000_000];
        new Random(7).NextBytes(random);
        random.AsSpan(seed * 1000, 500).Fill((byte)seed);
        File.WriteAllBytes(Path.Combine(root, "large"), random);
        File.CreateSymbolicLink(Path.Combine(root, "link"), $"d1/f{seed}");
        Shell($"ln {root}/d0/f4 {root}/d1/hard; truncate -s 5M {root}/sparse; echo data{seed} >> {root}/sparse; "
            + $"chmod 4711 {root}/d2/f2; touch -d '1960-01-0{seed} 00:00:00.123456789' {root}/d1");
    }

    /// <summary>Makes one tree an exact copy of another.</summary>
    public void Reset(string name, string from) => Shell($"rm -rf {Root}/{name} && cp -a {Root}/{from} {Root}/{name}");

    public string Difference(string source, string destination) =>
        Shell($"rsync -naHi --delete --checksum {Path.Combine(Root, source)} {Path.Combine(Root, destination)}");

    public string[] TemporaryFiles(string name) =>
        [.. Directory.GetFiles(Path.Combine(Root, name), ".*", SearchOption.AllDirectories)];

    /// <summary>Every file under its own name has the whole content of one of the two trees.</summary>
    public void AssertEveryFileIsFrom(string name, string one, string other)
    {
        var root = Path.Combine(Root, name);
        foreach (var path in Directory.GetFiles(root, "*", SearchOption.AllDirectories))
        {
            var relative = Path.GetRelativePath(root, path);
            if (Path.GetFileName(path).StartsWith('.') || new FileInfo(path).LinkTarget is not null)
            {
                continue;
            }

            var content = File.ReadAllBytes(path);
            Assert.True(
                Same(content, Path.Combine(Root, one, relative)) || Same(content, Path.Combine(Root, other, relative)),
                $"{relative} has a content that neither tree has");
        }
    }

    private static bool Same(byte[] content, string path) => File.Exists(path) && content.AsSpan().SequenceEqual(File.ReadAllBytes(path));

    public static string Shell(string command)
    {
        using var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", command]) { RedirectStandardOutput = true })!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return output;
    }
}
