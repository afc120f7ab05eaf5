namespace NativeSync.Migration.Fixups;

/// <summary>
/// The boot menu as it is: grub.cfg, entries of the Boot Loader Specification, grubenv, and GRUB legacy's menu.lst. They are
/// edited in place, so that the system boots also where its own generator cannot run; then the generator is run all the same.
/// </summary>
internal sealed class BootMenuFixup : IFixup
{
    public string Name => "boot-menu";

    public string Purpose => "every entry of the boot menu finds the destination's root, and talks to the serial console";

    /// <summary>In the order of GRUB 2's, then legacy's.</summary>
    private static readonly string[] Menus = ["boot/grub2/grub.cfg", "boot/grub/grub.cfg", "boot/efi/EFI/redhat/grub.cfg", "boot/efi/EFI/centos/grub.cfg"];
    private static readonly string[] Legacy = ["boot/grub/menu.lst", "boot/grub/grub.conf"];

    public void Plan(FixupContext context)
    {
        if (context.Facts.At("/") is not { Uuid: { } uuid } root)
        {
            context.Skip("the UUID of the destination's system is not known");
            return;
        }

        MenuEditor editor = new(uuid, root.Type, context.Facts.Folded.Contains("/boot"));
        bool changed = context.Progress.MenuChanged;
        foreach (string menu in Menus)
        {
            changed |= context.Edit(menu, "the root has another UUID", editor.Grub2);
        }

        foreach (string entry in context.Tree.Files("boot/loader/entries", "", ".conf"))
        {
            changed |= context.Edit(entry, "the root has another UUID", editor.Entry);
        }

        foreach (string environment in (string[])["boot/grub2/grubenv", "boot/grub/grubenv"])
        {
            changed |= context.Edit(environment, "the root has another UUID", editor.Environment);
        }

        foreach (string menu in Legacy)
        {
            context.Edit(menu, "the root has another UUID", text => editor.Legacy(text, PartitionOf(context.Facts)));
        }

        if (context.Facts.SystemDisk is null || BootKernel.Find(context.Tree).Count == 0 || !(changed || !HasRoot(context.Tree, uuid)))
        {
            return;
        }

        if (Generator(context.Tree) is { } script)
        {
            // What it writes replaces the edited menu; what it cannot write leaves that.
            context.Run(new RootCommand(script, "make the boot menu anew")
            {
                Judge = tree => HasRoot(tree, uuid) ? null : "the menu does not name the root's UUID",
                Otherwise = c => Instead(c, uuid, root.Type),
            });
        }
        else if (!HasRoot(context.Tree, uuid))
        {
            Instead(context, uuid, root.Type);
        }
    }

    /// <summary>A plain menu where there is none that would do.</summary>
    private static void Instead(FixupContext context, string uuid, string? type)
    {
        if (HasRoot(context.Tree, uuid))
        {
            context.Warn("the boot menu could not be made anew; the edited one stays");
            return;
        }

        string menu = context.Tree.HasProgram("grub2-install") ? Menus[0] : Menus[1];
        context.Write(menu, MinimalMenu.Text(BootKernel.Find(context.Tree), uuid, type), "a plain menu, since the system's own could not be made", FixupContext.Private);
        context.Warn($"the system could not make its boot menu; /{menu} is a plain one, until it makes its own");
    }

    /// <summary>Whether a menu of the root names its file system.</summary>
    internal static bool HasRoot(IRootTree tree, string uuid)
    {
        foreach (string path in (string[])[.. Menus, .. Legacy, .. tree.Files("boot/loader/entries", "", ".conf"), "boot/grub2/grubenv"])
        {
            if (tree.Text(path)?.Contains("root=UUID=" + uuid, StringComparison.Ordinal) == true)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Number of the root's partition, counted from 0; -1 when it is on no partition.</summary>
    internal static int PartitionOf(FixupFacts facts)
    {
        string device = facts.At("/")?.Device ?? "";
        int digits = device.Length;
        while (digits > 0 && char.IsAsciiDigit(device[digits - 1]))
        {
            digits--;
        }

        return int.TryParse(device.AsSpan(digits), out int number) ? number - 1 : -1;
    }

    private static string? Generator(IRootTree tree)
        => tree.HasProgram("update-grub") && tree.HasProgram("grub-mkconfig") ? "GRUB_DISABLE_OS_PROBER=true update-grub"
            : tree.HasProgram("grub2-mkconfig") ? "GRUB_DISABLE_OS_PROBER=true grub2-mkconfig -o /boot/grub2/grub.cfg"
            : tree.HasProgram("grub-mkconfig") ? "GRUB_DISABLE_OS_PROBER=true grub-mkconfig -o /boot/grub/grub.cfg" : null;
}
