namespace NativeSync.Migration.Fixups;

/// <summary>Who the system is: by default who it was. For a copy beside the original, a new host name, machine id and host keys.</summary>
internal sealed class IdentityFixup : IFixup
{
    private const string Keys = "etc/ssh", Reason = "a new identity, as asked for";

    public string Name => "identity";

    public string Purpose => "host name, machine id and SSH host keys: kept, or new by Client.Fixups";

    public void Plan(FixupContext context)
    {
        if (context.Facts.Hostname is { Length: > 0 } name)
        {
            Rename(context, name);
        }

        // What was put away tells that it was done.
        if (context.Facts.NewMachineId && !context.HasKept("etc/machine-id") && context.Tree.IsFile("etc/machine-id"))
        {
            context.Write("etc/machine-id", "", Reason);
            context.Remove("var/lib/dbus/machine-id", Reason);
        }

        if (context.Facts.NewHostKeys && context.Tree.Files($"{FixupContext.Backup}/{Keys}", "ssh_host_").Count == 0)
        {
            foreach (string key in context.Tree.Files(Keys, "ssh_host_"))
            {
                context.Remove(key, Reason);
            }

            context.Run(new RootCommand("ssh-keygen -A", "make SSH host keys"));
        }
    }

    private static void Rename(FixupContext context, string name)
    {
        string? old = context.Tree.Text("etc/hostname")?.Trim() ?? context.Tree.Text("etc/HOSTNAME")?.Trim() ?? ShellVariables.Value(context.Tree.Text("etc/sysconfig/network") ?? "", "HOSTNAME");
        context.Edit("etc/sysconfig/network", Reason, text => ShellVariables.Value(text, "HOSTNAME") is null ? text : ShellVariables.Set(text, "", ("HOSTNAME", name)));
        context.Edit("etc/HOSTNAME", Reason, _ => name + "\n");
        if (context.Tree.IsFile("etc/hostname") || !context.Tree.IsFile("etc/HOSTNAME"))
        {
            context.Write("etc/hostname", name + "\n", Reason);
        }

        if (old is { Length: > 0 } && old != "localhost")
        {
            context.Edit("etc/hosts", Reason, text => Hosts(text, old, name));
        }
    }

    /// <summary>The table of hosts with another name in the place of the old one, with and without its domain.</summary>
    internal static string Hosts(string text, string old, string name)
    {
        (string shortOld, string shortNew) = (old.Split('.')[0], name.Split('.')[0]);
        string[] lines = text.Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            string[] words = lines[i].Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length < 2 || words[0][0] == '#' || (!words.Contains(old) && !words.Contains(shortOld)))
            {
                continue;
            }

            for (int w = 1; w < words.Length; w++)
            {
                words[w] = words[w] == old ? name : words[w] == shortOld ? shortNew : words[w];
            }

            lines[i] = words[0] + "\t" + string.Join(' ', words[1..].Distinct());
        }

        return string.Join('\n', lines);
    }
}
