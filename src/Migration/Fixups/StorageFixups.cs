namespace NativeSync.Migration.Fixups;

/// <summary>crypttab(5): encrypted volumes have become plain files, and a missing one holds up the boot.</summary>
internal sealed class CrypttabFixup : IFixup
{
    public string Name => "crypttab";

    public string Purpose => "no encrypted volume of the source is waited for";

    public void Plan(FixupContext context)
        => context.Progress.DevicesChanged |= context.Edit("etc/crypttab", "the volume is not at the destination", text => Rewrite(text, context.Facts));

    internal static string Rewrite(string text, FixupFacts facts)
        => Comments.PutOut(text, line => line[0] != '#'
            && !(line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries) is [_, var device, ..] && Fstab.UuidOf(device) is { } uuid && facts.HasUuid(uuid)));
}

/// <summary>LVM's list of devices and filters, and md's list of arrays: they name the source's.</summary>
internal sealed class VolumesFixup : IFixup
{
    public string Name => "volumes";

    public string Purpose => "LVM and md do not look for the source's disks";

    public void Plan(FixupContext context)
    {
        bool changed = context.Remove("etc/lvm/devices/system.devices", "names the source's disks, and hides all others");
        changed |= context.Edit("etc/lvm/lvm.conf", "lets through the source's disks only", static text
            => Comments.PutOut(text, static line => line.StartsWith("filter", StringComparison.Ordinal) | line.StartsWith("global_filter", StringComparison.Ordinal) && line.Contains("\"r", StringComparison.Ordinal)));
        foreach (string file in (string[])["etc/mdadm/mdadm.conf", "etc/mdadm.conf"])
        {
            changed |= context.Edit(file, "the array is not at the destination", static text => Comments.PutOut(text, static line => line.StartsWith("ARRAY", StringComparison.OrdinalIgnoreCase)));
        }

        context.Progress.DevicesChanged |= changed;
    }
}

/// <summary>Mount units of systemd, which do by hand what fstab does.</summary>
internal sealed class MountUnitsFixup : IFixup
{
    public string Name => "mount-units";

    public string Purpose => "systemd's own mount units name the destination's file systems";

    public void Plan(FixupContext context)
    {
        foreach (string file in context.Tree.Files("etc/systemd/system", "", ".mount"))
        {
            string text = context.Tree.Text(file) ?? "";
            string what = Ini.Value(text, "Mount", "What") ?? "", where = Ini.Value(text, "Mount", "Where") ?? "";
            bool isDevice = what.StartsWith("/dev/", StringComparison.Ordinal) || what.Contains("UUID=", StringComparison.Ordinal) || what.StartsWith("LABEL=", StringComparison.Ordinal);
            if (!isDevice)
            {
                continue;
            }

            if (context.Facts.Shared.Find(s => s.MountPoint == where) is { } shared)
            {
                context.Edit(file, "its files are at another place, which is bound to it", t => Ini.Set(t, "Mount", ("What", shared.Target.Replace("%", "%%", StringComparison.Ordinal)), ("Type", "none"), ("Options", Fstab.BindOptions(Ini.Value(t, "Mount", "Options") ?? "defaults"))));
            }
            else if (context.Facts.At(where) is { Uuid: { } uuid } fs)
            {
                context.Edit(file, "the disk has another UUID", t => Renamed(t, uuid, fs.Type));
            }
            else if (context.Facts.Folded.Contains(where))
            {
                context.Link(file, "/dev/null", "its files are on the file system around it now");
            }
            else if (context.Facts.At("/")?.Uuid is not null)
            {
                context.Warn($"/{FixupContext.Shown(file)} mounts {FixupContext.Shown(what)}, which is not known at the destination");
            }
        }
    }

    /// <summary>A unit with the disk that is there now, and the options that its type of file system takes.</summary>
    private static string Renamed(string unit, string uuid, string? now)
    {
        string type = Ini.Value(unit, "Mount", "Type") ?? "auto";
        unit = Ini.Set(unit, "Mount", ("What", "/dev/disk/by-uuid/" + uuid));
        if (Ini.Value(unit, "Mount", "Options") is { } options && Fstab.OptionsFor(options, type, now ?? type) is var kept && kept != options)
        {
            unit = Ini.Set(unit, "Mount", ("Options", kept));
        }

        return type != "auto" && now is not null && type != now ? Ini.Set(unit, "Mount", ("Type", now)) : unit;
    }
}
