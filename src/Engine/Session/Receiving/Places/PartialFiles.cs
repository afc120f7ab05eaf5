using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving.Places;

/// <summary>
/// --partial: what came of a file that broke off, for the next run: in the place for incomplete files, or else under its own name.
/// </summary>
/// <remarks>
/// Under its own name it has a time that no other file has, in the first second of 1970, as rsync's: --update does not take it for newer
/// than what it is a beginning of, and what it has replaced is kept where backups are, and not replaced there by the beginning.
/// </remarks>
internal sealed class PartialFiles(SyncContext context, Placement placement)
{
    /// <summary>Whole microseconds, which file systems that count in those keep, too.</summary>
    private static readonly Timestamp Mark = new(0, 412_657_000);

    private PartialPlace Place => placement.Partials;

    /// <summary>The beginning of a file under its name.</summary>
    public static bool IsPart(in FileStatus status) => status.IsRegular && status.Modified == Mark;

    /// <inheritdoc cref="IsPart(in FileStatus)"/>
    public static bool IsPart(in EntryMetadata metadata) => metadata.IsRegular && metadata.Modified == Mark;

    /// <summary>What has a name when a file begins that may leave a part there; nothing when it may not.</summary>
    public FileStatus Look(int dirfd, ReadOnlySpan<byte> name) =>
        context.Has(JobFlags.Partial) && !Place.IsOn && context.Io.StatAt(dirfd, name, out var there) >= 0 ? there : default;

    /// <summary>Keeps what came of a file, or discards it where that cannot be.</summary>
    /// <param name="path">The file, relative to the destination.</param>
    /// <param name="staged">A beginning of it.</param>
    /// <param name="fd">The same, open.</param>
    /// <param name="dirfd">The directory of its place.</param>
    /// <param name="name">Its name there.</param>
    /// <param name="before">What had its name when it began.</param>
    public void Keep(byte[] path, in Staged staged, int fd, int dirfd, ReadOnlySpan<byte> name, in FileStatus before)
    {
        var place = Place.Make(dirfd);
        var error = -Errno.ECANCELED;
        try
        {
            error = place < 0 && Place.IsOn ? place : Put(path, staged, fd, place, dirfd, name, before);
            if (error == -Errno.EXDEV)
            {
                error = placement.CopyNear(fd, place >= 0 ? place : dirfd, name, out var near, out var copy);
                error = error < 0 ? error : PutCopy(path, near, copy, place, dirfd, name, before);
                if (error >= 0)
                {
                    placement.Discard(staged);
                }
            }
        }
        finally
        {
            Place.Close(place);
            if (error < 0)
            {
                Place.RemoveIfEmpty(dirfd);
                placement.Discard(staged);
            }
        }
    }

    private int PutCopy(byte[] path, in Staged near, int copy, int place, int dirfd, ReadOnlySpan<byte> name, in FileStatus before)
    {
        var error = -Errno.ECANCELED;
        try
        {
            error = Put(path, near, copy, place, dirfd, name, before);
        }
        finally
        {
            context.Io.Close(copy);
            if (error < 0)
            {
                placement.Discard(near);
            }
        }

        return error;
    }

    private int Put(byte[] path, in Staged staged, int fd, int place, int dirfd, ReadOnlySpan<byte> name, in FileStatus before)
    {
        if (place >= 0)
        {
            return context.Io.RenameAt(staged.Dirfd, staged.Name, place, name);
        }

        // The next run may have come before the end of this one was noticed, and would never look at it again with --ignore-existing.
        if (!IsStill(before, dirfd, name) || context.Has(JobFlags.IgnoreExisting))
        {
            return -Errno.ECANCELED;
        }

        if (placement.IsAcross(staged, dirfd))
        {
            return -Errno.EXDEV;
        }

        try
        {
            return context.Io.SetTimes(fd, null, Mark) is < 0 and var untold ? untold : placement.Replace(path, staged, dirfd, name);
        }
        catch (SessionException)
        {
            return -Errno.ENOTDIR; // Backups have lost their place. What ends the session already is said.
        }
    }

    /// <summary>Its ctime changes, too, when another of its names goes.</summary>
    private bool IsStill(in FileStatus before, int dirfd, ReadOnlySpan<byte> name) => context.Io.StatAt(dirfd, name, out var now) is var error && error < 0
        ? error == -Errno.ENOENT && before.Inode == 0
        : now.SameObject(before) && now.Size == before.Size && now.Modified == before.Modified;
}
