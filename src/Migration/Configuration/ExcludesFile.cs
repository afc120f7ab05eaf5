namespace NativeSync.Migration.Configuration;

/// <summary>The third file beside the executable, with what its packaged form says.</summary>
public static class ExcludesFile
{
    /// <summary>The name of the file.</summary>
    public const string FileName = "rsync_excludes_linux.txt";

    /// <summary>The lines that the guide tells not to delete.</summary>
    public static readonly IReadOnlyList<string> Defaults =
    [
        "/dev/*",
        "/sys/*",
        "/proc/*",
        "/var/cache/yum/*",
        "/lost+found/*",
        "/var/lib/lxcfs/*",
        "/var/lib/docker-storage.btrfs/root/.local/share/gvfs-metadata/*",
    ];
}
