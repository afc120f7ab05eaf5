namespace NativeSync.Migration.Fixups;

/// <summary>What makes initramfs images in a root.</summary>
internal abstract class InitramfsTool
{
    /// <summary>The tool of the root; null when it has none.</summary>
    public static InitramfsTool? Find(IRootTree tree)
        => tree.HasProgram("update-initramfs") ? new InitramfsTools()
            : tree.HasProgram("dracut") ? new Dracut(tree.IsFile("etc/SuSE-release") || tree.Files("boot", "initrd-").Count > 0)
            : tree.HasProgram("mkinitrd") ? new MakeInitrd(tree.Text("etc/sysconfig/kernel")?.Contains("INITRD_MODULES", StringComparison.Ordinal) == true)
            : null;

    /// <summary>Tells the tool, for this and for later times, which drivers to take.</summary>
    public abstract void Configure(FixupContext context, List<string> modules);

    /// <summary>A shell command that makes an image.</summary>
    public abstract string Command(BootKernel kernel, string image);

    /// <summary>What an image is called that is not there yet.</summary>
    public abstract string NewImage(string release);

    /// <summary>The words behind a key of a file, with those that are missing; the file as it is when none is.</summary>
    internal static string AddLines(string text, List<string> modules)
    {
        HashSet<string> there = [];
        foreach (string line in text.Split('\n'))
        {
            there.Add(line.Trim().Split(' ')[0].Replace('-', '_'));
        }

        string added = "";
        foreach (string module in modules)
        {
            added += there.Contains(module) ? "" : module + "\n";
        }

        return added.Length == 0 ? text : text + (text.Length == 0 || text.EndsWith('\n') ? "" : "\n") + added;
    }

    /// <summary>initramfs-tools: Debian, Ubuntu.</summary>
    private sealed class InitramfsTools : InitramfsTool
    {
        public override void Configure(FixupContext context, List<string> modules)
            => context.Write("etc/initramfs-tools/modules", AddLines(context.Tree.Text("etc/initramfs-tools/modules") ?? "", modules), "drivers of the CVM");

        public override string Command(BootKernel kernel, string image)
            => kernel.Initramfs is null
                ? $"update-initramfs -c -k '{kernel.Release}'"
                : $"{{ update-initramfs -u -k '{kernel.Release}' || mkinitramfs -o '/{image}' '{kernel.Release}'; }}";

        public override string NewImage(string release) => "boot/initrd.img-" + release;
    }

    /// <summary>dracut: RHEL 6 and later and their kin, SUSE 12 and later.</summary>
    private sealed class Dracut(bool suse) : InitramfsTool
    {
        public override void Configure(FixupContext context, List<string> modules)
        {
            if (modules.Count > 0)
            {
                context.Write("etc/dracut.conf.d/90-nativesync.conf", $"add_drivers+=\" {string.Join(' ', modules)} \"\n", "drivers of the CVM");
            }
        }

        public override string Command(BootKernel kernel, string image) => $"dracut -f '/{image}' '{kernel.Release}'";

        public override string NewImage(string release) => suse ? "boot/initrd-" + release : $"boot/initramfs-{release}.img";
    }

    /// <summary>mkinitrd: RHEL 5 and its kin, SUSE 11.</summary>
    private sealed class MakeInitrd(bool suse) : InitramfsTool
    {
        private List<string> _modules = [];

        public override void Configure(FixupContext context, List<string> modules)
        {
            _modules = modules;
            context.Edit("etc/sysconfig/kernel", "drivers of the CVM", text => Suse(text, modules));
        }

        public override string Command(BootKernel kernel, string image)
            => suse
                ? $"{{ mkinitrd -k '{kernel.Image["boot/".Length..]}' -i '{image["boot/".Length..]}' || mkinitrd -k '/{kernel.Image}' -i '/{image}'; }}" // Names in /boot, as its manual has them; some take whole paths only.
                : $"mkinitrd -f {string.Join(' ', _modules.Select(static m => $"--with={m} --preload={m}"))} '/{image}' '{kernel.Release}'";

        public override string NewImage(string release) => suse ? "boot/initrd-" + release : $"boot/initrd-{release}.img";

        private static string Suse(string text, List<string> modules)
        {
            const string key = "INITRD_MODULES=\"";
            string[] lines = text.Split('\n');
            for (int i = 0; i < lines.Length; i++)
            {
                if (lines[i].StartsWith(key, StringComparison.Ordinal) && lines[i].LastIndexOf('"') is int end && end >= key.Length)
                {
                    List<string> words = [.. lines[i][key.Length..end].Split(' ', StringSplitOptions.RemoveEmptyEntries)];
                    words.AddRange(modules.Where(m => !words.Contains(m)));
                    lines[i] = key + string.Join(' ', words) + lines[i][end..];
                }
            }

            return string.Join('\n', lines);
        }
    }
}
