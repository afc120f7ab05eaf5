using System.Buffers.Binary;

namespace NativeSync.TestKit.Trees;

/// <summary>POSIX ACLs as the kernel stores them in <c>system.posix_acl_access</c> and <c>…_default</c> (linux/posix_acl_xattr.h): version 2, then (tag, permissions, id).</summary>
public static class PosixAcl
{
    public const string Access = "system.posix_acl_access";
    public const string Default = "system.posix_acl_default";

    private const uint NoId = 0xFFFFFFFF;

    /// <summary>Owner, one named user, group, one named group, mask, others.</summary>
    public static byte[] For(ushort owner, uint user, ushort userPermissions, ushort group, uint namedGroup, ushort namedGroupPermissions, ushort mask, ushort others)
    {
        (ushort Tag, ushort Permissions, uint Id)[] entries =
        [
            (0x01, owner, NoId), (0x02, userPermissions, user), (0x04, group, NoId),
            (0x08, namedGroupPermissions, namedGroup), (0x10, mask, NoId), (0x20, others, NoId),
        ];
        byte[] value = new byte[4 + (8 * entries.Length)];
        BinaryPrimitives.WriteUInt32LittleEndian(value, 2);
        for (int i = 0; i < entries.Length; i++)
        {
            Span<byte> at = value.AsSpan(4 + (8 * i));
            BinaryPrimitives.WriteUInt16LittleEndian(at, entries[i].Tag);
            BinaryPrimitives.WriteUInt16LittleEndian(at[2..], entries[i].Permissions);
            BinaryPrimitives.WriteUInt32LittleEndian(at[4..], entries[i].Id);
        }

        return value;
    }
}
