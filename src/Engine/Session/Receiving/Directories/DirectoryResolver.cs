using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving.Directories;

/// <summary>
/// When the entries of a directory are seen to: as soon as they are here, or, with --delete-before, when those of all directories are.
/// </summary>
/// <remarks>Of the dispatcher alone.</remarks>
internal sealed class DirectoryResolver(SyncContext context, ReceiverTree tree)
{
    /// <summary>How many directories have not told all their entries.</summary>
    private int _unknown;

    /// <summary>No more directories can come.</summary>
    private bool _allAnnounced;

    /// <summary>With --delete-before: those that wait until nothing is unknown.</summary>
    private List<ReceiverDirectory>? _held = context.Has(JobFlags.Delete) && context.Options.DeleteTiming == DeleteTiming.Before ? [] : null;

    /// <summary>A directory that the sender announced.</summary>
    public void Announce(ReceiverDirectory directory)
    {
        tree.Directories.Add(directory);
        if (!directory.Skipped)
        {
            _unknown++;
        }
    }

    /// <summary>Tells the sender the verdict.</summary>
    public void Answer(ReceiverDirectory directory, Verdict verdict)
    {
        context.Outbox.Answer(directory.Id, verdict);
        if (verdict == Verdict.Skip)
        {
            _unknown--;
            tree.Finder.IsCompared(directory);
            tree.Directories.Skip(directory);
        }
    }

    /// <summary>The directory's own entries are as they should be.</summary>
    public void IsSame(ReceiverDirectory directory, DirectoryListing listing)
    {
        _unknown--;
        long bytes = 0;
        for (var i = 0; i < listing.Count; i++)
        {
            ref var metadata = ref listing.Metadata(i);
            if (metadata.IsDirectory)
            {
                directory.Goals.Add(new DirectoryGoal(listing.Name(i).ToArray(), metadata, listing.Xattrs(i).ToArray()));
            }
            else if (metadata.IsRegular)
            {
                bytes += metadata.Size;
            }
        }

        Interlocked.Increment(ref tree.Statistics.DirectoriesSame);
        if (context.Observer is not null)
        {
            context.Progress.Found(listing.Count, bytes);
            context.Progress.Settled(listing.Count, bytes);
        }

        tree.Finder.IsCompared(directory);
        tree.Directories.IsSame(directory);
    }

    /// <summary>All entries of a directory have come.</summary>
    public void EntriesAreHere(ReceiverDirectory directory)
    {
        _unknown--;
        if (_held is not null)
        {
            _held.Add(directory);
        }
        else
        {
            Resolve(directory);
        }

        AllMayBeKnown();
    }

    /// <summary>Everything has been announced; entries may still come.</summary>
    public void EndOfTree()
    {
        _allAnnounced = true;
        AllMayBeKnown();
    }

    /// <summary>Brings about what can be done at once, and asks for the contents that are needed.</summary>
    private void Resolve(ReceiverDirectory directory)
    {
        if (directory.Skipped)
        {
            return;
        }

        if (directory.ViaLink)
        {
            directory.Local = tree.Prober.Scan(directory, out _);
        }

        tree.Directories.Resolve(directory, tree.Reconciler.Reconcile(directory));
        tree.Finder.IsCompared(directory);
    }

    /// <summary>
    /// Once every entry is known: with --delete-before only now something is done, first all deletions, then the rest in the order
    /// in which it came. A set of hard links of which nothing is here gets its leader.
    /// </summary>
    private void AllMayBeKnown()
    {
        if (!_allAnnounced || _unknown > 0)
        {
            return;
        }

        if (_held is { } held)
        {
            _held = null;
            foreach (var directory in held)
            {
                tree.Reconciler.DeleteExtraneous(directory);
            }

            foreach (var directory in held)
            {
                Resolve(directory);
            }
        }

        tree.Links.AllAreKnown();
        tree.Finder.AllAreCompared();
    }
}
