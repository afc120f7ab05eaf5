using System.Collections.Concurrent;
using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving;

/// <summary>
/// Immutable and append-only: they stop renames, links and every later change, so the entries that shall have them are noted, and
/// get them when all of the tree is done. Few entries have them. Any thread may note.
/// </summary>
internal sealed class LockingFlags(SyncContext context, OutcomeReporter outcomes)
{
    private readonly ConcurrentQueue<(byte[] Path, uint Flags)> _wanted = new();
    private readonly bool _counts = context.Has(JobFlags.FileFlags);

    /// <summary>Notes what an entry shall have.</summary>
    public void Want(byte[] path, in EntryMetadata metadata)
    {
        if (_counts && metadata.Type is EntryType.Regular or EntryType.Directory)
        {
            var flags = metadata.FileFlags & FileFlags.Locking;
            if (flags != 0)
            {
                _wanted.Enqueue((path, flags));
            }
        }
    }

    /// <summary>Sets them, at the end.</summary>
    public void Set(int rootFd)
    {
        while (_wanted.TryDequeue(out var entry))
        {
            var fd = context.Io.OpenBeneath(rootFd, entry.Path, OpenFlags.Read | OpenFlags.NonBlocking);
            var error = Math.Min(fd, 0);
            if (fd >= 0)
            {
                error = context.Io.GetFileFlags(fd, out var now);
                error = error < 0 ? error : (now & FileFlags.Locking) == entry.Flags ? 0 : context.Io.SetFileFlags(fd, (now & ~FileFlags.Locking) | entry.Flags);
                context.Io.Close(fd);
            }

            if (error < 0)
            {
                outcomes.Problem(Operation.SetFileFlags, -error, entry.Path);
            }
        }
    }
}
