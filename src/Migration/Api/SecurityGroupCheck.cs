using System.Globalization;
using System.Net;

namespace NativeSync.Migration.Api;

/// <summary>What the rules of the security groups say about a port.</summary>
public enum PortVerdict
{
    /// <summary>A rule for everybody accepts it.</summary>
    Open,

    /// <summary>A rule for some addresses accepts it, and this machine's own is not among them; what the instance sees may be another (NAT).</summary>
    OpenForSome,

    /// <summary>A rule drops it, or none accepts it.</summary>
    Closed,

    /// <summary>Templates or other groups decide.</summary>
    Unknown,
}

/// <summary>
/// Evaluates ingress rules: in order of PolicyIndex within a group, groups in the order they are bound, the first rule
/// that matches wins, and nothing matching means dropped. How bound groups combine is not documented; this order is the likely one.
/// </summary>
public static class SecurityGroupCheck
{
    /// <summary>Whether a TCP port can be reached.</summary>
    /// <param name="groups">The rules of each group, in the order they are bound; none bound means nothing is filtered.</param>
    /// <param name="port">The TCP port.</param>
    /// <param name="from">The address of the machine that will come; null when it is not known.</param>
    public static PortVerdict Tcp(IReadOnlyList<SecurityGroupPolicySet> groups, int port, IPAddress? from = null)
    {
        if (groups.Count == 0)
        {
            return PortVerdict.Open;
        }

        PortVerdict verdict = PortVerdict.Closed;
        foreach (SecurityGroupPolicySet group in groups)
        {
            foreach (SecurityGroupPolicy rule in (group.Ingress ?? []).OrderBy(r => r.PolicyIndex ?? 0))
            {
                bool? covers = Covers(rule, port);
                if (covers == false)
                {
                    continue;
                }

                bool accepts = string.Equals(rule.Action, "ACCEPT", StringComparison.OrdinalIgnoreCase);
                bool everybody = rule.CidrBlock is "0.0.0.0/0" or "::/0" || rule.Ipv6CidrBlock is "::/0" || IsUnbound(rule);
                if (covers is null || !IsAddress(rule))
                {
                    verdict = Worse(verdict, PortVerdict.Unknown);
                }
                else if (everybody)
                {
                    return accepts
                        ? PortVerdict.Open
                        : verdict;
                }
                else if (Holds(rule, from))
                {
                    return accepts ? PortVerdict.Open : PortVerdict.OpenForSome;
                }
                else if (accepts)
                {
                    verdict = Worse(verdict, PortVerdict.OpenForSome);
                }
            }
        }

        return verdict;
    }

    private static bool Holds(SecurityGroupPolicy rule, IPAddress? from)
    {
        string block = (from?.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? rule.Ipv6CidrBlock : null) is { Length: > 0 } six ? six : rule.CidrBlock ?? "";
        return from is not null && (IPAddress.TryParse(block, out IPAddress? one) ? one.Equals(from) : IPNetwork.TryParse(block, out IPNetwork network) && network.Contains(from));
    }

    private static PortVerdict Worse(PortVerdict before, PortVerdict now) => before == PortVerdict.Closed ? now : before;

    private static bool IsUnbound(SecurityGroupPolicy rule)
        => string.IsNullOrEmpty(rule.CidrBlock) && string.IsNullOrEmpty(rule.Ipv6CidrBlock) && IsAddress(rule);

    private static bool IsAddress(SecurityGroupPolicy rule)
        => string.IsNullOrEmpty(rule.SecurityGroupId)
            && string.IsNullOrEmpty(rule.AddressTemplate?.AddressId) && string.IsNullOrEmpty(rule.AddressTemplate?.AddressGroupId);

    /// <summary>Whether a rule is about the port; null when a template decides.</summary>
    private static bool? Covers(SecurityGroupPolicy rule, int port)
    {
        if (!string.IsNullOrEmpty(rule.ServiceTemplate?.ServiceId) || !string.IsNullOrEmpty(rule.ServiceTemplate?.ServiceGroupId))
        {
            return null;
        }

        string protocol = rule.Protocol ?? "ALL";
        if (!protocol.Equals("ALL", StringComparison.OrdinalIgnoreCase) && !protocol.Equals("TCP", StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        string ports = string.IsNullOrEmpty(rule.Port) ? "all" : rule.Port;
        foreach (string part in ports.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (part.Equals("all", StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }

            string[] ends = part.Split('-');
            if (int.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out int low)
                && int.TryParse(ends[^1], NumberStyles.None, CultureInfo.InvariantCulture, out int high)
                && ends.Length <= 2 && port >= low && port <= high)
            {
                return true;
            }
        }

        return false;
    }
}
