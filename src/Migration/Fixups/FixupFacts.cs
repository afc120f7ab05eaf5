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
