namespace NativeSync.Engine.FileSystem;

/// <summary>The attribute names that mean something to us.</summary>
internal static class XattrNames
{
    public static ReadOnlySpan<byte> AccessAcl => "system.posix_acl_access"u8;

    public static ReadOnlySpan<byte> DefaultAcl => "system.posix_acl_default"u8;

    /// <summary>Begins the names in which rsync keeps what --fake-super fakes; they travel with -XX only.</summary>
    public static ReadOnlySpan<byte> FakeSuperPrefix => "user.rsync.%"u8;

    public static bool IsUser(ReadOnlySpan<byte> name) => name.StartsWith("user."u8);

    public static bool IsAcl(ReadOnlySpan<byte> name) => name.SequenceEqual(AccessAcl) || name.SequenceEqual(DefaultAcl);

    /// <summary>Other system.* attributes are the file system's own view of something else (nfs4_acl, cifs_acl, projid) and do not travel; nor do the lists of XFS, which root sees as trusted.SGI_ACL_FILE and _DEFAULT besides.</summary>
    public static bool IsWanted(ReadOnlySpan<byte> name, ScanFields fields)
    {
        if (name.StartsWith("system."u8))
        {
            return (fields & ScanFields.Acls) != 0 && IsAcl(name);
        }

        return (fields & ScanFields.Xattrs) != 0 && name.Length is > 0 and <= 255 && !name.StartsWith("trusted.SGI_ACL_"u8)
            && ((fields & ScanFields.UserXattrsOnly) == 0 || IsUser(name))
            && ((fields & ScanFields.FakeSuperXattrs) != 0 || !name.StartsWith(FakeSuperPrefix));
    }

    /// <summary>Labels that the security module of a machine puts on everything: set when the source has them, never removed.</summary>
    public static bool IsLabel(ReadOnlySpan<byte> name) =>
        name.SequenceEqual("security.selinux"u8) || name.StartsWith("security.SMACK64"u8) || name.SequenceEqual("security.ima"u8) || name.SequenceEqual("security.evm"u8);
}
