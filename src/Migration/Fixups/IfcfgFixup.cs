namespace NativeSync.Migration.Fixups;

/// <summary>
/// Files named ifcfg-INTERFACE, of RHEL's network-scripts (and NetworkManager's reader of them) and of SUSE's wicked and ifup.
/// The first network card becomes eth0 and asks DHCP; the others stay down until somebody configures them.
/// </summary>
/// <param name="suse">SUSE's directory and words.</param>
internal sealed class IfcfgFixup(bool suse) : IFixup
{
    private const string Reason = "addresses and network cards of the source";

    private static readonly string[] OfTheSource =
    [
        "HWADDR=", "MACADDR=", "LLADDR=", "UUID=", "IPADDR", "NETMASK", "PREFIX", "GATEWAY", "NETWORK=", "BROADCAST", "DNS", "DOMAIN=", "SEARCH=", "REMOTE_IPADDR", "LABEL_",
        "MASTER=", "SLAVE=", "BRIDGE=", "TEAM_", "ETHTOOL_O", "SUBCHANNELS=", "IPV6ADDR", "IPV6_DEFAULTGW=", "IPV6_DEFAULTDEV=", "DEFROUTE=", "ARPCHECK=",
    ];

    private readonly string _directory = suse ? "etc/sysconfig/network" : "etc/sysconfig/network-scripts";

    public string Name => suse ? "wicked" : "network-scripts";

    public string Purpose => $"/{_directory}: DHCP on eth0";

    public void Plan(FixupContext context)
    {
        string own = _directory + "/ifcfg-eth0";
        List<string> cards = [];
        foreach (string file in context.Tree.Files(_directory, "ifcfg-"))
        {
            string name = file[(_directory.Length + "/ifcfg-".Length)..], text = context.Tree.Text(file) ?? "";
            if (name == "lo" || name.EndsWith(".bak", StringComparison.Ordinal) || name.EndsWith(".rpmsave", StringComparison.Ordinal) || name.EndsWith('~') || name.StartsWith("template", StringComparison.Ordinal))
            {
                continue;
            }

            if (name.Contains(':', StringComparison.Ordinal) || name.Contains("-range", StringComparison.Ordinal))
            {
                context.Remove(file, "a further address of the source's network");
            }
            else if (IsCard(name, text))
            {
                cards.Add(file);
            }
            else if (IsUp(text))
            {
                context.Edit(file, "built upon the source's network cards", Down);
                context.Warn($"/{FixupContext.Shown(file)} is built upon other interfaces (a bond, a bridge, a VLAN) and stays down; set it up again if it is needed");
            }
        }

        if (cards.Count == 0)
        {
            return;
        }

        string first = cards.Contains(own) ? own : cards.Find(f => IsUp(context.Tree.Text(f) ?? "")) ?? cards[0];
        context.Write(own, Card(context.Tree.Text(first) ?? ""), Reason);
        foreach (string other in cards)
        {
            if (other == first && other != own)
            {
                context.Remove(other, "it is eth0 now");
            }
            else if (other != own)
            {
                context.Edit(other, Reason, text => Down(ShellVariables.Without(text, "HWADDR=", "MACADDR=", "LLADDR=")));
            }
        }

        Routes(context);
    }

    /// <summary>What the first card's file becomes.</summary>
    internal string Card(string text)
    {
        text = ShellVariables.Without(text, OfTheSource);
        if (suse)
        {
            string? protocol = ShellVariables.Value(text, "BOOTPROTO"), mode = ShellVariables.Value(text, "STARTMODE");
            return ShellVariables.Set(text, "'", ("BOOTPROTO", protocol is "dhcp4" or "dhcp+autoip" ? protocol : "dhcp"), ("STARTMODE", mode is "onboot" or "hotplug" ? mode : "auto"));
        }

        text = ShellVariables.Set(text, "", ("DEVICE", "eth0"), ("BOOTPROTO", "dhcp"), ("ONBOOT", "yes"));
        return ShellVariables.Value(text, "NAME") is null ? text : ShellVariables.Set(text, "", ("NAME", "eth0"));
    }

    private void Routes(FixupContext context)
    {
        if (suse)
        {
            List<string> routes = [_directory + "/routes", .. context.Tree.Files(_directory, "ifroute-")];
            foreach (string file in routes)
            {
                context.Edit(file, "gateways of the source's network", static text => Comments.PutOut(text, static line => line[0] != '#'));
            }

            context.Edit(_directory + "/config", "name servers of the source's network", static text =>
                ShellVariables.Value(text, "NETCONFIG_DNS_STATIC_SERVERS") is { Length: > 0 } ? ShellVariables.Set(text, "\"", ("NETCONFIG_DNS_STATIC_SERVERS", "")) : text);
            return;
        }

        foreach (string kind in (string[])["route-", "route6-", "rule-", "rule6-"])
        {
            foreach (string file in context.Tree.Files(_directory, kind))
            {
                context.Remove(file, "gateways of the source's network");
            }
        }

        context.Edit("etc/sysconfig/network", "gateways of the source's network", static text => ShellVariables.Without(text, "GATEWAY=", "GATEWAYDEV=", "IPV6_DEFAULTGW=", "IPV6_DEFAULTDEV="));
    }

    private bool IsUp(string text) => suse ? ShellVariables.Value(text, "STARTMODE") is "auto" or "onboot" or "hotplug" or "nfsroot" : ShellVariables.Value(text, "ONBOOT")?.ToLowerInvariant() is not "no";

    private string Down(string text) => suse ? ShellVariables.Set(text, "'", ("STARTMODE", "off")) : ShellVariables.Set(text, "", ("ONBOOT", "no"));

    /// <summary>A network card, and nothing that is made of others.</summary>
    private static bool IsCard(string name, string text)
    {
        string device = ShellVariables.Value(text, "DEVICE") ?? name;
        return ShellVariables.Value(text, "TYPE") is null or "" or "Ethernet" or "ethernet"
            && !device.Contains('.', StringComparison.Ordinal) && device is not (['b', 'r', ..] or ['b', 'o', 'n', 'd', ..] or ['t', 'e', 'a', 'm', ..] or ['v', 'l', 'a', 'n', ..] or ['t', 'u', 'n', ..] or ['t', 'a', 'p', ..] or ['p', 'p', 'p', ..] or ['d', 'u', 'm', 'm', 'y', ..] or ['v', 'i', 'r', ..] or ['d', 'o', 'c', 'k', ..])
            && ShellVariables.Value(text, "BONDING_MASTER") is null && ShellVariables.Value(text, "BONDING_OPTS") is null && ShellVariables.Value(text, "VLAN") is null && ShellVariables.Value(text, "ETHERDEVICE") is null && ShellVariables.Value(text, "BRIDGE_PORTS") is null && ShellVariables.Value(text, "DEVICETYPE") is null or "Ethernet";
    }
}

/// <summary>Puts lines of a text out of action.</summary>
internal static class Comments
{
    /// <summary>The text with the mark in front of the lines that are neither blank nor to be kept.</summary>
    public static string PutOut(string text, Func<string, bool> which)
    {
        string[] lines = text.Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i].Trim() is { Length: > 0 } line && which(line))
            {
                lines[i] = Fstab.Mark + lines[i];
            }
        }

        return string.Join('\n', lines);
    }
}
