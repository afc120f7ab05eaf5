using System.Text;

namespace NativeSync.Migration.Fixups;

/// <summary>The kernel's command line: the root by UUID, nothing of the source's disks, and the serial console of the cloud.</summary>
internal static class KernelArguments
{
    /// <summary>Names of volumes, arrays and keys of the source: the destination's system is on a plain partition.</summary>
    private static readonly string[] OfTheSource =
    [
        "resume=", "resume_offset=", "rd.lvm.lv=", "rd.lvm.vg=", "rd_LVM_LV=", "rd_LVM_VG=", "rd.luks.", "rd_LUKS_UUID=", "luks=", "cryptdevice=", "cryptopts=",
        "rd.md.uuid=", "rd_MD_UUID=", "rd.dm.uuid=", "rd.iscsi.", "netroot=", "ip=", "ifname=", "BOOTIF=", "biosdevname=", "net.ifnames=",
        "console=hvc", "console=xvc", "console=ttyAMA", "xencons=",
    ];

    /// <summary>The interface is eth0, as on the cloud's own images, whatever slot it sits in; messages go to the console that the cloud shows.</summary>
    private static readonly string[] OfTheCloud = ["net.ifnames=0", "biosdevname=0"];

    /// <summary>The command line for the destination.</summary>
    /// <param name="arguments">The source's, with or without root=.</param>
    /// <param name="root">UUID of the root; null leaves root= as it is.</param>
    /// <param name="type">Type of the root's file system; null when not known.</param>
    /// <param name="add">Whether to add what the cloud wants: false for a second list that is put behind the first.</param>
    public static string Rewrite(string arguments, string? root, string? type, bool add = true)
    {
        List<string> words = Words(arguments);
        List<string> kept = [];
        bool rootMoves = false;
        foreach (string word in words)
        {
            if (root is not null && word.StartsWith("root=", StringComparison.Ordinal))
            {
                kept.Add("root=UUID=" + root);
                rootMoves |= word != kept[^1];
            }
            else if (!IsOfTheSource(word, type) || Array.IndexOf(OfTheCloud, word) >= 0)
            {
                kept.Add(word);
            }
        }

        if (add)
        {
            foreach (string word in OfTheCloud)
            {
                if (!kept.Contains(word))
                {
                    kept.Add(word);
                }
            }

            AddConsoles(kept);
        }

        return kept.Count == words.Count && !rootMoves && kept.TrueForAll(words.Contains) ? arguments : string.Join(' ', kept);
    }

    /// <summary>The words of a command line; quotes hold blanks together.</summary>
    public static List<string> Words(string text)
    {
        List<string> words = [];
        StringBuilder word = new();
        char quote = '\0';
        foreach (char c in text)
        {
            if (quote == '\0' && c is ' ' or '\t')
            {
                Flush();
                continue;
            }

            quote = quote == c ? '\0' : quote == '\0' && c is '"' or '\'' ? c : quote;
            word.Append(c);
        }

        Flush();
        return words;

        void Flush()
        {
            if (word.Length > 0)
            {
                words.Add(word.ToString());
                word.Clear();
            }
        }
    }

    private static void AddConsoles(List<string> kept)
    {
        // The last one is /dev/console: the serial line, which the cloud records.
        int serial = kept.FindIndex(static w => w.StartsWith("console=ttyS0", StringComparison.Ordinal));
        if (!kept.Exists(static w => w.StartsWith("console=tty", StringComparison.Ordinal) && !w.StartsWith("console=ttyS", StringComparison.Ordinal)))
        {
            kept.Insert(serial < 0 ? kept.Count : serial, "console=tty0");
        }

        if (serial < 0)
        {
            kept.Add("console=ttyS0,115200");
        }
    }

    private static bool IsOfTheSource(string word, string? type)
    {
        foreach (string prefix in OfTheSource)
        {
            if (word.StartsWith(prefix, StringComparison.Ordinal) && word != "ip=dhcp")
            {
                return true;
            }
        }

        return (word.StartsWith("rootfstype=", StringComparison.Ordinal) && type is not null && word != "rootfstype=" + type)
            || (word.StartsWith("rootflags=", StringComparison.Ordinal) && word.Contains("subvol", StringComparison.Ordinal));
    }
}
