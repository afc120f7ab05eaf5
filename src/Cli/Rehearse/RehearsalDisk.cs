using System.Globalization;
using System.Text;
using NativeSync.Engine.FileSystem;

namespace NativeSync.Cli.Rehearse;

/// <summary>
/// A disk of the simulated instance: a sparse file behind a loop device. Kernels without a parser of partition tables are
/// spared one: the partition is a second loop device, at its offset.
/// </summary>
/// <remarks>The devices are held open here and detached already, so that the kernel clears them when the last user is gone, even where we are killed.</remarks>
internal sealed class RehearsalDisk : IDisposable
{
    private const int PartitionOffset = 1 << 20;

    private readonly List<(string Name, int Fd)> _loops = [];

    private RehearsalDisk(string diskId) => DiskId = diskId;

    /// <summary>disk-….</summary>
    public string DiskId { get; }

    /// <summary>The device that holds the file system.</summary>
    public string Device => "/dev/" + _loops[^1].Name;

    /// <summary>The disk as rescue.sh wants it.</summary>
    public string Word => $"{DiskId}:{string.Join(':', _loops.Select(l => l.Name))}";

    /// <summary>Makes it, with an empty ext4.</summary>
    /// <exception cref="IOException">There are no loop devices here, or no room.</exception>
    public static async Task<RehearsalDisk> CreateAsync(string directory, string diskId, long bytes, bool partitioned, CancellationToken ct)
    {
        string file = Path.Combine(directory, diskId + ".img");
        using (FileStream stream = new(file, FileMode.CreateNew))
        {
            stream.SetLength(bytes);
        }

        RehearsalDisk disk = new(diskId);
        try
        {
            await disk.AttachAsync(file, 0, ct);
            if (partitioned)
            {
                await disk.AttachAsync(file, PartitionOffset, ct);
            }

            // Many small files are what a server is made of: an inode for each 8 KiB.
            await Programs.RunAsync("mkfs.ext4", ["-q", "-F", "-i", "8192", disk.Device], ct);
            return disk;
        }
        catch
        {
            disk.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach ((_, int fd) in _loops)
        {
            LinuxSystemCalls.Instance.Close(fd);
        }

        _loops.Clear();
    }

    private async Task AttachAsync(string file, int offset, CancellationToken ct)
    {
        string loop = (await Programs.RunAsync("losetup", ["--find", "--show", "--offset", offset.ToString(CultureInfo.InvariantCulture), file], ct)).Trim();
        int fd = LinuxSystemCalls.Instance.OpenPath(Encoding.UTF8.GetBytes(loop), OpenFlags.Read);
        await Programs.RunAsync("losetup", ["--detach", loop], CancellationToken.None);
        if (fd < 0)
        {
            throw new IOException($"{loop} cannot be opened: {Errno.Describe(-fd)}");
        }

        _loops.Add((loop["/dev/".Length..], fd));
    }
}
