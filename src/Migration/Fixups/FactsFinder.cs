using System.Buffers.Binary;
using System.Text;
using NativeSync.Migration.Source;

namespace NativeSync.Migration.Fixups;

/// <summary>Completes the facts on the machine that the root is mounted on: devices by their mounts, UUIDs by the devices, the disk by its partition.</summary>
internal static class FactsFinder
{
    /// <summary>Fills in what is missing.</summary>
    /// <param name="facts">May be empty: then the root and what is mounted in it are taken.</param>
    /// <param name="root">Absolute path of the root.</param>
    public static void Complete(FixupFacts facts, string root)
    {
        List<MountEntry> mounts = MountTable.Parse(File.ReadAllBytes("/proc/self/mountinfo"));
        if (facts.FileSystems.Count == 0)
        {
            string prefix = root == "/" ? "/" : root + "/";
            foreach (MountEntry mount in mounts)
            {
                string point = Encoding.UTF8.GetString(mount.MountPoint);
                if (mount.Source.StartsWith("/dev/", StringComparison.Ordinal) && (point == root || point.StartsWith(prefix, StringComparison.Ordinal)) && mount.Root is [(byte)'/'])
                {
                    string seen = point == root ? "/" : point[(prefix.Length - 1)..];
                    facts.FileSystems.RemoveAll(f => f.MountPoint == seen);
                    facts.FileSystems.Add(new FixupFileSystem { MountPoint = seen, Path = point });
                }
            }
        }

        foreach (FixupFileSystem fs in facts.FileSystems)
        {
            MountEntry? mount = fs.Path is { } path ? mounts.FindLast(m => Encoding.UTF8.GetString(m.MountPoint) == path.TrimEnd('/')) : null;
            if (mount is not null && mount.Source.StartsWith("/dev/", StringComparison.Ordinal))
            {
                fs.Device ??= mount.Source;
                fs.Type ??= mount.Type;
            }

            if (fs.Device is { } device && (fs.Uuid is null || fs.Type is null))
            {
                (string? type, string? uuid) = Superblock.Read(device);
                fs.Uuid ??= uuid;
                fs.Type ??= type;
            }

            fs.MountPoint = Bytes(fs.MountPoint);
        }

        facts.Folded = [.. facts.Folded.Select(Bytes)];
        facts.Shared = [.. facts.Shared.Select(static s => s with { MountPoint = Bytes(s.MountPoint), Target = Bytes(s.Target) })];
        if (facts.At("/")?.Device is { } system)
        {
            facts.SystemDisk ??= DiskOf(system);
        }
    }

    /// <summary>Like everything that is compared with the root's own texts: one character a byte.</summary>
    private static string Bytes(string text) => Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));

    /// <summary>The disk of a partition, or the device itself where it is none; null for what no BIOS boots from.</summary>
    private static string? DiskOf(string device)
    {
        string real = File.ResolveLinkTarget(device, returnFinalTarget: true)?.FullName ?? device;
        string name = Path.GetFileName(real), at = "/sys/class/block/" + name;
        if (!Directory.Exists(at) || Directory.Exists(at + "/loop") || Directory.Exists(at + "/dm") || Directory.Exists(at + "/md"))
        {
            return null;
        }

        return File.Exists(at + "/partition") && new DirectoryInfo(at).ResolveLinkTarget(returnFinalTarget: true)?.FullName is { } link
            ? "/dev/" + Path.GetFileName(Path.GetDirectoryName(link)) : real;
    }
}

/// <summary>Type and UUID of a file system by its first blocks, where no tool tells.</summary>
internal static class Superblock
{
    private const int Size = 0x10000 + 0x100;

    /// <summary>Reads a device; nulls when it cannot be read or holds nothing that is known.</summary>
    public static (string? Type, string? Uuid) Read(string device)
    {
        try
        {
            using FileStream file = File.OpenRead(device);
            byte[] block = new byte[Size];
            int got = file.ReadAtLeast(block, Size, throwOnEndOfStream: false);
            return Parse(block.AsSpan(0, got));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return (null, null);
        }
    }

    /// <summary>ext2 to ext4 (superblock at 1,024), XFS (at 0), btrfs (at 65,536), swap (its mark ends the first page).</summary>
    internal static (string? Type, string? Uuid) Parse(ReadOnlySpan<byte> device)
    {
        if (device.Length >= 0x500 && device[0x438] == 0x53 && device[0x439] == 0xEF)
        {
            // A journal makes it ext3, extents or 64 bits ext4.
            uint compatible = BinaryPrimitives.ReadUInt32LittleEndian(device[0x45C..]), incompatible = BinaryPrimitives.ReadUInt32LittleEndian(device[0x460..]);
            return ((incompatible & 0x2C0) != 0 ? "ext4" : (compatible & 4) != 0 ? "ext3" : "ext2", Uuid(device[0x468..]));
        }

        if (device.StartsWith("XFSB"u8) && device.Length >= 48)
        {
            return ("xfs", Uuid(device[32..]));
        }

        if (device.Length >= 0x10048 && device[0x10040..].StartsWith("_BHRfS_M"u8))
        {
            return ("btrfs", Uuid(device[0x10020..]));
        }

        return device.Length >= 4096 && device[4086..].StartsWith("SWAPSPACE2"u8) ? ("swap", Uuid(device[1036..])) : (null, null);
    }

    private static string Uuid(ReadOnlySpan<byte> bytes) => new Guid(bytes[..16], bigEndian: true).ToString();
}
