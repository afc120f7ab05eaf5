namespace NativeSync.Migration.Fixups;

/// <summary>
/// cloud-init takes a CVM for a new instance: it would look for another cloud's data, write the network anew, delete the host
/// keys and lock the password of its user. A last file of settings keeps it to what the cloud's console needs.
/// </summary>
internal sealed class CloudInitFixup : IFixup
{
    private const string Own = "etc/cloud/cloud.cfg.d/zz-nativesync.cfg";

    private const string Text = """
        # Written by NativeSync: this server came from elsewhere, and stays what it is.
        datasource_list: [ ConfigDrive, None ]
        network: {config: disabled}
        preserve_hostname: true
        ssh_deletekeys: false
        disable_root: false
        users: []

        """;

    public string Name => "cloud-init";

    public string Purpose => "cloud-init asks this cloud, and changes no network, users or host keys";

    public void Plan(FixupContext context)
    {
        if (!context.Tree.IsFile("etc/cloud/cloud.cfg") || context.Tree.IsFile("etc/cloud/cloud-init.disabled"))
        {
            return;
        }

        context.Write(Own, Text, "another cloud's data source");
        context.Edit("etc/cloud/ds-identify.cfg", "another cloud's data source", static text => Comments.PutOut(text, static line => line.StartsWith("datasource:", StringComparison.Ordinal)));
    }
}
