using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session.Receiving.Directories;
using NativeSync.Engine.Session.Receiving.Places;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving.Elsewhere;

/// <summary>Puts content that was found under another name in its place: the file itself where it would go anyway, else a clone or copy.</summary>
internal readonly ref struct FoundContent(SyncContext context, ReceiverTree tree, ReceiverDirectory directory, int index, int dirfd)
{
    /// <param name="attempt">What was found.</param>
    /// <param name="self">Who this process is.</param>
    /// <returns>False when it must be copied; then nothing has changed.</returns>
    public bool TryMove(Attempt attempt, uint self)
    {
        // A file with other names cannot be given attributes and contents of its own, and another user's must not come to be one.
        var place = tree.Handles.Take(attempt.Key, attempt.Directory);
        FileStatus status = default;
        var moved = place.Fd >= 0 && context.Io.StatAt(place.Fd, attempt.Name, out status) >= 0 && status.IsSameVersion(attempt.Status) && status.LinkCount == 1
            && (status.Uid == self || (context.Has(JobFlags.Owner) && self == 0))
            && tree.Placement.Replace(tree.PathOf(directory, index), new Staged(place.Fd, attempt.Name), dirfd, tree.LocalName(directory, index)) >= 0;
        tree.Handles.Return(place);
        if (moved)
        {
            var remote = directory.Remote!.Entries;
            tree.Attributes.ApplyAt(
                dirfd, tree.LocalName(directory, index), tree.PathOf(directory, index), remote.Metadata(index), remote.Xattrs(index), isNew: false, known: status);
            tree.Outcomes.Deleted(ReceiverDirectory.Top, PathBytes.Join(attempt.Directory, attempt.Name), EntryType.Regular);
        }

        return moved;
    }

    /// <param name="attempt">What was found.</param>
    /// <param name="now">Where it is now.</param>
    /// <param name="moved">This run moved it there.</param>
    /// <returns>0, or -errno: then nothing has changed.</returns>
    public int Copy(Attempt attempt, (byte[] Directory, byte[] Name) now, bool moved)
    {
        var from = attempt.Fd >= 0 ? attempt.Fd : tree.Handles.OpenFile(now.Directory, now.Name);
        if (from < 0)
        {
            return from;
        }

        // From that look on it must stay so: what is written in place is the same file, and may come to be another content meanwhile.
        var error = IsUntouched(from, attempt, moved, out var status) ? CopiedFile.Make(context, tree, directory, index, dirfd, from, status) : -Errno.ESTALE;
        if (from != attempt.Fd)
        {
            context.Io.Close(from);
        }

        return error;
    }

    /// <summary>It is what it was; or all that happened to it is what this run did: it has another name, or none since it was replaced.</summary>
    private bool IsUntouched(int fd, Attempt attempt, bool moved, out FileStatus status) =>
        context.Io.Stat(fd, out status) >= 0
        && (status.IsSameVersion(attempt.Status)
            || ((moved || status.LinkCount == 0) && status.SameObject(attempt.Status) && status.Size == attempt.Status.Size && status.Modified == attempt.Status.Modified));
}
