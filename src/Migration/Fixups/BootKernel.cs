namespace NativeSync.Migration.Fixups;

/// <summary>A kernel that the boot loader can choose, with what lies beside it.</summary>
internal sealed class BootKernel
{
    /// <summary>The drivers without which a CVM's disk and network are not seen; virtio_scsi for what is attached later.</summary>
    public static readonly string[] Drivers = ["virtio", "virtio_ring", "virtio_pci", "virtio_blk", "virtio_scsi", "virtio_net"];

    private static readonly System.Buffers.SearchValues<char> Letters = System.Buffers.SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+~-");

    private readonly string? _list;
    private readonly string _builtIn;
    private readonly string _modules;

    private BootKernel(IRootTree tree, string release, string image, string? initramfs, string? list, string config, string modules)
    {
        (Release, Image, Initramfs) = (release, image, initramfs);
        (_list, _builtIn, _modules) = (list, list + BuiltInBy(config), modules);
        CanRun = HasModules ? Has("virtio_blk") && Has("virtio_net") : CanRunByImage(tree, config);
    }

    /// <summary>Such as 6.1.0-18-amd64.</summary>
    public string Release { get; }

    /// <summary>Path of the kernel.</summary>
    public string Image { get; }

    /// <summary>Path of its initramfs; null when it has none.</summary>
    public string? Initramfs { get; }

    /// <summary>Whether its modules are there, so that an initramfs can be made.</summary>
    public bool HasModules => _modules.Length > 0;

    /// <summary>Whether it can drive a CVM's disk and network, with or without modules.</summary>
    public bool CanRun { get; }

    /// <summary>Whether it reads a type of file system, with or without a module; null when nothing says what it has.</summary>
    public bool? Reads(string type) => !HasModules || _list is null ? null : IsBuiltIn(type) || (IsExt(type) && IsBuiltIn("ext4")) || ModuleOf(type) is not null;

    /// <summary>The modules that the initramfs should hold: virtio drivers, and what reads the root.</summary>
    /// <param name="root">Type of the root's file system; null when not known.</param>
    public List<string> Modules(string? root)
    {
        List<string> modules = [];
        if (root is not null && ModuleOf(root) is { } reader)
        {
            modules.Add(reader);
        }

        foreach (string driver in Drivers)
        {
            if (IsModule(driver))
            {
                modules.Add(driver);
            }
        }

        return modules;
    }

    /// <summary>The modules that the initramfs must hold for the root to be found and read.</summary>
    public List<string> Needed(string? root) => Modules(root).FindAll(static m => m is "virtio_blk" or "virtio_pci" || Array.IndexOf(Drivers, m) < 0);

    /// <summary>The kernels in /boot, newest names last; the distribution's rescue kernels and those of kdump are left out.</summary>
    public static List<BootKernel> Find(IRootTree tree)
    {
        List<BootKernel> kernels = [];
        foreach (string image in tree.Files("boot", "vmlinu"))
        {
            int dash = image.IndexOf('-', StringComparison.Ordinal);
            if (dash < 0 || image.Contains("rescue", StringComparison.Ordinal) || image.EndsWith(".old", StringComparison.Ordinal) || image.EndsWith(".hmac", StringComparison.Ordinal))
            {
                continue;
            }

            string release = image[(dash + 1)..];
            if (release.AsSpan().IndexOfAnyExcept(Letters) >= 0)
            {
                continue; // Goes into commands and menus: no distribution names a kernel so.
            }

            string modules = "lib/modules/" + release;
            string config = tree.Text("boot/config-" + release) ?? tree.Text(modules + "/config") ?? "";
            string order = tree.Text(modules + "/modules.dep") ?? tree.Text(modules + "/modules.order") ?? "";
            kernels.Add(new BootKernel(tree, release, image, InitramfsOf(tree, release), tree.Text(modules + "/modules.builtin"), config, order));
        }

        kernels.Sort(static (a, b) => CompareReleases(a.Release, b.Release));
        return kernels;
    }

    /// <summary>Numbers as numbers: 5.10 comes after 5.9.</summary>
    internal static int CompareReleases(string a, string b)
    {
        for (int i = 0, j = 0; ;)
        {
            if (i == a.Length || j == b.Length)
            {
                return (a.Length - i).CompareTo(b.Length - j);
            }

            if (char.IsAsciiDigit(a[i]) && char.IsAsciiDigit(b[j]))
            {
                long x = Number(a, ref i), y = Number(b, ref j);
                if (x != y)
                {
                    return x.CompareTo(y);
                }
            }
            else if (a[i] != b[j])
            {
                return a[i].CompareTo(b[j]);
            }
            else
            {
                (i, j) = (i + 1, j + 1);
            }
        }

        static long Number(string text, ref int at)
        {
            long value = 0;
            for (; at < text.Length && char.IsAsciiDigit(text[at]); at++)
            {
                value = (value * 10) + (text[at] - '0');
            }

            return value;
        }
    }

    /// <summary>The module for a type of file system; ext4's reads ext2 and ext3 too, and has taken their place.</summary>
    private string? ModuleOf(string type) => IsModule(type) ? type : !IsBuiltIn(type) && IsExt(type) && IsModule("ext4") ? "ext4" : null;

    private static bool IsExt(string type) => type is "ext2" or "ext3" or "ext4";

    private bool Has(string driver) => IsBuiltIn(driver) || IsModule(driver);

    /// <summary>Where the modules are gone, what the initramfs holds is all there is; one that cannot be looked into here has been by --check.</summary>
    private bool CanRunByImage(IRootTree tree, string config)
    {
        List<string> needed = ((List<string>)["virtio_blk", "virtio_net"]).FindAll(d => !IsBuiltIn(d));
        if (config.Contains("\nCONFIG_VIRTIO_PCI=m\n", StringComparison.Ordinal))
        {
            needed.Add("virtio_pci");
        }

        return needed.Count == 0 || (Initramfs is { } image && tree.Resolve(image) is { } real && tree.Open(real) is { } stream && InitramfsImage.Holds(stream, needed) != false);
    }

    private bool IsBuiltIn(string driver) => HasFile(_builtIn, driver);

    private bool IsModule(string driver) => !IsBuiltIn(driver) && HasFile(_modules, driver);

    /// <summary>Whether a list of paths has the module: …/virtio_blk.ko, .ko.xz, .ko.zst, .ko.gz.</summary>
    private static bool HasFile(string list, string driver) => list.Contains($"/{driver}.ko", StringComparison.Ordinal) || list.Contains($"/{driver.Replace('_', '-')}.ko", StringComparison.Ordinal);

    /// <summary>Old kernels have no list of what is built in, but a configuration.</summary>
    private static string BuiltInBy(string config)
    {
        string list = "";
        foreach (string driver in Drivers)
        {
            if (config.Contains($"\nCONFIG_{driver.ToUpperInvariant()}=y\n", StringComparison.Ordinal))
            {
                list += $"\n/{driver}.ko\n";
            }
        }

        return list;
    }

    private static string? InitramfsOf(IRootTree tree, string release)
    {
        foreach (string name in (string[])[$"boot/initrd.img-{release}", $"boot/initramfs-{release}.img", $"boot/initrd-{release}", $"boot/initrd-{release}.img"])
        {
            if (tree.IsFile(name))
            {
                return name;
            }
        }

        return null;
    }
}
