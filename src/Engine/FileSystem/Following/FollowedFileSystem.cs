namespace NativeSync.Engine.FileSystem.Following;

/// <summary>A file system whose changes the kernel tells.</summary>
/// <param name="id">f_fsid, by which it does.</param>
/// <param name="device">st_dev of what is on it.</param>
internal sealed class FollowedFileSystem(long id, ulong device)
{
    public long Id => id;

    public ulong Device => device;

    /// <summary>Where in the tree it shows: more than one place when something is mounted twice.</summary>
    public List<MountPoint> Mounts { get; } = [];

    /// <summary>
    /// The types that tell everything and take their handles back (s_magic): ext2, ext3 and ext4; XFS; tmpfs. Network and FUSE file systems change
    /// elsewhere, an overlay takes no handles, and each subvolume of btrfs goes by an identity of its own.
    /// </summary>
    public static bool IsSuitable(long type) => type is 0xEF53 or 0x58465342 or 0x01021994;

    /// <summary>The one with a device; null when it is not followed. There are few.</summary>
    public static FollowedFileSystem? Of(List<FollowedFileSystem> all, ulong device)
    {
        foreach (var system in all)
        {
            if (system.Device == device)
            {
                return system;
            }
        }

        return null;
    }
}
