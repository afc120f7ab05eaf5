namespace NativeSync.Engine.FileSystem.Following;

/// <summary>A file system whose changes the kernel tells.</summary>
/// <param name="Id">f_fsid, by which it does.</param>
/// <param name="Device">st_dev of what is on it.</param>
/// <param name="Mounts">Where in the tree it shows: more than one place when something is mounted twice.</param>
internal sealed record FollowedFileSystem(long Id, ulong Device, List<MountPoint> Mounts)
{
    /// <summary>
    /// The types that tell everything and take their handles back (s_magic): ext2, ext3 and ext4; XFS; tmpfs. Network and FUSE file systems change
    /// elsewhere, an overlay takes no handles, and each subvolume of btrfs goes by an identity of its own.
    /// </summary>
    public static bool IsSuitable(long type) => type is 0xEF53 or 0x58465342 or 0x01021994;
}
