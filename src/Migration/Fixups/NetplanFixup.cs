namespace NativeSync.Migration.Fixups;

/// <summary>netplan: Ubuntu 17.10 and later. One file of ours in the place of the source's.</summary>
internal sealed class NetplanFixup : IFixup
{
    private const string Own = "etc/netplan/90-nativesync.yaml";

    public string Name => "netplan";

    public string Purpose => "/etc/netplan: DHCP on every network card";

    public void Plan(FixupContext context)
    {
        List<string> files = context.Tree.Files("etc/netplan", "", ".yaml");
        files.Remove(Own);
        if (files.Count == 0)
        {
            return;
        }

        bool manager = false;
        foreach (string file in files)
        {
            manager |= context.Tree.Text(file)?.Contains("renderer: NetworkManager", StringComparison.Ordinal) == true;
            context.Remove(file, "addresses and network cards of the source");
        }

        context.Write(Own, Text(manager), "DHCP on every network card", FixupContext.Private);
    }

    /// <summary>e*: eth0, ens5, enp0s5 and whatever else a card may be called.</summary>
    internal static string Text(bool networkManager)
        => $"network:\n  version: 2\n{(networkManager ? "  renderer: NetworkManager\n" : "")}  ethernets:\n    all:\n      match:\n        name: \"e*\"\n      dhcp4: true\n";
}
