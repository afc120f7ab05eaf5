using System.Diagnostics;
using System.Globalization;

namespace NativeSync.Migration.Source;

/// <summary>How a kernel has a driver.</summary>
public enum DriverState
{
    /// <summary>Nothing says.</summary>
    Unknown,

    /// <summary>In the kernel itself.</summary>
    BuiltIn,

    /// <summary>As a module, which the initramfs must hold.</summary>
    Module,

    /// <summary>Not at all.</summary>
    Missing,
}

/// <summary>A kernel that the source can boot.</summary>
/// <param name="Release">Such as 6.1.0-18-amd64.</param>
/// <param name="Disk">virtio_blk.</param>
/// <param name="Network">virtio_net.</param>
/// <param name="InitramfsHasVirtio">Whether its initramfs holds virtio_blk, and without modules in /lib/modules all that are none of the kernel's own; null when there is none or it cannot be read.</param>
/// <param name="HasModules">Its modules are in /lib/modules, so that an initramfs can be made.</param>
public sealed record KernelFacts(string Release, DriverState Disk, DriverState Network, bool? InitramfsHasVirtio, bool HasModules = true)
{
    /// <summary>It has drivers as modules, and neither the modules nor an initramfs that is known to hold them.</summary>
    public bool LacksModules => !HasModules && (Disk == DriverState.Module || Network == DriverState.Module) && InitramfsHasVirtio != true;

    /// <summary>It cannot run on a CVM.</summary>
    public bool LacksDrivers => Disk == DriverState.Missing || Network == DriverState.Missing || LacksModules;
}

/// <summary>What decides whether the source will run on a CVM.</summary>
public sealed record SourceFacts
{
    /// <summary>The kernels in /boot.</summary>
    public IReadOnlyList<KernelFacts> Kernels { get; init; } = [];

    /// <summary>Whether it has a tool to make an initramfs.</summary>
    public bool MakesInitramfs { get; init; }

    /// <summary>enforcing, permissive or disabled; null without SELinux.</summary>
    public string? SeLinux { get; init; }

    /// <summary>Bytes that programs may still take; null when it cannot be told.</summary>
    public long? FreeMemory { get; init; }

    /// <summary>Swap devices and files in use.</summary>
    public IReadOnlyList<string> Swaps { get; init; } = [];

    /// <summary>What the system's programs are for, when that is not 64-bit x86; else null.</summary>
    public string? ForeignPrograms { get; init; }

    /// <summary>NAME of /etc/os-release, such as "Debian GNU/Linux"; null without.</summary>
    public string? Distribution { get; init; }

    /// <summary>The disks of the server and how they are divided.</summary>
    public IReadOnlyList<(string Disk, string Layout)> Disks { get; init; } = [];

    /// <summary>Whether Tencent Cloud's automation agent is installed.</summary>
    public bool HasTatAgent { get; init; }
}

/// <summary>Looks the facts up below a root directory, and the running kernel's only when that is "/".</summary>
internal static class SourceFactsReader
{
    private static readonly TimeSpan ToolLimit = TimeSpan.FromSeconds(60);

    public static SourceFacts Read(string root, IReadOnlyList<MountEntry> mounts)
    {
        bool running = root == "/";
        List<string> swaps = running ? Swaps(Text("/proc/swaps")) : [];
        return new SourceFacts
        {
            Kernels = Kernels(root),
            MakesInitramfs = HasTool(root),
            SeLinux = SeLinux(root, running),
            FreeMemory = running ? FreeMemory(Text("/proc/meminfo")) : null,
            Swaps = swaps,
            Distribution = Setting(Text(Path.Join(root, "etc/os-release")), "NAME="),
            ForeignPrograms = ProgramKind.Foreign(root),
            Disks = running ? DiskLayout.Read("/sys/block", mounts, swaps) : [],
            HasTatAgent = Directory.Exists(Path.Join(root, "usr/local/qcloud/tat_agent")),
        };
    }

    /// <summary>MemAvailable; kernels before 3.14 have none, and there MemFree is the least that there is.</summary>
    internal static long? FreeMemory(string meminfo)
        => (Field(meminfo, "MemAvailable:") ?? Field(meminfo, "MemFree:")) is { } kilobytes ? kilobytes * 1024 : null;

    /// <summary>What a kernel's configuration says about an option.</summary>
    internal static DriverState Driver(string config, string option)
    {
        foreach (string line in config.Split('\n'))
        {
            if (line.StartsWith(option, StringComparison.Ordinal) && line.Length > option.Length + 1 && line[option.Length] == '=')
            {
                return line[option.Length + 1] == 'y' ? DriverState.BuiltIn : DriverState.Module;
            }
        }

        return config.Length == 0 ? DriverState.Unknown : DriverState.Missing;
    }

    private static List<KernelFacts> Kernels(string root)
    {
        List<KernelFacts> kernels = [];
        string boot = Path.Join(root, "boot");
        try
        {
            foreach (string image in Directory.EnumerateFiles(boot, "vmlinuz-*").Order(StringComparer.Ordinal))
            {
                string release = Path.GetFileName(image)["vmlinuz-".Length..];
                if (release.Contains("rescue", StringComparison.Ordinal))
                {
                    continue; // The distribution's own rescue kernel shares modules with another.
                }

                string config = Text(Path.Join(boot, "config-" + release));
                if (config.Length == 0)
                {
                    config = Text(Path.Join(root, "lib/modules", release, "config"));
                }

                string modules = Text(Path.Join(root, "lib/modules", release, "modules.dep"));
                DriverState disk = Driver("CONFIG_VIRTIO_BLK", "/virtio_blk.ko"), network = Driver("CONFIG_VIRTIO_NET", "/virtio_net.ko");
                List<string> needed = modules.Length > 0 || disk == DriverState.Module ? ["virtio_blk"] : [];
                if (modules.Length == 0 && network == DriverState.Module)
                {
                    needed.Add("virtio_net");
                }

                if (modules.Length == 0 && SourceFactsReader.Driver(config, "CONFIG_VIRTIO_PCI") == DriverState.Module)
                {
                    needed.Add("virtio_pci");
                }

                kernels.Add(new KernelFacts(release, disk, network, Initramfs(root, boot, release, needed), modules.Length > 0));

                // What the configuration promises as a module may have been left out of the package.
                DriverState Driver(string option, string module)
                    => SourceFactsReader.Driver(config, option) is var state && state == DriverState.Module && modules.Length > 0 && !modules.Contains(module, StringComparison.Ordinal) ? DriverState.Missing : state;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No /boot, no kernels: told of as such.
        }

        return kernels;
    }

    private static bool HasTool(string root)
    {
        foreach (string tool in (string[])["update-initramfs", "dracut", "mkinitrd"])
        {
            foreach (string directory in (string[])["usr/sbin", "usr/bin", "sbin", "bin"])
            {
                if (File.Exists(Path.Join(root, directory, tool)))
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static bool? Initramfs(string root, string boot, string release, List<string> needed)
    {
        foreach (string name in (string[])[$"initrd.img-{release}", $"initramfs-{release}.img", $"initrd-{release}", $"initrd-{release}.img"])
        {
            string file = Path.Join(boot, name);
            if (root == "/" && File.Exists(file))
            {
                // The distribution's own tool knows how its initramfs is packed.
                string? listing = Run("lsinitramfs", file) ?? Run("lsinitrd", file);
                return listing is null ? null : needed.TrueForAll(d => listing.Contains(d, StringComparison.Ordinal));
            }
        }

        return null;
    }

    /// <summary>What a program of the source writes; null when it is missing, fails or writes nothing.</summary>
    internal static string? Run(string tool, params string[] arguments)
    {
        try
        {
            using Process? process = Process.Start(new ProcessStartInfo(tool, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true });
            if (process is null)
            {
                return null;
            }

            process.StandardInput.Close();
            process.ErrorDataReceived += (_, _) => { };
            process.BeginErrorReadLine();
            using Timer limit = new(_ => process.Kill(entireProcessTree: true), null, ToolLimit, Timeout.InfiniteTimeSpan);
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 && output.Length > 0 ? output : null;
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or InvalidOperationException)
        {
            return null;
        }
    }

    private static string? SeLinux(string root, bool running)
    {
        if (running && Text("/sys/fs/selinux/enforce").Trim() is { Length: > 0 } enforce)
        {
            return enforce == "1" ? "enforcing" : "permissive";
        }

        return Setting(Text(Path.Join(root, "etc/selinux/config")), "SELINUX=");
    }

    /// <summary>The value in a file of shell variables, without its quotes.</summary>
    private static string? Setting(string text, string name)
    {
        foreach (string line in text.Split('\n'))
        {
            if (line.StartsWith(name, StringComparison.Ordinal))
            {
                return line[name.Length..].Trim().Trim('"', '\'');
            }
        }

        return null;
    }

    private static List<string> Swaps(string swaps)
        => [.. swaps.Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(l => l.Split(' ', '\t')[0])];

    private static long? Field(string text, string name)
    {
        foreach (string line in text.Split('\n'))
        {
            if (line.StartsWith(name, StringComparison.Ordinal)
                && long.TryParse(line[name.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out long value))
            {
                return value;
            }
        }

        return null;
    }

    private static string Text(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
