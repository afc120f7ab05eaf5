namespace NativeSync.Engine.FileSystem;

/// <summary>
/// Extended attributes under --fake-super. On disk user.rsync.NAME stands for NAME of another namespace, and user.rsync.%aacl and
/// %dacl for the two access control lists; user.rsync.%stat is not an attribute to those above.
/// </summary>
internal static class FakeXattrs
{
    private const int NameRoom = 256, ListRoom = 65536;

    private static ReadOnlySpan<byte> Prefix => "user.rsync."u8;

    private static ReadOnlySpan<byte> Access => "user.rsync.%aacl"u8;

    private static ReadOnlySpan<byte> Default => "user.rsync.%dacl"u8;

    /// <summary>The names as they are meant; real access control lists are the stand-in's own and not shown.</summary>
    public static int List(in Target target, Span<byte> names)
    {
        byte[] real = new byte[ListRoom];
        int length = target.ListXattrs(real);
        if (length <= 0)
        {
            return length;
        }

        int used = 0;
        ReadOnlySpan<byte> rest = real.AsSpan(0, length);
        for (int end = rest.IndexOf((byte)0); end >= 0; rest = rest[(end + 1)..], end = rest.IndexOf((byte)0))
        {
            ReadOnlySpan<byte> meant = Meant(rest[..end], real.AsSpan(0, length));
            if (meant.IsEmpty)
            {
                continue;
            }

            if (!names.IsEmpty)
            {
                if (used + meant.Length + 1 > names.Length)
                {
                    return -Errno.ERANGE;
                }

                meant.CopyTo(names[used..]);
                names[used + meant.Length] = 0;
            }

            used += meant.Length + 1;
        }

        return used;
    }

    public static int Get(in Target target, ReadOnlySpan<byte> name, Span<byte> value)
    {
        if (XattrNames.IsAcl(name))
        {
            byte[] fake = new byte[ListRoom];
            bool access = name.SequenceEqual(XattrNames.AccessAcl);
            int length = target.GetXattr(access ? Access : Default, fake);
            if (length < 0)
            {
                return length;
            }

            target.Stat(out FileStatus status);
            byte[] list = FakeAcl.Decode(fake.AsSpan(0, length), access ? FakeStatus.Overlay(target, ref status).Mode : null);
            if (value.IsEmpty || list.Length > value.Length)
            {
                return value.IsEmpty ? list.Length : -Errno.ERANGE;
            }

            list.CopyTo(value);
            return list.Length;
        }

        Span<byte> room = stackalloc byte[NameRoom];
        int result = XattrNames.IsUser(name) ? -Errno.ENODATA : target.GetXattr(OnDisk(name, room), value);
        return result == -Errno.ENODATA ? target.GetXattr(name, value) : result;
    }

    public static int Set(in Target target, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (XattrNames.IsAcl(name))
        {
            if (!AccessControlList.IsWellFormed(value))
            {
                return -Errno.EINVAL;
            }

            return name.SequenceEqual(XattrNames.AccessAcl)
                ? target.SetXattr(Access, FakeAcl.Encode(value, AccessControlList.Permissions(value)))
                : target.SetXattr(Default, FakeAcl.Encode(value, null));
        }

        Span<byte> room = stackalloc byte[NameRoom];
        return target.SetXattr(XattrNames.IsUser(name) ? name : OnDisk(name, room), value);
    }

    public static int Remove(in Target target, ReadOnlySpan<byte> name)
    {
        if (XattrNames.IsAcl(name))
        {
            return target.RemoveXattr(name.SequenceEqual(XattrNames.AccessAcl) ? Access : Default);
        }

        Span<byte> room = stackalloc byte[NameRoom];
        int result = XattrNames.IsUser(name) ? -Errno.ENODATA : target.RemoveXattr(OnDisk(name, room));
        return result == -Errno.ENODATA ? target.RemoveXattr(name) : result;
    }

    private static ReadOnlySpan<byte> OnDisk(ReadOnlySpan<byte> name, Span<byte> room)
    {
        if (name.Length + Prefix.Length > room.Length)
        {
            return name; // too long to be kept: the kernel says so
        }

        Prefix.CopyTo(room);
        name.CopyTo(room[Prefix.Length..]);
        return room[..(Prefix.Length + name.Length)];
    }

    /// <summary>The name that an attribute on disk stands for; empty for what is not shown.</summary>
    private static ReadOnlySpan<byte> Meant(ReadOnlySpan<byte> name, ReadOnlySpan<byte> all)
    {
        if (name.SequenceEqual(Access))
        {
            return XattrNames.AccessAcl;
        }

        if (name.SequenceEqual(Default))
        {
            return XattrNames.DefaultAcl;
        }

        if (name.StartsWith(Prefix))
        {
            return name[Prefix.Length..] is [not (byte)'%', ..] meant ? meant : default;
        }

        // What is there in earnest and in the attribute, too, is named once.
        Span<byte> room = stackalloc byte[NameRoom];
        return XattrNames.IsAcl(name) || (!XattrNames.IsUser(name) && Holds(all, OnDisk(name, room))) ? default : name;
    }

    private static bool Holds(ReadOnlySpan<byte> names, ReadOnlySpan<byte> name)
    {
        for (int end = names.IndexOf((byte)0); end >= 0; names = names[(end + 1)..], end = names.IndexOf((byte)0))
        {
            if (names[..end].SequenceEqual(name))
            {
                return true;
            }
        }

        return false;
    }
}
