using System.IO.Hashing;
using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Filters;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving.Elsewhere;

/// <summary>
/// Walks the destination for its files: first what is known to be extraneous, for there is what was renamed; then all of it, or what a pass
/// looks at that does not look everywhere. What the rules protect is left out, for it is none of the transfer's business and must not
/// come to light under a name that the sender chooses; so is what is mounted below.
/// </summary>
/// <remarks>Used by the basis thread alone.</remarks>
/// <param name="context">What to look for.</param>
/// <param name="tree">The destination.</param>
/// <param name="seed">Random.</param>
/// <param name="looked">Directories that are looked at; null for all of the destination.</param>
internal sealed class ContentSurvey(SyncContext context, ReceiverTree tree, long seed, List<byte[]>? looked)
{
    private readonly FilterScope _filters = context.FiltersIn(FilterSide.Receiver, tree.Root.Path, static (_, _) => { });
    private readonly DirectoryScanner _scanner = new(context.Io);
    private readonly DirectoryListing _listing = new();
    private readonly HashSet<ulong> _known = [];
    private readonly Stack<(int Directory, DirectoryRules? Above)> _pending = new();
    private ulong _device;

    /// <summary>How often more was looked at.</summary>
    public int Rounds { get; private set; }

    /// <summary>There is nothing more to look at.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Looks at more; long, in a large tree: not for the dispatcher.</summary>
    /// <param name="index">What was found before, which stays as it is; its numbers hold in the new one.</param>
    /// <returns>With what was found now.</returns>
    public ContentIndex Extend(ContentIndex? index)
    {
        index = index?.Copy() ?? new ContentIndex(seed);
        _device = context.Io.Stat(tree.Root.Fd, out var root) < 0 ? ulong.MaxValue : root.Device;
        IsComplete = Rounds++ > 0 || !AddExtraneous(index) || looked is not null;
        if (IsComplete && looked is null)
        {
            _pending.Push((index.AddDirectory(-1, []), null));
        }

        while (!index.IsFull && _pending.TryPop(out var next))
        {
            context.Abort.ThrowIfAborted();
            Walk(index, next.Directory, next.Above);
        }

        // Where rule files of the tree hold, nobody is to ask for this.
        for (var i = 0; i < looked?.Count && !index.IsFull && !context.Filters.HasDirMerges; i++)
        {
            context.Abort.ThrowIfAborted();
            Walk(index, index.AddPath(looked[i]), null, deep: false);
        }

        index.Seal();
        return index;
    }

    /// <summary>What was found extraneous so far; it comes directory by directory.</summary>
    /// <returns>False when there is nothing.</returns>
    private bool AddExtraneous(ContentIndex index)
    {
        byte[]? directory = null;
        var number = 0;
        var fd = -1;
        var count = 0;
        for (; tree.Late.TryGetDeletion(count, out var extraneous) && !index.IsFull; count++)
        {
            if (directory is null || !directory.AsSpan().SequenceEqual(extraneous.Directory))
            {
                Close(fd);
                directory = extraneous.Directory;
                number = index.AddPath(directory);
                fd = tree.Handles.Open(directory);
            }

            if (fd >= 0 && context.Io.StatAt(fd, extraneous.Name, out var status) >= 0 && status.Device == _device
                && Take(index, number, extraneous.Name, status.ToMetadata(), status.Device, extraneous.Rules))
            {
                _known.Add(KeyOf(directory, extraneous.Name));
            }
        }

        Close(fd);
        return count > 0;
    }

    private void Close(int fd)
    {
        if (fd >= 0)
        {
            context.Io.Close(fd);
        }
    }

    private ulong KeyOf(ReadOnlySpan<byte> directory, ReadOnlySpan<byte> name) => XxHash3.HashToUInt64(PathBytes.Join(directory, name), seed);

    private void Walk(ContentIndex index, int directory, DirectoryRules? above, bool deep = true)
    {
        var path = index.PathOf(directory);
        var fd = tree.Handles.Open(path);
        if (fd < 0)
        {
            return;
        }

        var rules = above is null ? _filters.EnterRoot(fd) : _filters.Enter(above, path, fd);
        var error = _scanner.Scan(fd, ScanFields.None, _listing);
        EntrySelection.HideResumePlace(context, _listing);
        context.Io.Close(fd);
        if (error < 0 || rules.IsUncertain)
        {
            return;
        }

        var entries = EntrySelection.ForReceiving(rules, _listing, path);
        for (var i = 0; i < entries.Count && !index.IsFull; i++)
        {
            if ((deep || !entries.Metadata(i).IsDirectory) && (_known.Count == 0 || !_known.Contains(KeyOf(path, entries.Name(i)))))
            {
                Take(index, directory, entries.Name(i), entries.Metadata(i), entries.Identity(i).Device, rules);
            }
        }
    }

    private bool Take(ContentIndex index, int directory, ReadOnlySpan<byte> name, in EntryMetadata metadata, ulong device, DirectoryRules rules)
    {
        if (metadata.IsDirectory && device == _device)
        {
            _pending.Push((index.AddDirectory(directory, name), rules));
            return true;
        }

        if (!metadata.IsRegular || metadata.Size < ContentIndex.SmallestSize)
        {
            return false;
        }

        index.Add(directory, name, metadata);
        return true;
    }
}
