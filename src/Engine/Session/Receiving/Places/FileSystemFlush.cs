using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving.Places;

/// <summary>
/// Flushes what a session wrote to its disks, before anybody is told that it is done: the file systems as wholes, once, since
/// that costs a fraction of flushing each file. docs/journal.md.
/// </summary>
/// <remarks>A directory that is made is where its parent is: what was there before is all there is to look at. Of the dispatcher alone, until the end.</remarks>
internal sealed class FileSystemFlush(SyncContext context) : IDisposable
{
    private readonly List<(ulong Device, int Fd)> _seen = [];

    /// <summary>Remembers the file system of an open directory.</summary>
    public void Note(int dirfd)
    {
        if (!context.Options.Durable || context.Has(JobFlags.DryRun) || context.Io.Stat(dirfd, out var status) < 0)
        {
            return;
        }

        foreach (var (device, _) in _seen)
        {
            if (device == status.Device)
            {
                return;
            }
        }

        if (context.Io.OpenAt(dirfd, "."u8, OpenFlags.Read | OpenFlags.Directory) is >= 0 and var fd)
        {
            _seen.Add((status.Device, fd));
        }
    }

    /// <summary>Returns when all of it is on the disks.</summary>
    /// <exception cref="SessionException">11: a disk did not take it.</exception>
    public void Run()
    {
        foreach (var (_, fd) in _seen)
        {
            if (context.Io.SyncFileSystem(fd) is < 0 and var error)
            {
                throw new SessionException(ExitCodes.FileIo,
                    $"what was written to the destination did not reach its disk ({Errno.Describe(-error)}); see the kernel's log there, then run again");
            }
        }
    }

    public void Dispose()
    {
        foreach (var (_, fd) in _seen)
        {
            context.Io.Close(fd);
        }
    }
}
