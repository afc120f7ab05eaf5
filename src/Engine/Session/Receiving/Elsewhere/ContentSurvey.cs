using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Filters;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving.Elsewhere;

/// <summary>
/// Walks the destination for its files: first what is known to be extraneous, for there is what was renamed; all of it when that does not
/// have what is looked for. What the rules protect is left out, for it is none of the transfer's business and must not
/// come to light under a name that the sender chooses; so is what is mounted below.
/// </summary>
/// <remarks>Used by the basis thread alone.</remarks>
internal sealed class ContentSurvey(SyncContext context, ReceiverTree tree, long seed)
{
    private readonly FilterScope _filters = context.FiltersIn(FilterSide.Receiver, tree.Root.Path, static (_, _) => { });
    private readonly DirectoryScanner _scanner = new(context.Io);
    private readonly DirectoryListing _listing = new();
    private readonly HashSet<byte[]> _known = new(ByteArrayComparer.Instance);
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
        var extraneous = Rounds++ == 0 ? tree.Late.Deletions : [];
        IsComplete = extraneous.Length == 0;
        if (IsComplete)
        {
            _pending.Push((index.AddDirectory(-1, []), null));
        }

        foreach (var (directory, name, _, rules) in extraneous)
        {
            AddExtraneous(index, directory, name, rules);
        }

        while (!index.IsFull && _pending.TryPop(out var next))
        {
            context.Abort.ThrowIfAborted();
            Walk(index, next.Directory, next.Above);
        }

        index.Seal();
        return index;
    }

    private void AddExtraneous(ContentIndex index, byte[] directory, byte[] name, DirectoryRules rules)
    {
        var fd = tree.Handles.Open(directory);
        if (fd < 0)
        {
            return;
        }

        var error = context.Io.StatAt(fd, name, out var status);
        context.Io.Close(fd);
        if (error < 0 || index.IsFull)
        {
            return;
        }

        var parent = index.AddPath(directory);
        if (Take(index, parent, name, status.ToMetadata(), status.Device, rules))
        {
            _known.Add(PathBytes.Join(directory, name));
        }
    }

    private void Walk(ContentIndex index, int directory, DirectoryRules? above)
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
            if (_known.Count == 0 || !_known.Contains(PathBytes.Join(path, entries.Name(i))))
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
