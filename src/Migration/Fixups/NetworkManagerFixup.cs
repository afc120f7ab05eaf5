namespace NativeSync.Migration.Fixups;

/// <summary>NetworkManager's own files of connections: the first for a network card asks DHCP on any card, the others wait to be asked for.</summary>
internal sealed class NetworkManagerFixup : IFixup
{
    private const string Directory = "etc/NetworkManager/system-connections", Reason = "addresses and network cards of the source";

    public string Name => "network-manager";

    public string Purpose => $"/{Directory}: DHCP on every network card";

    public void Plan(FixupContext context)
    {
        List<string> cards = [];
        foreach (string file in context.Tree.Files(Directory))
        {
            string text = context.Tree.Text(file) ?? "";
            switch (Ini.Value(text, "connection", "type"))
            {
                case "ethernet" or "802-3-ethernet":
                    cards.Add(file);
                    break;
                case "bond" or "bridge" or "team" or "vlan" when Ini.Value(text, "connection", "autoconnect") is not "false":
                    context.Edit(file, "built upon the source's network cards", static t => Ini.Set(t, "connection", ("autoconnect", "false")));
                    context.Warn($"/{FixupContext.Shown(file)} is built upon other interfaces (a bond, a bridge, a VLAN) and stays down; set it up again if it is needed");
                    break;
            }
        }

        if (cards.Count == 0)
        {
            return;
        }

        string first = cards.Find(f => Ini.Value(context.Tree.Text(f) ?? "", "connection", "autoconnect") is not "false") ?? cards[0];
        foreach (string card in cards)
        {
            context.Edit(card, Reason, text => card == first ? Card(text) : Ini.Set(text, "connection", ("autoconnect", "false")));
        }
    }

    /// <summary>What the first card's connection becomes.</summary>
    internal static string Card(string text)
    {
        text = Ini.Without(text, "connection", "interface-name=", "master=", "slave-type=", "controller=", "port-type=", "autoconnect=");
        foreach (string section in (string[])["ethernet", "802-3-ethernet"])
        {
            text = Ini.Without(text, section, "mac-address=", "cloned-mac-address=");
        }

        string before = text;
        text = Ini.Without(text, "ipv4", "address", "gateway", "dns", "route", "never-default");
        text = Ini.Value(text, "ipv4", "method") == "auto" ? text : Ini.Set(text, "ipv4", ("method", "auto"));
        return Ini.Value(before, "ipv6", "method") == "manual" ? Ini.Set(Ini.Without(text, "ipv6", "address", "gateway", "dns", "route"), "ipv6", ("method", "auto")) : text;
    }
}
