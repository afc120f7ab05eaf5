using System.Text.Json;
using NativeSync.Migration.Configuration;
using NativeSync.Migration.Source;

namespace NativeSync.Migration.Fixups;

/// <summary>
/// What the fix-ups must know and the root does not say: the destination's file systems and disk, and what the user wants.
/// The file of `nativesync fixup --facts`; what is left out is found on the machine that it runs on.
/// </summary>
internal sealed class FixupFacts
{
    /// <summary>The destination's file systems.</summary>
    public List<FixupFileSystem> FileSystems { get; set; } = [];

    /// <summary>Mount points of the source whose files are on another file system now, such as /boot or /home.</summary>
    public List<string> Folded { get; set; } = [];

    /// <summary>Places of the source that show what is carried at another place.</summary>
    public List<SharedPlace> Shared { get; set; } = [];

    /// <summary>Swap files of the source, which are made anew.</summary>
    public List<SwapFile> SwapFiles { get; set; } = [];

    /// <summary>The disk that the BIOS boots, as it is called where the fix-ups run: /dev/vdb. Null: none, so no boot loader is installed.</summary>
    public string? SystemDisk { get; set; }

    /// <summary>Names of the steps to leave out; "all" leaves out all.</summary>
    public List<string> Skip { get; set; } = [];

    /// <summary>Names of the only steps to take; empty for all.</summary>
    public List<string> Only { get; set; } = [];

    /// <summary>New host name; null keeps the source's.</summary>
    public string? Hostname { get; set; }

    /// <summary>Whether the system gets a new machine id at its first boot.</summary>
    public bool NewMachineId { get; set; }

    /// <summary>Whether it gets new SSH host keys.</summary>
    public bool NewHostKeys { get; set; }

    /// <summary>Which migration the root comes from; null leaves no mark.</summary>
    public string? Marker { get; set; }

    /// <summary>Command of the user, run inside the root before the steps.</summary>
    public string? Before { get; set; }

    /// <summary>Command of the user, run inside the root after the steps.</summary>
    public string? After { get; set; }

    /// <summary>Change nothing where the root is a directory of another file system: a rehearsal's destination.</summary>
    public bool OnlyOnDisk { get; set; }

    /// <summary>The file system that is mounted at a place of the source; null when there is none.</summary>
    public FixupFileSystem? At(string mountPoint) => FileSystems.Find(f => f.MountPoint == mountPoint);

    /// <summary>Reads the file of --facts.</summary>
    /// <exception cref="ConfigException">Something is wrong; all problems are in it.</exception>
    public static FixupFacts Parse(string file, ReadOnlySpan<byte> content)
    {
        List<ConfigProblem> errors = [], unknown = [];
        ConfigReader r = new(file, ConfigParser.Parse(file, content), errors, unknown);
        FixupFacts facts = new()
        {
            Folded = FixupSettings.Texts(r, "Folded"),
            SystemDisk = r.Text("SystemDisk"),
            Skip = FixupSettings.Texts(r, "Skip"),
            Only = FixupSettings.Texts(r, "Only"),
            Hostname = r.Text("Hostname"),
            NewMachineId = r.Boolean("NewMachineId") ?? false,
            NewHostKeys = r.Boolean("NewHostKeys") ?? false,
            Marker = r.Text("Marker"),
            Before = r.Text("Before"),
            After = r.Text("After"),
            OnlyOnDisk = r.Boolean("OnlyOnDisk") ?? false,
        };
        foreach (ConfigNode node in r.List("SwapFiles"))
        {
            ConfigReader swap = new(file, node, errors, unknown, "SwapFiles.");
            facts.SwapFiles.Add(new SwapFile(swap.Text("Path") ?? "", swap.Integer("Bytes", 0, long.MaxValue) ?? 0));
            swap.WarnUnread();
        }

        foreach (ConfigNode node in r.List("Shared"))
        {
            ConfigReader shared = new(file, node, errors, unknown, "Shared.");
            facts.Shared.Add(new SharedPlace(shared.Text("MountPoint") ?? "/", shared.Text("Target") ?? "/"));
            shared.WarnUnread();
        }

        foreach (ConfigNode node in r.List("FileSystems"))
        {
            ConfigReader fs = new(file, node, errors, unknown, "FileSystems.");
            facts.FileSystems.Add(new FixupFileSystem { MountPoint = fs.Text("MountPoint") ?? "/", Path = fs.Text("Path"), Device = fs.Text("Device"), Uuid = fs.Text("Uuid"), Type = fs.Text("Type") });
            fs.WarnUnread();
        }

        r.WarnUnread();
        errors.AddRange(unknown);
        return errors.Count == 0 ? facts : throw new ConfigException(errors);
    }

    /// <summary>Writes it for <see cref="Parse"/>; a member that is not in both does not reach the rescue system.</summary>
    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteStartArray("FileSystems");
        foreach (FixupFileSystem fs in FileSystems)
        {
            writer.WriteStartObject();
            writer.WriteString("MountPoint", fs.MountPoint);
            writer.WriteString("Path", fs.Path);
            writer.WriteString("Device", fs.Device);
            writer.WriteString("Uuid", fs.Uuid);
            writer.WriteString("Type", fs.Type);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("SwapFiles");
        foreach (SwapFile swap in SwapFiles)
        {
            writer.WriteStartObject();
            writer.WriteString("Path", swap.Path);
            writer.WriteNumber("Bytes", swap.Bytes);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("Shared");
        foreach (SharedPlace shared in Shared)
        {
            writer.WriteStartObject();
            writer.WriteString("MountPoint", shared.MountPoint);
            writer.WriteString("Target", shared.Target);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        FixupRecordJson.Write(writer, "Folded", Folded);
        FixupRecordJson.Write(writer, "Skip", Skip);
        FixupRecordJson.Write(writer, "Only", Only);
        writer.WriteString("SystemDisk", SystemDisk);
        writer.WriteString("Hostname", Hostname);
        writer.WriteString("Marker", Marker);
        writer.WriteString("Before", Before);
        writer.WriteString("After", After);
        writer.WriteBoolean("NewMachineId", NewMachineId);
        writer.WriteBoolean("NewHostKeys", NewHostKeys);
        writer.WriteBoolean("OnlyOnDisk", OnlyOnDisk);
        writer.WriteEndObject();
    }

    /// <summary>Whether a file system with this UUID is at the destination.</summary>
    public bool HasUuid(string uuid) => FileSystems.Exists(f => string.Equals(f.Uuid, uuid, StringComparison.OrdinalIgnoreCase));
}

/// <summary>A file system of the destination.</summary>
internal sealed class FixupFileSystem
{
    /// <summary>Where the source has it: "/", a mount point, or "swap".</summary>
    public string MountPoint { get; set; } = "/";

    /// <summary>Where it is mounted now, for its device to be found; null when the device is given.</summary>
    public string? Path { get; set; }

    /// <summary>Its device where the fix-ups run, such as /dev/vdb1.</summary>
    public string? Device { get; set; }

    /// <summary>Its UUID.</summary>
    public string? Uuid { get; set; }

    /// <summary>Its type, such as ext4.</summary>
    public string? Type { get; set; }
}
