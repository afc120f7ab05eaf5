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

        if (changed && context.Facts.SystemDisk is not null && Generator(context.Tree) is { } script)
        {
            // What it writes replaces the edited menu; what it cannot write leaves that.
            context.Run(new RootCommand(script, "make the boot menu anew")
            {
                Judge = tree => HasRoot(tree, uuid) ? null : "the menu that it made does not name the root's UUID",
            });
        }
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
