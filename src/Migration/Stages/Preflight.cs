using System.Globalization;
using System.Net;
using NativeSync.Migration.Api;
using NativeSync.Migration.Configuration;

namespace NativeSync.Migration.Stages;

/// <summary>What can be found out before anything is changed; used by --check and by the stages themselves.</summary>
internal static class Preflight
{
    /// <summary>An MBR counts 2^32 sectors of 512 bytes.</summary>
    private const long MbrGiB = 2048;

    /// <summary>The instance: exists, runs Linux, is not expired, has an address and the disks that are asked for.</summary>
    public static List<CheckLine> Instance(Instance instance, UserSettings user, ClientSettings client)
    {
        List<CheckLine> lines = [];
        string name = user.InstanceId;
        lines.Add(instance.InstanceState is InstanceStates.Running or InstanceStates.Stopped
            ? new(CheckVerdict.Ok, name, $"{instance.OsName}, {instance.InstanceState}")
            : instance.InstanceState is InstanceStates.EnterRescueMode or InstanceStates.RescueMode or InstanceStates.ExitRescueMode
                ? new(CheckVerdict.Fail, name, $"it is in the state {instance.InstanceState} already, and not by this tool directory", "continue with the tool directory that began it, or run the tool with --clean")
                : new(CheckVerdict.Fail, name, $"it is in the state {instance.InstanceState}", "wait until it is RUNNING or STOPPED"));
        if (instance.RestrictState is { } restrict && restrict != "NORMAL")
        {
            lines.Add(new(CheckVerdict.Fail, name, $"it is {(restrict == "EXPIRED" ? "expired" : "isolated")} ({restrict})", "renew it in the console"));
        }

        if (instance.OsName?.Contains("Windows", StringComparison.OrdinalIgnoreCase) == true)
        {
            lines.Add(new(CheckVerdict.Fail, name, $"it runs {instance.OsName}", "choose a destination that runs Linux"));
        }

        if (AddressOf(instance, client) is null)
        {
            lines.Add(client.Mode == NetworkMode.Default
                ? new(CheckVerdict.Fail, name, "it has no public address", "give it one, or set Client.Net.Mode to 1, 2 or 3")
                : new(CheckVerdict.Fail, name, "it has no private address of the kind asked for", "check Client.Net.IPv6"));
        }

        if (client.Mode == NetworkMode.Default && instance.InternetAccessible?.InternetMaxBandwidthOut is > 0 and { } bandwidth)
        {
            lines.Add(new(CheckVerdict.Ok, name, $"public bandwidth {bandwidth.ToString(CultureInfo.InvariantCulture)} Mbit/s; more of it makes the transfer faster"));
        }

        if (client.HasNewTable(0) && instance.SystemDisk is { DiskSize: > MbrGiB } system)
        {
            lines.Add(new(CheckVerdict.Fail, "system disk", $"{system.DiskId} has {system.DiskSize} GB, and the table that a BIOS boots from reaches 2048", "keep the table that it has (Client.Disks.Partition), or choose an instance with a smaller system disk"));
        }

        int data = instance.DataDisks?.Count ?? 0;
        foreach (DataDisk disk in user.DataDisks)
        {
            string subject = $"data disk {disk.Index}";
            if (disk.Index > data)
            {
                lines.Add(new(CheckVerdict.Fail, subject, $"the destination has {data} data disk{(data == 1 ? "" : "s")}", "attach another, or change DataDisks in user.json"));
            }
            else if (disk.SizeGiB > instance.DataDisks![disk.Index - 1].DiskSize)
            {
                lines.Add(new(CheckVerdict.Fail, subject, $"{instance.DataDisks[disk.Index - 1].DiskId} has {instance.DataDisks[disk.Index - 1].DiskSize} GB, the source's disk {disk.SizeGiB} GB", "enlarge it"));
            }
            else
            {
                lines.Add(new(CheckVerdict.Ok, subject, $"{disk.MountPoint} goes to {instance.DataDisks![disk.Index - 1].DiskId}, {instance.DataDisks[disk.Index - 1].DiskSize} GB"));
            }
        }

        return lines;
    }

    /// <summary>The address that the data goes to; null when there is none.</summary>
    public static string? AddressOf(Instance instance, ClientSettings client)
    {
        List<string>? addresses = (client.Mode == NetworkMode.Default, client.IPv6) switch
        {
            (true, false) => instance.PublicIpAddresses,
            (true, true) => instance.PublicIPv6Addresses ?? instance.IPv6Addresses,
            (false, false) => instance.PrivateIpAddresses,
            (false, true) => instance.IPv6Addresses,
        };
        return addresses?.FirstOrDefault(a => !string.IsNullOrEmpty(a));
    }

    /// <summary>Whether the security groups let SSH in; 443 and 80, which the guide names, are only told of.</summary>
    /// <param name="groups">The rules of each group that is bound.</param>
    /// <param name="client">Mode and port.</param>
    /// <param name="from">This machine's address on the way there; null when it is not the one that the data will come from, or not known.</param>
    public static List<CheckLine> Ports(IReadOnlyList<SecurityGroupPolicySet> groups, ClientSettings client, IPAddress? from)
    {
        List<CheckLine> lines = [];
        string which = from is null ? "" : $"; this server's own is {from}";
        string who = client.Mode == NetworkMode.Gateway ? "the source" : "this server";
        foreach (int port in (int[])[client.SshPort, 443, 80])
        {
            bool needed = port == client.SshPort;
            string subject = string.Create(CultureInfo.InvariantCulture, $"security group, TCP port {port}");
            lines.Add(SecurityGroupCheck.Tcp(groups, port, from) switch
            {
                PortVerdict.Open => new(CheckVerdict.Ok, subject, "open"),
                PortVerdict.OpenForSome => new(CheckVerdict.Warn, subject, $"open for certain addresses{which}", needed ? $"make sure that the address of {who} is among them" : ""),
                PortVerdict.Unknown => new(CheckVerdict.Warn, subject, "decided by templates or other groups, which are not followed", needed ? $"make sure that it is open for {who}" : ""),
                _ when needed => new(CheckVerdict.Fail, subject, "closed", $"open it for {who}: the data goes there"),
                _ => new(CheckVerdict.Warn, subject, "closed; the guide asks for it, this tool does not need it"),
            });
        }

        return lines;
    }
}
