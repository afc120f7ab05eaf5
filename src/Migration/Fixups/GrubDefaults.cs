namespace NativeSync.Migration.Fixups;

/// <summary>What the next boot menu is made from: /etc/default/grub, its parts, /etc/kernel/cmdline.</summary>
internal sealed class GrubDefaultsFixup : IFixup
{
    public string Name => "grub-defaults";

    public string Purpose => "kernel command line: serial console, eth0, nothing of the source's disks";

    public void Plan(FixupContext context)
    {
        FixupFileSystem? root = context.Facts.At("/");
        List<string> files = ["etc/default/grub", .. context.Tree.Files("etc/default/grub.d", "", ".cfg")];
        bool changed = false;
        foreach (string file in files)
        {
            changed |= context.Edit(file, "the kernel's command line", text => Rewrite(text, root?.Uuid, root?.Type, isWhole: file == files[0]));
        }

        changed |= context.Edit("etc/kernel/cmdline", "the kernel's command line", text => KernelArguments.Rewrite(text.TrimEnd('\n'), root?.Uuid, root?.Type) + "\n");
        changed |= context.Edit("etc/default/grub_installdevice", "the disk has another name", static text => Devices(text));
        context.Progress.MenuChanged |= changed;
    }

    /// <summary>A file of shell assignments as GRUB's generator reads it.</summary>
    /// <param name="text">The file.</param>
    /// <param name="root">UUID of the root; null when not known.</param>
    /// <param name="type">Type of its file system.</param>
    /// <param name="isWhole">The main file and no part of it: it says what the cloud wants, even if it has no such line yet.</param>
    internal static string Rewrite(string text, string? root, string? type, bool isWhole)
    {
        string[] lines = text.Split('\n');
        bool said = !isWhole;
        for (int i = 0; i < lines.Length; i++)
        {
            string line = lines[i].TrimStart();
            int equals = line.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? "" : line[..equals];
            switch (name)
            {
                case "GRUB_CMDLINE_LINUX" or "GRUB_CMDLINE_LINUX_DEFAULT" or "GRUB_CMDLINE_LINUX_RECOVERY" or "GRUB_CMDLINE_LINUX_XEN_REPLACE" or "GRUB_CMDLINE_LINUX_XEN_REPLACE_DEFAULT":
                    (string open, string value, string close) = Quoted(line[(equals + 1)..]);
                    bool all = name == "GRUB_CMDLINE_LINUX";
                    string after = KernelArguments.Rewrite(value, root, type, add: all);
                    said |= all || (after.Contains("console=ttyS0", StringComparison.Ordinal) && after.Contains("net.ifnames=0", StringComparison.Ordinal));
                    lines[i] = after == value ? lines[i] : $"{name}={(open.Length == 0 && after.Contains(' ', StringComparison.Ordinal) ? "\"" : open)}{after}{(open.Length == 0 && after.Contains(' ', StringComparison.Ordinal) ? "\"" : close)}";
                    break;
                case "GRUB_DISABLE_LINUX_UUID" or "GRUB_DISABLE_UUID" or "GRUB_FORCE_PARTUUID" or "GRUB_DEVICE":
                    // The root is found by the UUID of its file system, and by nothing else.
                    lines[i] = Fstab.Mark + line;
                    break;
            }
        }

        string result = string.Join('\n', lines);
        return said ? result : $"{result}{(result.EndsWith('\n') ? "" : "\n")}GRUB_CMDLINE_LINUX=\"{KernelArguments.Rewrite("", root, type)}\"\n";
    }

    /// <summary>SUSE's list of where GRUB goes: the disk is vda on a CVM.</summary>
    internal static string Devices(string text)
    {
        string[] lines = text.Split('\n');
        bool named = false;
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i].StartsWith('/') || lines[i].StartsWith("(hd", StringComparison.Ordinal))
            {
                lines[i] = named ? Fstab.Mark + lines[i] : "/dev/vda";
                named = true;
            }
        }

        return string.Join('\n', lines);
    }

    private static (string Open, string Value, string Close) Quoted(string value)
    {
        if (value.Length > 0 && value[0] is '"' or '\'')
        {
            int end = value.LastIndexOf(value[0]);
            return end > 0 ? (value[..1], value[1..end], value[end..]) : ("", value, "");
        }

        int blank = value.AsSpan().IndexOfAny(" \t#");
        return blank < 0 ? ("", value, "") : ("", value[..blank], value[blank..]);
    }
}
