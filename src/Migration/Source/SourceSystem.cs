namespace NativeSync.Migration.Source;

/// <summary>Which run of which machine, and which directory: tells gateway and source of scenario 1 apart.</summary>
/// <param name="BootId">Differs for every boot of every machine.</param>
/// <param name="MachineId">Contents of /etc/machine-id; empty without.</param>
/// <param name="Host">Host name.</param>
/// <param name="Directory">The tool directory.</param>
public sealed record RunPlace(string BootId, string MachineId, string Host, string Directory)
{
    /// <summary>Whether both are the same directory of the same machine.</summary>
    public bool IsSameAs(RunPlace other)
        => string.Equals(Directory, other.Directory, StringComparison.Ordinal)
            && (string.Equals(BootId, other.BootId, StringComparison.Ordinal)
                || (MachineId.Length > 0 && string.Equals(MachineId, other.MachineId, StringComparison.Ordinal) && string.Equals(Host, other.Host, StringComparison.Ordinal)));
}

/// <summary>What a migration must know of the machine that it runs on.</summary>
public interface ISourceSystem
{
    /// <summary>The mounts, in the order of the kernel.</summary>
    IReadOnlyList<MountEntry> Mounts();

    /// <summary>Bytes in use on the file system that holds a path; null when it cannot be told.</summary>
    long? UsedBytes(string path);

    /// <summary>Whether a path is a directory.</summary>
    bool IsDirectory(string path);

    /// <summary>UUID and label of the file system on a block device; null where udev has no name for it.</summary>
    (string? Uuid, string? Label) Names(string device);

    /// <summary>What decides whether the system below a root will run on a CVM.</summary>
    SourceFacts Facts(string root);

    /// <summary>Whether we may read everything.</summary>
    bool IsSuperUser { get; }

    /// <summary>Where this run takes place.</summary>
    RunPlace Place(string toolDirectory);
}

/// <summary>The real machine.</summary>
public sealed class LinuxSourceSystem : ISourceSystem
{
    /// <inheritdoc/>
    public bool IsSuperUser => Environment.IsPrivilegedProcess;

    /// <inheritdoc/>
    public IReadOnlyList<MountEntry> Mounts()
    {
        try
        {
            return MountTable.Parse(File.ReadAllBytes("/proc/self/mountinfo"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <inheritdoc/>
    public long? UsedBytes(string path)
    {
        try
        {
            DriveInfo drive = new(path);
            return drive.TotalSize - drive.TotalFreeSpace;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public bool IsDirectory(string path) => Directory.Exists(path);

    /// <inheritdoc/>
    public RunPlace Place(string toolDirectory)
        => new(Line("/proc/sys/kernel/random/boot_id"), Line("/etc/machine-id"), Environment.MachineName, toolDirectory);

    /// <inheritdoc/>
    public (string? Uuid, string? Label) Names(string device)
        => (NameIn("/dev/disk/by-uuid", device) ?? BlkId("UUID", device), NameIn("/dev/disk/by-label", device) ?? BlkId("LABEL", device));


    /// <inheritdoc/>
    public SourceFacts Facts(string root) => SourceFactsReader.Read(root, Mounts());

    /// <summary>Where there is no udev, or a label that udev cannot write as a file name.</summary>
    private static string? BlkId(string tag, string device)
        => SourceFactsReader.Run("blkid", "-c", "/dev/null", "-s", tag, "-o", "value", device)?.TrimEnd('\n') is { Length: > 0 } name ? name : null;

    private static string? NameIn(string directory, string device)
    {
        try
        {
            string real = File.ResolveLinkTarget(device, returnFinalTarget: true)?.FullName ?? device;
            foreach (string link in Directory.EnumerateFileSystemEntries(directory))
            {
                string name = Path.GetFileName(link);

                // udev writes what a file name cannot hold as \xNN: blkid knows better.
                if (!name.Contains('\\', StringComparison.Ordinal) && File.ResolveLinkTarget(link, returnFinalTarget: true)?.FullName == real)
                {
                    return name;
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No udev here.
        }

        return null;
    }

    private static string Line(string path)
    {
        try
        {
            return File.ReadAllText(path).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
