using NativeSync.Protocol;

namespace NativeSync.Engine.FileSystem;

/// <summary>
/// Makes the metadata of an entry what it shall be, and touches only what differs. The order matters: chown (which strips setuid
/// and capabilities), attributes, ACLs (which change group bits), chmod, inode flags, times last. A step that fails is reported and
/// the others go on. One writer serves one thread.
/// </summary>
internal sealed partial class MetadataWriter(ISystemCalls io, MetadataOptions options)
{
    private readonly XattrScanner _scanner = new(io);
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
        Changes done = SetOwner(target, desired, current, problems, ref forceMode);
        if (options.Xattrs || options.Acls)
        {
            done |= SetXattrs(target, desired, current, problems, ref forceMode);
        }

        done |= SetMode(target, desired, current, problems, forceMode);
        if (options.FileFlags)
        {
            done |= SetFileFlags(target, desired, problems);
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

    private Changes SetFileFlags(in Target target, in DesiredMetadata desired, IProblemSink problems)
    {
        // Immutable and append-only must come after everything else of the whole tree: only the harmless ones for now.
        const uint Settable = 0x00000040 /* nodump */ | 0x00000080 /* noatime */;
        if (!target.IsOpen || target.GetFileFlags(out uint flags) < 0)
        {
            return Changes.None;
        }

        uint wanted = (flags & ~Settable) | (desired.Metadata.FileFlags & Settable);
        if (wanted == flags)
        {
            return Changes.None;
        }

        int error = target.SetFileFlags(wanted);
        if (error < 0)
        {
            problems.Report(Operation.SetFileFlags, -error, []);
            return Changes.None;
        }

        return Changes.FileFlags;
    }

    private Changes SetTimes(in Target target, in DesiredMetadata desired, in FileStatus current, IProblemSink problems)
    {
        if (!WantsTimes(current.Mode, options))
        {
            return Changes.None;
        }

        // What was written through this handle moved the time after `current` was taken: new entries are set in any case.
        Timestamp wanted = desired.Metadata.Modified;
        if (!desired.IsNew && wanted == current.Modified)
        {
            return Changes.None;
        }

        int error = target.SetTimes(wanted);
        if (error < 0)
        {
            problems.Report(Operation.SetTimes, -error, []);
            return Changes.None;
        }

        return wanted == current.Modified ? Changes.None : Changes.Time;
    }
}
