using System.Globalization;

namespace NativeSync.Migration.Source;

/// <summary>
/// How the source's disks are divided, for a person to compare with the destination's: partitions, what is mounted from
/// them, swap, and what is built on them (LVM, RAID). Read from sysfs; nothing is decided by it.
/// </summary>
internal static class DiskLayout
{
    private const double GiB = 1L << 30;
    private const int SectorSize = 512; // Of sysfs, whatever the disk's own is.

    /// <summary>Not disks of the server: in memory, behind files, or what partitions are put together to.</summary>
    private static readonly string[] NoDisks = ["loop", "ram", "zram", "sr", "fd", "dm-", "md", "nbd"];

    /// <summary>One line for each disk, by name.</summary>
    /// <param name="blocks">/sys/block.</param>
    /// <param name="mounts">What is mounted.</param>
    /// <param name="swaps">Paths of /proc/swaps.</param>
    public static List<(string Disk, string Layout)> Read(string blocks, IReadOnlyList<MountEntry> mounts, IReadOnlyList<string> swaps)
    {
        List<(string, string)> disks = [];
        try
        {
            foreach (string disk in Directory.EnumerateDirectories(blocks).Order(StringComparer.Ordinal))
            {
                string name = Path.GetFileName(disk);
                if (Size(disk) > 0 && !NoDisks.Any(n => name.StartsWith(n, StringComparison.Ordinal)))
                {
                    string[] parts = [.. Directory.EnumerateDirectories(disk, name + "*").Where(p => File.Exists(Path.Combine(p, "partition")))
                        .OrderBy(p => Number(Path.Combine(p, "partition"))).Select(p => Describe(p, blocks, mounts, swaps))];
                    disks.Add((name, parts.Length > 0 ? $"{Shown(Size(disk))}: {string.Join("; ", parts)}" : Describe(disk, blocks, mounts, swaps)[(name.Length + 1)..]));
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No sysfs here, or a disk was pulled.
        }

        return disks;
    }

    /// <summary>"vda1 20.0 GiB, ext4 on /".</summary>
    private static string Describe(string device, string blocks, IReadOnlyList<MountEntry> mounts, IReadOnlyList<string> swaps)
    {
        string name = Path.GetFileName(device);
        string use = Use(device, name, mounts, swaps);
        string holders = Path.Combine(device, "holders");
        if (use.Length == 0 && Directory.Exists(holders))
        {
            use = string.Join(" and ", Directory.EnumerateFileSystemEntries(holders).Order(StringComparer.Ordinal).Select(Path.GetFileName).Select(h =>
            {
                string holder = Path.Combine(blocks, h!), mapped = Text(Path.Combine(holder, "dm/name"));
                string above = Use(holder, h!, mounts, swaps);
                return $"part of {(mapped.Length > 0 ? mapped : h)}{(above.Length > 0 ? $" ({above})" : "")}";
            }));
        }

        return $"{name} {Shown(Size(device))}, {(use.Length > 0 ? use : "not in use")}";
    }

    private static string Use(string device, string name, IReadOnlyList<MountEntry> mounts, IReadOnlyList<string> swaps)
    {
        string number = Text(Path.Combine(device, "dev")), mapped = "/dev/mapper/" + Text(Path.Combine(device, "dm/name"));

        // btrfs shows a number of its own: there the name of the device tells.
        MountEntry[] mounted = [.. mounts.Where(m => (m.Device == number || m.Source == "/dev/" + name || m.Source == mapped) && (m.Type == "btrfs" || m.Root.AsSpan().SequenceEqual("/"u8)))];
        if (mounted.Length > 0)
        {
            string more = mounted.Length > 3 ? $" and {mounted.Length - 3} more" : "";
            return $"{mounted[0].Type} on {string.Join(", ", mounted.Take(3).Select(m => Engine.ByteText.Escape(m.MountPoint)))}{more}";
        }

        return swaps.Contains("/dev/" + name) || swaps.Contains(mapped) ? "swap" : "";
    }

    private static string Shown(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / GiB:0.0} GiB");

    private static long Size(string device) => Number(Path.Combine(device, "size")) * SectorSize;

    private static long Number(string file) => long.TryParse(Text(file), NumberStyles.None, CultureInfo.InvariantCulture, out long value) ? value : 0;

    private static string Text(string file)
    {
        try
        {
            return File.ReadAllText(file).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
