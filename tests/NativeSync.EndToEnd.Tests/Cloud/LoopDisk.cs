using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests.Cloud;

/// <summary>
/// A disk of a server or of a simulated instance: a sparse file behind a loop device. The kernel has no partition-table
/// parser, so a partition is a second loop device at its offset.
/// </summary>
internal sealed class LoopDisk : IAsyncDisposable
{
    private const int PartitionOffset = 1 << 20;

    private LoopDisk(string diskId, string file, string whole, string? partition)
    {
        DiskId = diskId;
        File = file;
        Whole = whole;
        Partition = partition;
    }

    public string DiskId { get; }

    /// <summary>The raw image, there as long as the disk is.</summary>
    public string File { get; }

    /// <summary>loopN.</summary>
    public string Whole { get; }

    /// <summary>loopN of the partition, or null.</summary>
    public string? Partition { get; }

    /// <summary>The loop device that holds, or is to hold, the file system.</summary>
    public string Holder => Partition ?? Whole;

    /// <summary>The disk as rescue.sh wants it.</summary>
    public string Word => Partition is null ? $"{DiskId}:{Whole}" : $"{DiskId}:{Whole}:{Partition}";

    /// <summary>Makes the disk.</summary>
    /// <param name="directory">Where its file goes.</param>
    /// <param name="diskId">disk-….</param>
    /// <param name="mebibytes">Size.</param>
    /// <param name="makeFileSystem">mkfs and its options, without the device; null leaves it empty.</param>
    /// <param name="partitioned">The file system is to be on a partition: the one, bootable, of an MBR table.</param>
    public static async Task<LoopDisk> CreateAsync(string directory, string diskId, int mebibytes, string? makeFileSystem, bool partitioned)
    {
        string file = Path.Combine(directory, $"{diskId}-{Path.GetRandomFileName()}");
        using (FileStream stream = new(file, FileMode.CreateNew))
        {
            stream.SetLength((long)mebibytes << 20);
        }

        if (partitioned)
        {
            await Command.ShellAsync($"echo '2048,,L,*' | sfdisk --quiet --label dos '{file}'");
        }

        string whole = await AttachAsync(file, 0);
        string? partition = partitioned ? await AttachAsync(file, PartitionOffset) : null;
        LoopDisk disk = new(diskId, file, whole, partition);
        if (makeFileSystem is not null)
        {
            await Command.ShellAsync($"{makeFileSystem} /dev/{disk.Holder}");
        }

        return disk;
    }

    /// <summary>Mounts it for a look, a judge or a change.</summary>
    public async Task<string> MountAsync(string at, string options)
    {
        Directory.CreateDirectory(at);
        (await Command.RunAsync(["mount", "-o", options, "/dev/" + Holder, at])).MustExit(0);
        return at;
    }

    public static async Task UnmountAsync(string at) => (await Command.RunAsync(["umount", at])).MustExit(0);

    /// <summary>UUID or LABEL of its file system; empty without.</summary>
    public async Task<string> NameAsync(string tag) => (await Command.ShellAsync($"blkid -c /dev/null -s {tag} -o value /dev/{Holder} || true")).Trim();

    public async ValueTask DisposeAsync()
    {
        foreach (string? loop in (string?[])[Partition, Whole])
        {
            if (loop is not null)
            {
                // Lazily: should a test have failed with it mounted, it goes when the mount goes.
                await Command.RunAsync(["losetup", "--detach", "/dev/" + loop]);
            }
        }

        System.IO.File.Delete(File);
    }

    private static async Task<string> AttachAsync(string file, int offset)
        => (await Command.ShellAsync($"losetup --find --show --offset {offset} '{file}'")).Trim()["/dev/".Length..];
}
