using NativeSync.Protocol;

namespace NativeSync.Engine.FileSystem;

/// <summary>What is wanted, and in what an entry differs from it: pure.</summary>
internal sealed partial class MetadataWriter
{
    /// <summary>
    /// In what the metadata differs, as far as the options care: owner, group, permissions, time, attributes, ACLs, flags. Content,
    /// size, link target and device are not looked at.
    /// </summary>
    public static Changes Compare(in EntryMetadata desired, ReadOnlySpan<byte> desiredXattrs, in EntryMetadata current, ReadOnlySpan<byte> currentXattrs, MetadataOptions options)
    {
        Changes changes = Changes.None;
        DesiredMetadata wanted = new(desired, desiredXattrs, isNew: false);
        if (WantedUser(desired, current.Uid, options) != current.Uid)
        {
            changes |= Changes.Owner;
        }

        if (WantedGroup(desired, current.Gid, options) != current.Gid)
        {
            changes |= Changes.Group;
        }

        if (!current.IsSymbolicLink && WantedMode(wanted, current.Mode, options) != (current.Mode & ModeBits.PermissionMask))
        {
            changes |= Changes.Permissions;
        }

        if (WantsTimes(current.Mode, options) && !SameTime(desired.Modified, current.Modified, options.ModifyWindow))
        {
            changes |= Changes.Time;
        }

        if (WantsAccessTime(desired, current.Mode, options) && !SameTime(desired.Accessed, current.Accessed, options.ModifyWindow))
        {
            changes |= Changes.AccessTime;
        }

        if ((options.FileFlags && desired.FileFlags != current.FileFlags) || (options.ProjectIds && desired.ProjectId != current.ProjectId))
        {
            changes |= Changes.FileFlags;
        }

        return changes | CompareXattrs(desiredXattrs, currentXattrs, options);
    }

    /// <summary>Whether two times count as equal: to the nanosecond, by whole seconds alone (negative), or within so many seconds.</summary>
    public static bool SameTime(Timestamp x, Timestamp y, int window) =>
        window == 0 ? x == y : window < 0 ? x.Seconds == y.Seconds : Int128.Abs((Int128)x.Seconds - y.Seconds) <= window;

    private static bool WantsTimes(uint mode, MetadataOptions options) =>
        options.Times && !(options.OmitDirectoryTimes && ModeBits.IsDirectory(mode)) && !(options.OmitLinkTimes && ModeBits.IsSymbolicLink(mode));

    /// <summary>As in rsync: not for directories, and for links only together with their mtime.</summary>
    private static bool WantsAccessTime(in EntryMetadata desired, uint mode, MetadataOptions options) =>
        options.AccessTimes && desired.HasAccessed && !ModeBits.IsDirectory(mode) && (!ModeBits.IsSymbolicLink(mode) || WantsTimes(mode, options));

    private static uint WantedUser(in EntryMetadata desired, uint current, MetadataOptions options) =>
        options.Owner && options.SuperUser ? options.Identities?.LocalUser(desired.Uid) ?? desired.Uid : current;

    private static uint WantedGroup(in EntryMetadata desired, uint current, MetadataOptions options)
    {
        if (!options.Group)
        {
            return current;
        }

        uint group = options.Identities?.LocalGroup(desired.Gid) ?? desired.Gid;
        return options.SuperUser || options.MemberOf.Contains(group) ? group : current;
    }

    /// <summary>The permission bits of new content in the place of an old file, where permissions are not kept: the old ones, but for -E.</summary>
    public static uint ModeInPlaceOf(uint old, in EntryMetadata desired, MetadataOptions options) =>
        WantedMode(new DesiredMetadata(desired, default, isNew: false), old, options);

    /// <summary>Permission bits. Source of the rules without -p: rsync's manual, --perms and --executability.</summary>
    private static uint WantedMode(in DesiredMetadata desired, uint current, MetadataOptions options)
    {
        uint source = desired.Metadata.Mode & ModeBits.PermissionMask;
        current &= ModeBits.PermissionMask;
        if (options.Permissions)
        {
            return source;
        }

        if (desired.IsNew)
        {
            // A directory made under a setgid one inherited the bit; that stays.
            uint inherited = ModeBits.IsDirectory(desired.Metadata.Mode) ? current & ModeBits.SetGroupId : 0;
            return (source & 0x1FF & ~(desired.Umask ?? options.Umask)) | inherited;
        }

        const uint Execute = 0x49, Read = 0x124;
        if (!options.Executability || !ModeBits.IsRegular(desired.Metadata.Mode) || ((source & Execute) != 0) == ((current & Execute) != 0))
        {
            return current;
        }

        return (source & Execute) == 0 ? current & ~Execute : current | ((current & Read) >> 2);
    }

    private static Changes CompareXattrs(ReadOnlySpan<byte> desired, ReadOnlySpan<byte> current, MetadataOptions options)
    {
        if ((!options.Xattrs && !options.Acls) || (options.Identities == null && desired.SequenceEqual(current)))
        {
            return Changes.None;
        }

        Changes changes = Changes.None;
        XattrReader ours = new(current);
        bool moreOurs = ours.TryRead(out ReadOnlySpan<byte> ourName, out ReadOnlySpan<byte> ourValue);
        XattrReader theirs = new(desired);
        bool moreTheirs = theirs.TryRead(out ReadOnlySpan<byte> theirName, out ReadOnlySpan<byte> theirValue);
        while (moreOurs || moreTheirs)
        {
            int order = !moreOurs ? 1 : !moreTheirs ? -1 : ourName.SequenceCompareTo(theirName);
            if (order < 0)
            {
                changes |= MayRemove(ourName, options) ? KindOf(ourName) : 0;
            }
            else if (order > 0 || !SameValue(theirName, theirValue, ourValue, options, besidesMode: true))
            {
                changes |= IsWanted(theirName, options) ? KindOf(theirName) : 0;
            }

            if (order <= 0)
            {
                moreOurs = ours.TryRead(out ourName, out ourValue);
            }

            if (order >= 0)
            {
                moreTheirs = theirs.TryRead(out theirName, out theirValue);
            }
        }

        return changes;
    }

    private static Changes KindOf(ReadOnlySpan<byte> attribute) => XattrNames.IsAcl(attribute) ? Changes.Acl : Changes.Xattr;

    private static bool IsWanted(ReadOnlySpan<byte> attribute, MetadataOptions options) =>
        XattrNames.IsAcl(attribute) ? options.Acls : options.Xattrs && XattrNames.IsWanted(attribute, options.XattrFields);

    private static bool MayRemove(ReadOnlySpan<byte> attribute, MetadataOptions options) =>
        IsWanted(attribute, options) && !XattrNames.IsLabel(attribute);

    /// <summary>With <paramref name="besidesMode"/> what the mode says too is left out of an access list.</summary>
    private static bool SameValue(ReadOnlySpan<byte> name, ReadOnlySpan<byte> theirs, ReadOnlySpan<byte> ours, MetadataOptions options, bool besidesMode)
    {
        besidesMode &= options.Permissions && name.SequenceEqual(XattrNames.AccessAcl);
        if (options.Identities == null || !XattrNames.IsAcl(name) || theirs.Length != ours.Length)
        {
            return theirs.SequenceEqual(ours) || (besidesMode && AccessControlList.SameBesidesMode(theirs, ours));
        }

        Span<byte> mapped = theirs.Length <= 1024 ? stackalloc byte[theirs.Length] : new byte[theirs.Length];
        theirs.CopyTo(mapped);
        AccessControlList.MapIds(mapped, options.Identities);
        return mapped.SequenceEqual(ours) || (besidesMode && AccessControlList.SameBesidesMode(mapped, ours));
    }
}
