using System.Globalization;
using System.Text;
using NativeSync.Migration.Configuration;
using NativeSync.Migration.Source;

namespace NativeSync.Migration.Stages;

/// <summary>This machine: rights, source tree, mount points, sizes, and whether what runs here will run on a CVM.</summary>
internal static class SourceCheck
{
    private const double GiB = 1L << 30;
    private const long LeastMemory = 256L << 20;

    /// <summary>A file system needs some of its disk for itself; the reserve of ext4 is 5 %.</summary>
    private const double Usable = 0.94;

    /// <summary>All lines.</summary>
    /// <param name="configuration">The three files.</param>
    /// <param name="services">This machine and the ways to measure it.</param>
    /// <param name="toolDirectory">The tool's directory, which is never carried.</param>
    /// <param name="disks">The destination's disks; none where they are not known.</param>
    /// <param name="facts">What decides whether the source will run; null to leave that out.</param>
    public static List<CheckLine> Lines(MigrationConfiguration configuration, MigrationServices services, string toolDirectory, IReadOnlyList<DiskAssignment> disks, SourceFacts? facts)
    {
        (UserSettings user, ClientSettings client, ISourceSystem source) = (configuration.User, configuration.Client, services.Source);
        List<CheckLine> lines = [];
        lines.Add(source.IsSuperUser
            ? new(CheckVerdict.Ok, "rights", "running as root")
            : new(client.SourceRoot == "/" ? CheckVerdict.Fail : CheckVerdict.Warn, "rights", "not running as root: other users' files and owners cannot be carried", "run the tool as root (sudo)"));
        if (!source.IsDirectory(client.SourceRoot))
        {
            lines.Add(new(CheckVerdict.Fail, client.SourceRoot, "the source is not a directory", "check Client.Source.Root in client.json"));
            return lines;
        }

        IReadOnlyList<MountEntry> mounts = source.Mounts();
        MountPoints(lines, user, client, source, mounts);
        List<string> notes = [];
        List<PlannedFileSystem> plan;
        try
        {
            plan = SourcePlan.Make(user, client, services.ReadExcludes(configuration.Excludes), mounts, toolDirectory, notes, SwapFiles.Read(client.SourceRoot));
        }
        catch (ConfigException)
        {
            return lines; // Said where the excludes are read.
        }

        lines.AddRange(notes.Select(n => new CheckLine(CheckVerdict.Warn, "file systems", n)));
        foreach (PlannedFileSystem fs in plan)
        {
            Fits(lines, services, client, fs, disks.FirstOrDefault(d => d.Index == fs.Index));
            Carries(lines, client, fs);
        }

        if (facts is not null)
        {
            lines.AddRange(System(facts, client.SourceRoot == "/", mends: client.Fixups.Takes("initramfs")));
        }

        return lines;
    }

    /// <summary>Kernel, initramfs, SELinux, memory, swap.</summary>
    /// <param name="facts">Facts of the source.</param>
    /// <param name="isRunning">It is this machine.</param>
    /// <param name="mends">What an initramfs lacks is put into it at the destination.</param>
    internal static List<CheckLine> System(SourceFacts facts, bool isRunning, bool mends = true)
    {
        List<CheckLine> lines = [.. facts.Disks.Select(d => new CheckLine(CheckVerdict.Ok, "disk " + d.Disk, d.Layout))];
        if (facts.ForeignPrograms is { } foreign)
        {
            lines.Add(new(CheckVerdict.Fail, "architecture", $"the programs of this server are for {foreign}, and only 64-bit x86 is carried", "set up a 64-bit system and move the services and their data"));
        }

        if (facts.Kernels.Count == 0 && isRunning)
        {
            lines.Add(new(CheckVerdict.Warn, "virtio", "no kernel in /boot to look at", "make sure that what boots this server has the virtio_blk and virtio_net drivers"));
        }

        bool anyRuns = facts.Kernels.Any(static k => !k.LacksDrivers);
        foreach (KernelFacts kernel in facts.Kernels)
        {
            CheckLine line = Virtio(kernel, "virtio, kernel " + kernel.Release, mends, facts.MakesInitramfs);
            lines.Add(anyRuns && line.Verdict == CheckVerdict.Fail && kernel.LacksDrivers ? line with { Verdict = CheckVerdict.Warn, Remedy = "the other kernels have it: let one of them boot first" } : line);
        }

        if (facts.SeLinux is { } mode)
        {
            lines.Add(mode == "enforcing"
                ? new(CheckVerdict.Warn, "SELinux", "enforcing; the labels are carried, but the guide asks to disable it", "if the destination does not let you in, set SELINUX=disabled in /etc/selinux/config before the last run")
                : new(CheckVerdict.Ok, "SELinux", mode));
        }

        if (facts.FreeMemory is { } free)
        {
            string finding = string.Create(CultureInfo.InvariantCulture, $"{free >> 20} MiB free");
            lines.Add(free >= LeastMemory ? new(CheckVerdict.Ok, "memory", finding) : new(CheckVerdict.Warn, "memory", finding, "the transfer needs some 100 MiB and the services theirs; free some"));
        }

        lines.AddRange(facts.Swaps.Select(s => new CheckLine(CheckVerdict.Warn, "swap", $"{s} is in use; swap partitions are not carried", "make swap at the destination if it needs any")));
        return lines;
    }

    private static CheckLine Virtio(KernelFacts kernel, string subject, bool mends, bool hasTool)
    {
        const string rebuild = "rebuild it with virtio_blk, virtio_pci and virtio_net (update-initramfs -u after adding them to /etc/initramfs-tools/modules, or dracut -f --add-drivers)";
        return (kernel.Disk, kernel.Network) switch
        {
            (DriverState.Missing, _) => new(CheckVerdict.Fail, subject, "has no virtio_blk driver: a CVM's disks would not be seen", "install a kernel of the distribution that has it"),
            (_, DriverState.Missing) => new(CheckVerdict.Fail, subject, "has no virtio_net driver: a CVM's network would not be seen", "install a kernel of the distribution that has it"),
            (DriverState.Unknown, _) => new(CheckVerdict.Warn, subject, "no configuration of it in /boot", "make sure that it has the virtio_blk and virtio_net drivers"),
            _ when mends && kernel.LacksModules => new(CheckVerdict.Fail, subject, $"as modules, but there are none in /lib/modules/{kernel.Release}, and the initramfs {(kernel.InitramfsHasVirtio == false ? "lacks some" : "cannot be looked into")}", "install the kernel's package again"),
            (DriverState.BuiltIn, _) => new(CheckVerdict.Ok, subject, "built in"),
            _ when kernel.InitramfsHasVirtio == true => new(CheckVerdict.Ok, subject, "as modules, and in the initramfs"),
            _ when mends && hasTool => new(CheckVerdict.Ok, subject, kernel.InitramfsHasVirtio == false ? "as modules; the initramfs lacks them and is made anew at the destination" : "as modules; the initramfs is looked into at the destination, and made anew if need be"),
            _ when mends && kernel.InitramfsHasVirtio == false => new(CheckVerdict.Fail, subject, "as modules, the initramfs lacks virtio_blk, and there is no update-initramfs, dracut or mkinitrd to make it anew", "install the distribution's tool"),
            _ when kernel.InitramfsHasVirtio == false => new(CheckVerdict.Warn, subject, "as modules, and the initramfs lacks virtio_blk: the destination would not find its disk", rebuild),
            _ => new(CheckVerdict.Warn, subject, "as modules, and the initramfs cannot be looked into", "make sure that it holds virtio_blk"),
        };
    }

    private static void MountPoints(List<CheckLine> lines, UserSettings user, ClientSettings client, ISourceSystem source, IReadOnlyList<MountEntry> mounts)
    {
        string prefix = client.SourceRoot == "/" ? "" : client.SourceRoot;
        foreach (DataDisk disk in user.DataDisks)
        {
            string path = prefix + disk.MountPoint;
            byte[] bytes = Encoding.UTF8.GetBytes(path);
            bool mounted = mounts.Any(m => m.MountPoint.AsSpan().SequenceEqual(bytes));
            lines.Add(!source.IsDirectory(path)
                ? new(CheckVerdict.Fail, disk.MountPoint, "there is no such directory", "check MountPoint in user.json")
                : mounted
                    ? new(CheckVerdict.Ok, disk.MountPoint, "mounted")
                    : client.SourceRoot == "/"
                        ? new(CheckVerdict.Fail, disk.MountPoint, "nothing is mounted there", "mount the data disk, or take it out of DataDisks in user.json")
                        : new(CheckVerdict.Ok, disk.MountPoint, "a directory"));
        }
    }

    /// <summary>What is in use fits, or what is left of it without the excluded does.</summary>
    private static void Fits(List<CheckLine> lines, MigrationServices services, ClientSettings client, PlannedFileSystem fs, DiskAssignment? disk)
    {
        if (disk is null || (client.SourceRoot != "/" && fs.Mounts.Count == 0))
        {
            return;
        }

        long used = 0;
        foreach (string mount in fs.Volumes)
        {
            used += services.Source.UsedBytes(mount) ?? 0;
        }

        double room = disk.SizeGiB * GiB * Usable;
        string where = string.Create(CultureInfo.InvariantCulture, $"{disk.DiskId} has {disk.SizeGiB} GiB");
        string all = string.Create(CultureInfo.InvariantCulture, $"{used / GiB:0.0} GiB in use");

        // btrfs compresses, and lets files share their blocks: what arrives may need many times what is in use.
        if (!fs.HasBtrfs && used <= room)
        {
            lines.Add(new(CheckVerdict.Ok, fs.MountPoint, $"{all}, {where}"));
            return;
        }

        if (services.Measure?.Invoke(fs) is { } carried)
        {
            string finding = string.Create(CultureInfo.InvariantCulture, $"{all}, {carried / GiB:0.0} GiB{(carried <= used ? " of it" : "")} to be carried, {where}");
            if (carried <= room)
            {
                lines.Add(new(CheckVerdict.Ok, fs.MountPoint, finding));
                return;
            }

            all = finding[..^(where.Length + 2)];
        }
        else if (used <= room)
        {
            lines.Add(new(CheckVerdict.Ok, fs.MountPoint, $"{all}, {where}"));
            return;
        }

        lines.Add(new(CheckVerdict.Fail, fs.MountPoint, $"{all}, {where}", $"enlarge the disk, or exclude what is not needed in {ExcludesFile.FileName}"));
    }

    private static void Carries(List<CheckLine> lines, ClientSettings client, PlannedFileSystem fs)
    {
        if (fs.Type is { } type && client.Format != FormatConsent.Never && !FileSystemKinds.CanBeMade(type))
        {
            lines.Add(new(CheckVerdict.Fail, fs.MountPoint, $"{type} cannot be made at the destination", "make a file system there by hand, and set Client.Disks.Format to \"never\""));
        }
        else if (fs.Type is { } made && client.Format == FormatConsent.All)
        {
            string table = client.HasNewTable(fs.Index) ? "a new partition table and " : "";
            lines.Add(new(CheckVerdict.Warn, fs.MountPoint, $"the {(fs.Index == 0 ? "system disk" : $"data disk {fs.Index}")} of the destination gets {table}a new {made}, as client.json asks: all that is on it is lost"));
        }
        else if (fs.Type is { } odd && FileSystemKinds.LosesAttributes(odd))
        {
            lines.Add(new(CheckVerdict.Warn, fs.MountPoint, $"{odd} has no owners or attributes of Linux; what it shows in their place is carried"));
        }
    }
}
