namespace NativeSync.Migration.Source;

/// <summary>Which types of file systems hold data that belongs to the server.</summary>
internal static class FileSystemKinds
{
    private static readonly HashSet<string> Kernel = new(StringComparer.Ordinal)
    {
        "proc", "sysfs", "devtmpfs", "devpts", "tmpfs", "ramfs", "cgroup", "cgroup2", "securityfs", "debugfs", "tracefs", "mqueue",
        "hugetlbfs", "pstore", "bpf", "configfs", "autofs", "binfmt_misc", "rpc_pipefs", "nsfs", "fusectl", "selinuxfs", "efivarfs",
        "rootfs", "overlay", "aufs", "squashfs", "iso9660", "fuse.lxcfs", "fuse.gvfsd-fuse", "fuse.portal",
    };

    private static readonly HashSet<string> Network = new(StringComparer.Ordinal)
    {
        "nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "glusterfs", "fuse.glusterfs", "fuse.sshfs", "fuse.s3fs", "fuse.cosfs",
        "lustre", "9p", "virtiofs", "gfs2", "ocfs2", "fuse.ossfs",
    };

    /// <summary>Made by the kernel or in memory, or a view of what is carried elsewhere.</summary>
    public static bool IsPseudo(string type) => Kernel.Contains(type);

    /// <summary>Lies on another machine, and stays there.</summary>
    public static bool IsNetwork(string type) => Network.Contains(type);

    /// <summary>Can be made at the destination with the source's UUID and label.</summary>
    public static bool CanBeMade(string type) => type is "ext2" or "ext3" or "ext4" or "xfs" or "btrfs";

    /// <summary>Knows nothing of owners, modes and attributes.</summary>
    public static bool LosesAttributes(string type) => type is "vfat" or "msdos" or "exfat" or "ntfs" or "ntfs3" or "fuseblk" or "iso9660" or "udf";
}
