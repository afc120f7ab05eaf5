using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Filters;

namespace NativeSync.Engine.Session.Receiving.Elsewhere;

/// <summary>
/// Walks the destination for its files. What the rules protect is left out, for it is none of the transfer's business and must not
/// come to light under a name that the sender chooses; so is what is mounted below.
/// </summary>
internal static class ContentSurvey
{
    /// <summary>Makes the index; long, in a large tree: not for the dispatcher.</summary>
    public static ContentIndex Make(SyncContext context, ReceiverTree tree, long seed)
    {
        var index = new ContentIndex(seed);
        var filters = context.FiltersIn(FilterSide.Receiver, tree.Root.Path, static (_, _) => { });
        var scanner = new DirectoryScanner(context.Io);
        var listing = new DirectoryListing();
        var pending = new Stack<(int Directory, DirectoryRules? Above)>();
        pending.Push((index.AddDirectory(-1, []), null));
        var device = context.Io.Stat(tree.Root.Fd, out var root) < 0 ? ulong.MaxValue : root.Device;
        while (!index.IsFull && pending.TryPop(out var next))
        {
            context.Abort.ThrowIfAborted();
            var path = index.PathOf(next.Directory);
            var fd = tree.Handles.Open(path);
            if (fd < 0)
            {
                continue;
            }

            var rules = next.Above is { } above ? filters.Enter(above, path, fd) : filters.EnterRoot(fd);
            var error = scanner.Scan(fd, ScanFields.None, listing);
            EntrySelection.HideResumePlace(context, listing);
            context.Io.Close(fd);
            if (error < 0 || rules.IsUncertain)
            {
                continue;
            }

            var entries = EntrySelection.ForReceiving(rules, listing, path);
            for (var i = 0; i < entries.Count; i++)
            {
                ref var metadata = ref entries.Metadata(i);
                if (metadata.IsDirectory && entries.Identity(i).Device == device)
                {
                    pending.Push((index.AddDirectory(next.Directory, entries.Name(i)), rules));
                }
                else if (metadata.IsRegular && metadata.Size >= ContentIndex.SmallestSize && !index.IsFull)
                {
                    index.Add(next.Directory, entries.Name(i), metadata);
                }
            }
        }

        index.Seal();
        return index;
    }
}
