using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session.Receiving.Directories;
using NativeSync.Engine.Session.Receiving.Places;

namespace NativeSync.Engine.Session.Receiving;

/// <summary>From what an entry's content is made, when that is not the file of its own name.</summary>
/// <param name="Place">An alternate directory, or <see cref="Own"/> or <see cref="Partial"/>.</param>
/// <param name="Name">The name there; null for the entry's own.</param>
/// <param name="Next">Places to compare with when this one differs.</param>
internal readonly record struct BasisChoice(int Place, byte[]? Name = null, ArraySegment<int> Next = default)
{
    /// <summary>The destination's directory.</summary>
    public const int Own = -1;

    /// <summary>What an interrupted run left in the place for that.</summary>
    public const int Partial = -2;

    /// <summary>What an interrupted run left in the hidden directory, with the entry's own file behind it.</summary>
    public const int Resumed = -3;
}

/// <summary>Opens the basis of an entry: its own file, unless another was chosen. Used by all threads.</summary>
internal sealed class BasisChoices(SyncContext context, ReceiverTree tree)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(int Directory, int Index), BasisChoice> _chosen = [];

    public void Choose(ReceiverDirectory directory, int index, in BasisChoice choice)
    {
        lock (_gate)
        {
            _chosen[(directory.Id, index)] = choice;
        }
    }

    public bool TryGet(ReceiverDirectory directory, int index, out BasisChoice choice)
    {
        lock (_gate)
        {
            return _chosen.TryGetValue((directory.Id, index), out choice);
        }
    }

    /// <summary>The content is settled, or comes whole.</summary>
    public void Forget(ReceiverDirectory directory, int index)
    {
        lock (_gate)
        {
            if (_chosen.Count > 0)
            {
                _chosen.Remove((directory.Id, index));
            }
        }
    }

    /// <summary>The basis, open.</summary>
    public BasisFile OpenBasis(ReceiverDirectory directory, int index)
    {
        if (!TryGet(directory, index, out var choice) || choice.Place != BasisChoice.Resumed)
        {
            var fd = Open(directory, index, out var status);
            return new BasisFile(fd, status.Size);
        }

        var left = Open(tree.Placement.Resume.Directory, choice.Name, out var begun);
        if (left < 0)
        {
            return new BasisFile(left);
        }

        var own = Open(directory, index, new BasisChoice(BasisChoice.Own), out var old);
        if (own < 0 || old.Size > begun.Size)
        {
            return new BasisFile(left, own < 0 ? begun.Size : old.Size, own, begun.Size);
        }

        context.Io.Close(own);
        return new BasisFile(left, begun.Size);
    }

    /// <summary>The handle of a regular file, or -errno.</summary>
    public int Open(ReceiverDirectory directory, int index, out FileStatus status)
    {
        var choice = TryGet(directory, index, out var chosen) ? chosen : new BasisChoice(BasisChoice.Own);
        return Open(directory, index, choice, out status);
    }

    private int Open(ReceiverDirectory directory, int index, in BasisChoice choice, out FileStatus status)
    {
        status = default;
        var handles = choice.Place >= 0 ? tree.Alternates.Handles(choice.Place) : tree.Handles;
        var handle = handles.Take(directory);
        var place = choice.Place == BasisChoice.Partial && handle.Fd >= 0 ? tree.Placement.Partials.Open(handle.Fd) : handle.Fd;
        try
        {
            return place < 0 ? place : Open(place, choice.Name ?? tree.LocalName(directory, index), out status);
        }
        finally
        {
            if (choice.Place == BasisChoice.Partial)
            {
                tree.Placement.Partials.Close(place);
            }

            handles.Return(handle);
        }
    }

    private int Open(int dirfd, ReadOnlySpan<byte> name, out FileStatus status)
    {
        status = default;
        var fd = context.Io.OpenQuietly(dirfd, name);
        if (fd < 0)
        {
            return fd;
        }

        var error = context.Io.Stat(fd, out status);
        if (error >= 0 && status.IsRegular)
        {
            return fd;
        }

        context.Io.Close(fd);
        return error < 0 ? error : -Errno.ENOENT;
    }
}
