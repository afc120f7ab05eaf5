using System.Globalization;

namespace NativeSync.Migration.Fixups;

/// <summary>
/// GRUB in the boot record of the system disk: by the root's own grub-install inside the root; where that cannot be, by the
/// rescue system's, with a menu that needs nothing of the distribution. CVMs of x86 boot by BIOS.
/// </summary>
internal sealed class BootLoaderFixup : IFixup
{
    public string Name => "boot-loader";

    public string Purpose => "GRUB in the boot record of the system disk";

    public void Plan(FixupContext context)
    {
        IRootTree tree = context.Tree;
        if (BootKernel.Find(tree).Count == 0)
        {
            context.Skip("there is no kernel in /boot");
            return;
        }

        if (context.Facts.SystemDisk is not { } disk)
        {
            context.Skip("it is not known which disk the system boots from (SystemDisk in --facts)");
            return;
        }

        if (IsLegacy(tree))
        {
            context.Write("boot/grub/device.map", "(hd0) /dev/vda\n", "the disk has another name");
            context.Run(new RootCommand(Legacy(disk, BootMenuFixup.PartitionOf(context.Facts)), "install GRUB legacy") { Otherwise = c => FromOutside(c, disk) });
            return;
        }

        // GRUB 2 finds disks without it, and is led astray by the names of the source's.
        context.Remove("boot/grub2/device.map", "names the source's disks");
        context.Remove("boot/grub/device.map", "names the source's disks");
        string? program = tree.HasProgram("grub2-install") ? "grub2-install" : tree.HasProgram("grub-install") ? "grub-install" : null;
        if (program is null || !(tree.IsDirectory("usr/lib/grub/i386-pc") || tree.IsDirectory("usr/lib/grub2/i386-pc") || tree.IsDirectory("usr/share/grub2/i386-pc")))
        {
            FromOutside(context, disk);
            return;
        }

        // Versions before 2.00 know no --target.
        context.Run(new RootCommand($"{program} --target=i386-pc '{disk}' || {program} '{disk}'", "install GRUB") { Otherwise = c => FromOutside(c, disk) });
    }

    private static bool IsLegacy(IRootTree tree)
        => tree.HasAny("boot/grub/menu.lst", "boot/grub/grub.conf") && !tree.HasAny("boot/grub/grub.cfg", "boot/grub2/grub.cfg") && !tree.HasProgram("grub2-install");

    private static string Legacy(string disk, int partition) => string.Create(CultureInfo.InvariantCulture, $"""
        for d in /usr/share/grub/* /usr/lib/grub/*; do for f in "$d"/stage1 "$d"/stage2 "$d"/*stage1_5; do b=/boot/grub/$(basename "$f"); [ -f "$f" ] && [ ! -e "$b" ] && cp "$f" "$b"; done; done
        out=$(grub --batch --no-floppy <<END
        device (hd0) {disk}
        root (hd0,{Math.Max(0, partition)})
        setup (hd0)
        quit
        END
        ); echo "$out"
        case $out in *Error*) exit 1;; *succeeded*) exit 0;; *) exit 1;; esac
        """);

    private static void FromOutside(FixupContext context, string disk)
    {
        if (context.Facts.At("/") is not { Uuid: { } uuid } root)
        {
            context.Fail("the boot loader could not be installed from inside, and the UUID of the system is not known");
            return;
        }

        List<BootKernel> kernels = BootKernel.Find(context.Tree);
        string menu = MinimalMenu.Text(kernels, uuid, root.Type);
        foreach (string file in (string[])["boot/grub/grub.cfg", "boot/grub2/grub.cfg"])
        {
            // The rescue system's GRUB does not know every command of a distribution's menu, but it looks in one of these.
            if (!context.Tree.IsFile(file) || context.Tree.Text(file)!.Contains("blscfg", StringComparison.Ordinal))
            {
                context.Write(file, menu, "a menu for the rescue system's GRUB", FixupContext.Private);
            }
        }

        context.Run(new RootCommand(
            $$"""
            for g in grub-install grub2-install; do
              if command -v $g >/dev/null; then $g --target=i386-pc --boot-directory="$ROOT/boot" '{{disk}}'; exit; fi
            done
            echo "the rescue system has no grub-install" >&2; exit 1
            """, "install GRUB from the rescue system") { Outside = true, Vital = true });
    }
}

/// <summary>A grub.cfg that any GRUB 2 reads.</summary>
internal static class MinimalMenu
{
    /// <summary>An entry for each kernel, the newest first.</summary>
    public static string Text(IReadOnlyList<BootKernel> kernels, string uuid, string? type)
    {
        string text = $"set timeout=5\nset default=0\ninsmod part_msdos\ninsmod part_gpt\nsearch --no-floppy --fs-uuid --set=root {uuid}\n";
        for (int i = kernels.Count - 1; i >= 0; i--)
        {
            BootKernel kernel = kernels[i];
            if (kernel.CanRun)
            {
                string arguments = KernelArguments.Rewrite($"root=UUID={uuid} ro", uuid, type);
                text += $"menuentry 'Linux {kernel.Release}' {{\n\tlinux /{kernel.Image} {arguments}\n{(kernel.Initramfs is { } image ? $"\tinitrd /{image}\n" : "")}}}\n";
            }
        }

        return text;
    }
}
