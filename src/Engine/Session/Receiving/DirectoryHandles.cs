using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session.Receiving.Directories;

namespace NativeSync.Engine.Session.Receiving;

/// <summary>
/// Open handles on destination directories, shared by the writers and bounded: those used last stay open.
/// Every handle is opened beneath the root without passing a link, or with --keep-dirlinks without passing one that leads out of it.
/// </summary>
internal sealed class DirectoryHandles(ISystemCalls io, int rootFd, bool keepLinks, int? share = null) : IDisposable
{
    private readonly int _capacity = share ?? DescriptorLimit.Share(128, part: 4);
    private readonly Lock _gate = new();
    private readonly Dictionary<int, Handle> _open = [];
    private readonly LinkedList<Handle> _byUse = [];

    /// <summary>Takes a handle on a directory; give it back with <see cref="Return"/>. Negative errno in <see cref="Handle.Fd"/> when it cannot be opened.</summary>
    public Handle Take(ReceiverDirectory directory) => Take(directory.Id, directory.Path);

    /// <summary>The same, for a directory that the sender did not announce.</summary>
    /// <param name="key">A negative number that stands for it.</param>
    /// <param name="path">Relative to the destination.</param>
    public Handle Take(int key, byte[] path)
    {
        lock (_gate)
        {
            if (_open.TryGetValue(key, out var known))
            {
                known.Users++;
                _byUse.Remove(known.Node);
                _byUse.AddFirst(known.Node);
                return known;
            }

            var fd = Open(path);
            var handle = new Handle(key, fd) { Users = 1 };
            if (fd >= 0)
            {
                _open.Add(key, handle);
                _byUse.AddFirst(handle.Node);
                Shrink();
            }

            return handle;
        }
    }

    public void Return(Handle handle)
    {
        lock (_gate)
        {
            handle.Users--;
            if (handle.Users == 0 && handle.Dropped)
            {
                io.Close(handle.Fd);
            }
        }
    }

    /// <summary>Opens a directory without keeping the handle: the caller closes it.</summary>
    public int Open(ReadOnlySpan<byte> path) => Open(path, out _);

    /// <summary>Opens a file of a directory, to read it.</summary>
    public int OpenFile(ReadOnlySpan<byte> directory, ReadOnlySpan<byte> name)
    {
        var place = Open(directory);
        if (place < 0)
        {
            return place;
        }

        var fd = io.OpenQuietly(place, name);
        io.Close(place);
        return fd;
    }

    /// <summary>The same as <see cref="Open(ReadOnlySpan{byte})"/>; says whether a link was passed.</summary>
    public int Open(ReadOnlySpan<byte> path, out bool viaLink)
    {
        var fd = io.OpenBeneath(rootFd, path, OpenFlags.Read | OpenFlags.Directory);
        viaLink = keepLinks && fd is -Errno.ELOOP or -Errno.ENOTDIR;
        return viaLink ? LinkWalk.OpenDirectory(io, rootFd, path) : fd;
    }

    /// <summary>Closes the handle on a directory that is finished.</summary>
    public void Forget(ReceiverDirectory directory)
    {
        lock (_gate)
        {
            if (_open.TryGetValue(directory.Id, out var handle))
            {
                Drop(handle);
            }
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            while (_byUse.Last is { } last)
            {
                Drop(last.Value);
            }
        }
    }

    private void Shrink()
    {
        while (_open.Count > _capacity)
        {
            Drop(_byUse.Last!.Value);
        }
    }

    private void Drop(Handle handle)
    {
        _open.Remove(handle.Id);
        _byUse.Remove(handle.Node);
        handle.Dropped = true;
        if (handle.Users == 0)
        {
            io.Close(handle.Fd);
        }
    }

    /// <summary>A shared handle.</summary>
    internal sealed class Handle
    {
        public Handle(int id, int fd)
        {
            Id = id;
            Fd = fd;
            Node = new LinkedListNode<Handle>(this);
        }

        public int Id { get; }

        /// <summary>The file descriptor, or -errno.</summary>
        public int Fd { get; }

        public LinkedListNode<Handle> Node { get; }

        public int Users { get; set; }

        public bool Dropped { get; set; }
    }
}
