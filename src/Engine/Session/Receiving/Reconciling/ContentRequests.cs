using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session.Receiving.Directories;
using NativeSync.Engine.Session.Receiving.Places;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving.Reconciling;

/// <summary>
/// Asks for contents: whole, or as a delta against the best that is here. In this order: what an interrupted run left
/// (in the hidden directory, or with --partial-dir), the file itself, one of an alternate directory, one of a similar name (--fuzzy).
/// </summary>
/// <remarks>Used by the dispatcher, and by writers for contents that are asked for again.</remarks>
internal sealed class ContentRequests(SyncContext context, ReceiverTree tree)
{
    /// <summary>Below this a file is sent whole rather than as a delta: the signature and its round trip cost more than they save.</summary>
    private const long DeltaThreshold = 64 * 1024;

    private readonly DirectoryScanner _scanner = new(context.Io);
    private readonly DirectoryListing _other = new();

    /// <summary>Asks for the content of an entry that is compared now.</summary>
    /// <param name="directory">Where the entry is.</param>
    /// <param name="dirfd">That directory.</param>
    /// <param name="index">The entry.</param>
    /// <param name="ownSize">Bytes of the file of its name; negative when there is none.</param>
    /// <param name="alternate">What an alternate directory has.</param>
    public void Ask(ReceiverDirectory directory, int dirfd, int index, long ownSize, in AlternateMatch alternate)
    {
        ref var wanted = ref directory.Remote!.Entries.Metadata(index);
        directory.Remote.State(index) = ContentState.Awaited;
        tree.Bases.Forget(directory, index);
        var mayDelta = !context.Has(JobFlags.WholeFile) && (wanted.Size >= DeltaThreshold || context.Has(JobFlags.Append));
        var delta = true;
        if (mayDelta && tree.Placement.Resume.HasAny && tree.Placement.Resume.Find(tree.PathOf(directory, index), wanted.Size) is { } left)
        {
            tree.Bases.Choose(directory, index, new BasisChoice(BasisChoice.Resumed, left));
        }
        else if (HasPartial(directory, dirfd, index) && mayDelta && !context.InPlace)
        {
            tree.Bases.Choose(directory, index, new BasisChoice(BasisChoice.Partial));
        }
        else
        {
            delta = mayDelta && (ownSize > 0 || (!context.Has(JobFlags.Append) && ownSize < 0 && ChooseOther(directory, index, alternate)));
        }

        if (tree.Finder.TryBegin(directory, index, ownSize, delta))
        {
            return;
        }

        if (delta)
        {
            tree.Basis.RequestDelta(directory, index);
        }
        else
        {
            tree.Contents.AskWhole(directory, index);
        }
    }

    /// <summary>
    /// -c, after the alternate directories: the file of its own name is compared, or the content asked for, with one of them as basis.
    /// </summary>
    public void CompareOrAsk(ReceiverDirectory directory, int index, int place)
    {
        var handle = tree.Handles.Take(directory);
        try
        {
            ref var wanted = ref directory.Remote!.Entries.Metadata(index);
            FileStatus status = default;
            var exists = handle.Fd >= 0 && context.Io.StatAt(handle.Fd, tree.LocalName(directory, index), out status) >= 0 && status.IsRegular;
            if (exists && status.Size == wanted.Size)
            {
                tree.Basis.RequestCompare(directory, index);
            }
            else
            {
                Ask(directory, handle.Fd, index, exists ? status.Size : -1, new AlternateMatch(AlternateLevel.Basis, place, 0));
            }
        }
        finally
        {
            tree.Handles.Return(handle);
        }
    }

    /// <summary>The same for an entry that was compared before; what is here now decides.</summary>
    public void AskLater(ReceiverDirectory directory, int index)
    {
        var handle = tree.Handles.Take(directory);
        try
        {
            FileStatus status = default;
            var isHere = handle.Fd >= 0 && context.Io.StatAt(handle.Fd, tree.LocalName(directory, index), out status) >= 0 && status.IsRegular;
            Ask(directory, handle.Fd, index, isHere ? status.Size : 0, default);
        }
        finally
        {
            tree.Handles.Return(handle);
        }
    }

    private bool HasPartial(ReceiverDirectory directory, int dirfd, int index)
    {
        var partials = tree.Placement.Partials;
        if (!partials.IsOn || dirfd < 0)
        {
            return false;
        }

        var place = partials.Open(dirfd);
        if (place < 0)
        {
            return false;
        }

        var found = context.Io.StatAt(place, tree.LocalName(directory, index), out var status) >= 0 && status.IsRegular;
        partials.Close(place);
        if (found)
        {
            partials.Found(directory.Id, index);
        }

        return found && status.Size > 0;
    }

    private bool ChooseOther(ReceiverDirectory directory, int index, in AlternateMatch alternate)
    {
        if (alternate.Level != AlternateLevel.None)
        {
            tree.Bases.Choose(directory, index, new BasisChoice(alternate.Place));
            return true;
        }

        if (context.Options.Fuzzy == 0)
        {
            return false;
        }

        var name = tree.LocalName(directory, index);
        ref var wanted = ref directory.Remote!.Entries.Metadata(index);
        if (directory.Local is { } local && SimilarName.Find(local, name, wanted) is >= 0 and var similar)
        {
            tree.Bases.Choose(directory, index, new BasisChoice(BasisChoice.Own, local.Name(similar).ToArray()));
            return true;
        }

        return context.Options.Fuzzy > 1 && ChooseSimilarElsewhere(directory, index, name, wanted);
    }

    private bool ChooseSimilarElsewhere(ReceiverDirectory directory, int index, ReadOnlySpan<byte> name, in EntryMetadata wanted)
    {
        for (var place = 0; place < tree.Alternates.Count; place++)
        {
            var handles = tree.Alternates.Handles(place);
            var handle = handles.Take(directory);
            _other.Clear();
            var similar = handle.Fd >= 0 && Scan(handle.Fd) >= 0 ? SimilarName.Find(_other, name, wanted) : -1;
            handles.Return(handle);
            if (similar >= 0)
            {
                tree.Bases.Choose(directory, index, new BasisChoice(place, _other.Name(similar).ToArray()));
                return true;
            }
        }

        return false;
    }

    /// <summary>By a handle of its own: scanning moves the place at which a handle reads on.</summary>
    private int Scan(int dirfd)
    {
        var fd = context.Io.OpenAt(dirfd, "."u8, OpenFlags.Read | OpenFlags.Directory);
        if (fd < 0)
        {
            return fd;
        }

        var error = _scanner.Scan(fd, ScanFields.None, _other);
        context.Io.Close(fd);
        return error;
    }
}
