namespace NativeSync.Migration.Fixups;

/// <summary>SELinux: the labels are carried; where the destination could not take them the system makes them anew at its first boot.</summary>
internal sealed class SelinuxFixup : IFixup
{
    public string Name => "selinux";

    public string Purpose => "files without labels are labelled at the first boot";

    public void Plan(FixupContext context)
    {
        bool isOn = context.Tree.Text("etc/selinux/config") is { } config && ShellVariables.Value(config, "SELINUX") is "enforcing" or "permissive";
        if (isOn && context.Tree.Resolve("etc/passwd") is { } real && context.Tree.Kind(real) == RootEntryKind.File && !context.Tree.HasLabel(real))
        {
            context.Write(".autorelabel", "", "no labels have arrived; the first boot takes longer and restarts once");
        }
    }
}
