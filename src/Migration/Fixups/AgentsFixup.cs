namespace NativeSync.Migration.Fixups;

/// <summary>Agents of other clouds and hypervisors: what they ask for is not here, and some of them change the network or the passwords. Installed they stay.</summary>
internal sealed class AgentsFixup : IFixup
{
    private const string Reason = "an agent of another cloud or hypervisor";

    private static readonly string[] Services =
    [
        "aliyun", "AssistDaemon", "aegis", "cloudmonitor", // Alibaba
        "amazon-ssm-agent", "snap.amazon-ssm-agent.amazon-ssm-agent", "amazon-cloudwatch-agent", "hibinit-agent", "ec2-instance-connect", // Amazon
        "walinuxagent", "waagent", "hypervkvpd", "hypervvssd", "hypervfcopyd", "hv-kvp-daemon", "hv-vss-daemon", "hv-fcopy-daemon", // Azure, Hyper-V
        "google-guest-agent", "google-guest-agent-manager", "google-osconfig-agent", "google-startup-scripts", "google-shutdown-scripts", "google-instance-setup", "google-network-setup", // Google
        "google-accounts-daemon", "google-clock-skew-daemon", "google-ip-forwarding-daemon", "google-network-daemon", "google-cloud-ops-agent",
        "hostguard", "telescoped", "cloudResetPwdAgent", "cloudResetPwdUpdateAgent", // Huawei
        "open-vm-tools", "vmtoolsd", "vgauthd", "vgauth", "vmware-tools", "vboxadd", "vboxadd-service", "virtualbox-guest-utils", "xe-linux-distribution", "xe-daemon", // VMware, VirtualBox, Xen
    ];

    public string Name => "agents";

    public string Purpose => "agents of other clouds and hypervisors are not started";

    public void Plan(FixupContext context)
    {
        IRootTree tree = context.Tree;
        foreach (string service in Services)
        {
            string unit = $"systemd/system/{service}.service";
            if (tree.HasAny("etc/" + unit, "lib/" + unit, "usr/lib/" + unit))
            {
                context.Link("etc/" + unit, "/dev/null", Reason);
            }
            else if (tree.IsFile($"etc/init/{service}.conf"))
            {
                context.Write($"etc/init/{service}.override", "manual\n", Reason);
            }
            else if (tree.IsFile("etc/init.d/" + service))
            {
                Stop(context, service);
            }
        }
    }

    /// <summary>Takes the links away that start it; SUSE and RHEL have them in a directory of their own.</summary>
    private static void Stop(FixupContext context, string service)
    {
        foreach (string level in (string[])["2", "3", "4", "5"])
        {
            foreach (string directory in (string[])[$"etc/rc{level}.d", $"etc/rc.d/rc{level}.d", $"etc/init.d/rc{level}.d"])
            {
                foreach (string link in context.Tree.Files(directory, "S", service))
                {
                    if (link.Length == directory.Length + 4 + service.Length)
                    {
                        context.Remove(link, Reason);
                    }
                }
            }
        }
    }
}
