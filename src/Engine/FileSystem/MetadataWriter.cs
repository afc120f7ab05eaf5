using NativeSync.Protocol;

namespace NativeSync.Engine.FileSystem;

/// <summary>
/// Makes the metadata of an entry what it shall be, and touches only what differs. The order matters: chown (which strips setuid
/// and capabilities), attributes, ACLs (which change group bits), chmod, inode flags and project id, times last.
/// Immutable and append-only are not set here: they come when all of the tree is done. A step that fails is reported and
/// the others go on. One writer serves one thread.
/// </summary>
internal sealed partial class MetadataWriter(ISystemCalls io, MetadataOptions options)
{
    private readonly XattrScanner _scanner = new(io, options.XattrFilter);
    private readonly DirectoryListing _scratch = new();

    public MetadataOptions Options => options;

    /// <summary>For what is open: files and directories.</summary>
    public Changes Apply(int fd, in DesiredMetadata desired, in FileStatus current, IProblemSink problems) =>
        Apply(new Target(io, fd), desired, current, problems);

    /// <summary>For what cannot be opened: links, devices, FIFOs, sockets. Never follows a link.</summary>
    public Changes ApplyAt(int dirfd, ReadOnlySpan<byte> name, in DesiredMetadata desired, in FileStatus current, IProblemSink problems) =>
        Apply(new Target(io, dirfd, name), desired, current, problems);

    private Changes Apply(in Target target, in DesiredMetadata desired, in FileStatus current, IProblemSink problems)
    {
        bool forceMode = false;
        Changes unlocked = options.FileFlags && target.IsOpen ? Unlock(target) : 0;
        Changes done = unlocked | SetOwner(target, desired, current, problems, ref forceMode);
        if (options.Xattrs || options.Acls)
        {
            done |= SetXattrs(target, desired, current, problems, ref forceMode);
        }

        done |= SetMode(target, desired, current, problems, forceMode);
        if (target.IsOpen)
        {
            done |= (options.FileFlags ? SetFileFlags(target, desired, problems) : 0) | (options.ProjectIds ? SetProjectId(target, desired, problems) : 0);
        }

        return done | SetTimes(target, desired, current, problems);
    }

    private Changes SetOwner(in Target target, in DesiredMetadata desired, in FileStatus current, IProblemSink problems, ref bool forceMode)
    {
        uint uid = WantedUser(desired.Metadata, current.Uid, options);
        uint gid = WantedGroup(desired.Metadata, current.Gid, options);
        if (uid == current.Uid && gid == current.Gid)
        {
            return Changes.None;
        }

        Changes changes = (uid != current.Uid ? Changes.Owner : 0) | (gid != current.Gid ? Changes.Group : 0);
        if ((changes & Changes.Owner) != 0 && uid == uint.MaxValue || (changes & Changes.Group) != 0 && gid == uint.MaxValue)
        {
            problems.Report(Operation.ChangeOwner, Errno.EINVAL, []); // -1 means "leave it" to the kernel
        }

        int error = target.ChangeOwner(uid == current.Uid ? uint.MaxValue : uid, gid == current.Gid ? uint.MaxValue : gid);
        if (error < 0)
        {
            problems.Report(Operation.ChangeOwner, -error, []);
            return Changes.None;
        }

        // The kernel takes setuid and setgid away from files that change hands.
        forceMode = (current.Mode & (ModeBits.SetUserId | ModeBits.SetGroupId)) != 0;
        return changes;
    }

    private Changes SetMode(in Target target, in DesiredMetadata desired, in FileStatus current, IProblemSink problems, bool force)
    {
        uint wanted = WantedMode(desired, current.Mode, options);
        bool differs = wanted != (current.Mode & ModeBits.PermissionMask);
        if (current.IsSymbolicLink || (!differs && !force))
        {
            return Changes.None;
        }

        int error = target.ChangeMode(wanted);
        if (error < 0)
        {
            problems.Report(Operation.ChangeMode, -error, []);
            return Changes.None;
        }

        return differs ? Changes.Permissions : Changes.None;
    }

    /// <summary>Nothing can be changed about what is immutable; the end of the tree makes it so again where it shall be.</summary>
    private static Changes Unlock(in Target target) =>
        target.GetFileFlags(out uint flags) >= 0 && (flags & FileFlags.Locking) != 0 && target.SetFileFlags(flags & ~FileFlags.Locking) >= 0
            ? Changes.FileFlags : 0;

    private static Changes SetFileFlags(in Target target, in DesiredMetadata desired, IProblemSink problems)
    {
        const uint Settable = FileFlags.Kept & ~FileFlags.Locking;
        int error = target.GetFileFlags(out uint flags);
        uint wanted = desired.Metadata.FileFlags & Settable;
        if (error < 0)
        {
            if (wanted != 0)
            {
                problems.Report(Operation.SetFileFlags, -error, []);
            }

            return Changes.None;
        }

        uint differs = (flags & Settable) ^ wanted;
        if (differs == 0)
        {
            return Changes.None;
        }

        error = target.SetFileFlags(flags ^ differs);
        if (error >= 0)
        {
            return Changes.FileFlags;
        }

        // One flag that this file system does not have must not keep the others away.
        Changes done = Changes.None;
        int first = error;
        for (uint bit = 1; bit != 0; bit <<= 1)
        {
            if ((differs & bit) == 0)
            {
                continue;
            }

            error = target.SetFileFlags(flags ^ bit);
            if (error >= 0)
            {
                flags ^= bit;
                done = Changes.FileFlags;
            }
            else
            {
                first = error;
            }
        }

        problems.Report(Operation.SetFileFlags, -first, []);
        return done;
    }

    private static Changes SetProjectId(in Target target, in DesiredMetadata desired, IProblemSink problems)
    {
        int error = target.GetProjectId(out uint project);
        if (error >= 0 && project == desired.Metadata.ProjectId)
        {
            return Changes.None;
        }

        error = error < 0 ? desired.Metadata.ProjectId == 0 ? 0 : error : target.SetProjectId(desired.Metadata.ProjectId);
        if (error < 0)
        {
            problems.Report(Operation.SetProjectId, -error, []);
        }

        return error < 0 ? Changes.None : Changes.FileFlags;
    }

    private Changes SetTimes(in Target target, in DesiredMetadata desired, in FileStatus current, IProblemSink problems)
    {
        // What was written through this handle moved the times after `current` was taken: new entries are set in any case.
        bool modified = WantsTimes(current.Mode, options) && (desired.IsNew || desired.Metadata.Modified != current.Modified);
        bool accessed = WantsAccessTime(desired.Metadata, current.Mode, options) && (desired.IsNew || desired.Metadata.Accessed != current.Accessed);
        if (!modified && !accessed)
        {
            return Changes.None;
        }

        int error = target.SetTimes(accessed ? desired.Metadata.Accessed : null, modified ? desired.Metadata.Modified : null);
        if (error < 0)
        {
            problems.Report(Operation.SetTimes, -error, []);
            return Changes.None;
        }

        return (modified && desired.Metadata.Modified != current.Modified ? Changes.Time : 0)
            | (accessed && desired.Metadata.Accessed != current.Accessed ? Changes.AccessTime : 0);
    }
}
