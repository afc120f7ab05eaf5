namespace NativeSync.Migration.Fixups;

/// <summary>ifupdown: Debian, and Ubuntu until 16.04. The first interface asks DHCP; what else there was is commented out.</summary>
internal sealed class IfupdownFixup : IFixup
{
    private const string Path = "etc/network/interfaces";

    public string Name => "ifupdown";

    public string Purpose => "/etc/network/interfaces: DHCP on eth0";

    public void Plan(FixupContext context)
    {
        if (context.Tree.Text(Path) is not { } text || !context.Tree.HasProgram("ifup"))
        {
            return;
        }

        List<string> parts = context.Tree.Files("etc/network/interfaces.d");
        bool configured = HasPhysical(text) || parts.Exists(p => HasPhysical(context.Tree.Text(p) ?? ""));
        if (!configured && (context.Tree.IsDirectory("etc/netplan") || context.Tree.IsDirectory("etc/NetworkManager")))
        {
            return; // Another program has the interfaces.
        }

        const string reason = "addresses of the source's network";
        foreach (string part in parts)
        {
            context.Edit(part, reason, static t => CommentOut(t));
        }

        context.Edit(Path, reason, static t => Rewrite(t));
        if (!context.Tree.HasProgram("dhclient") && !context.Tree.HasProgram("udhcpc") && !context.Tree.HasProgram("dhcpcd") && !context.Tree.HasProgram("dhcpcd5") && !context.Tree.HasProgram("pump"))
        {
            context.Warn("ifupdown has no DHCP client here: install isc-dhcp-client at the source, or the network will not come up");
        }
    }

    /// <summary>DHCP on eth0, and the loopback as it was.</summary>
    internal static string Rewrite(string text)
    {
        string rest = CommentOut(text, keep: "eth0");
        return HasDhcp(rest) ? rest : rest + (rest.EndsWith('\n') || rest.Length == 0 ? "" : "\n") + "\nauto eth0\niface eth0 inet dhcp\n";
    }

    private static bool HasPhysical(string text)
    {
        foreach (string line in text.Split('\n'))
        {
            if (line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries) is ["iface", not "lo", ..])
            {
                return true;
            }
        }

        return false;
    }

    private static bool HasDhcp(string text)
    {
        bool auto = false, dhcp = false;
        foreach (string line in text.Split('\n'))
        {
            string[] words = line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            auto |= words is ["auto" or "allow-hotplug", ..] && words.Contains("eth0");
            dhcp |= words is ["iface", "eth0", "inet", "dhcp", ..];
        }

        return auto && dhcp;
    }

    private static string CommentOut(string text) => CommentOut(text, keep: null);

    /// <summary>Puts all stanzas but the loopback's out of action, and those of the kept interface if they are DHCP's.</summary>
    private static string CommentOut(string text, string? keep)
    {
        bool whole = keep is not null && HasDhcp(text);
        string[] lines = text.Split('\n');
        bool inOther = false, continued = false;
        for (int i = 0; i < lines.Length; i++)
        {
            string[] words = lines[i].Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 0 || words[0][0] == '#')
            {
                continued = false;
                continue;
            }

            if (!continued)
            {
                switch (words[0])
                {
                    case "iface":
                        inOther = !(words.Length > 1 && (words[1] == "lo" || (whole && words[1] == keep && words is [_, _, "inet", "dhcp", ..])));
                        break;
                    case "mapping":
                        inOther = true;
                        break;
                    case "auto" or "source" or "source-directory" or "source-dir" or "no-auto-down" or "no-scripts" or ['a', 'l', 'l', 'o', 'w', '-', ..]:
                        inOther = words[0] is not ("source" or "source-directory" or "source-dir") && !Array.TrueForAll(words[1..], w => w == "lo" || (whole && w == keep));
                        break;
                }
            }

            continued = lines[i].EndsWith('\\');
            if (inOther)
            {
                if (words[0] is "auto" or ['a', 'l', 'l', 'o', 'w', '-', ..] && words.Contains("lo"))
                {
                    lines[i] = $"{words[0]} lo"; // The others of the line have no stanza any more.
                }
                else
                {
                    lines[i] = Fstab.Mark + lines[i];
                }
            }
        }

        return string.Join('\n', lines);
    }
}
