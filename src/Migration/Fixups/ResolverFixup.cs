namespace NativeSync.Migration.Fixups;

/// <summary>/etc/resolv.conf, where it is a file of its own: name servers inside the source's network cannot be reached any more.</summary>
internal sealed class ResolverFixup : IFixup
{
    /// <summary>Tencent Cloud's own, which every private network reaches.</summary>
    private static readonly string[] OfTheCloud = ["nameserver 183.60.83.19", "nameserver 183.60.82.98"];

    public string Name => "resolver";

    public string Purpose => "/etc/resolv.conf: name servers that can be reached from the cloud";

    public void Plan(FixupContext context)
    {
        // A link leads to what a service writes at each boot.
        if (context.Tree.LinkTarget("etc/resolv.conf") is null)
        {
            context.Edit("etc/resolv.conf", "name servers of the source's network", static text => Rewrite(text));
        }
    }

    internal static string Rewrite(string text)
    {
        List<string> kept = [];
        bool any = false, dropped = false;
        foreach (string line in text.Split('\n'))
        {
            string[] words = line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (words is ["nameserver", var server, ..] && IsPrivate(server))
            {
                kept.Add(Fstab.Mark + line);
                dropped = true;
                continue;
            }

            any |= words is ["nameserver", _, ..];
            kept.Add(line);
        }

        if (dropped && !any)
        {
            kept.InsertRange(0, OfTheCloud);
        }

        return string.Join('\n', kept);
    }

    /// <summary>Of a network that is not everywhere: private, shared (100.64/10), link-local. Loopback is the system's own.</summary>
    private static bool IsPrivate(string server)
    {
        if (!System.Net.IPAddress.TryParse(server, out System.Net.IPAddress? address))
        {
            return false;
        }

        byte[] b = address.GetAddressBytes();
        return b is [10, ..] or [192, 168, ..] or [169, 254, ..] or [0xFE, 0x80, ..] || (b is [172, ..] && b[1] is >= 16 and < 32) || (b is [100, ..] && b.Length == 4 && b[1] is >= 64 and < 128) || (b.Length == 16 && (b[0] & 0xFE) == 0xFC);
    }
}
