namespace NativeSync.Migration.Fixups;

/// <summary>systemd-networkd: the files that match a card of the source give way to one that matches all.</summary>
internal sealed class NetworkdFixup : IFixup
{
    private const string Own = "etc/systemd/network/05-nativesync.network";

    public string Name => "networkd";

    public string Purpose => "systemd-networkd: DHCP on every network card";

    public void Plan(FixupContext context)
    {
        bool any = false;
        foreach (string file in context.Tree.Files("etc/systemd/network", "", ".network"))
        {
            string text = context.Tree.Text(file) ?? "";
            if (file != Own && MatchesCard(text) && !IsFit(text))
            {
                any |= context.Remove(file, "addresses and network cards of the source");
            }
        }

        if (any)
        {
            context.Write(Own, "[Match]\nName=e*\n\n[Network]\nDHCP=yes\n", "DHCP on every network card");
        }
    }

    private static bool MatchesCard(string text)
        => Ini.Has(text, "Match", "MACAddress", "PermanentMACAddress", "Path", "Driver", "Type") || Ini.Value(text, "Match", "Name") is ['e', ..];

    /// <summary>Matches eth0 also here, and asks DHCP.</summary>
    private static bool IsFit(string text)
        => !Ini.Has(text, "Match", "MACAddress", "PermanentMACAddress", "Path", "Driver") && Ini.Value(text, "Match", "Name") is null or "e*" or "eth*" or "eth0" or "en* eth*"
            && Ini.Value(text, "Network", "DHCP") is "yes" or "ipv4" or "true" && !Ini.Has(text, "Network", "Address", "Gateway");
}
