using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Filters;
using NativeSync.Engine.Session.Receiving.Directories;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving.Deleting;

/// <summary>
/// Removes entries with all that no rule protects in them. While this goes through one directory, helpers unlink what was found in others, each
/// directory's files by one of them; what is gone is told afterwards, in rsync's order.
/// </summary>
/// <remarks>
/// Used by one thread at a time. Guarded by <c>_gate</c>: what waits for a helper, how many there are, and which directories are done;
/// a directory's errors belong to who took it until it is done. No helpers where what goes is counted (--max-delete) or kept (--backup), nor
/// where descriptors are few: each directory is told then before the next one is begun.
/// 100,000 files in 1,000 directories go in 8.3 s instead of 12.6 on ext4, and in 0.5 s instead of 1.0 on tmpfs (two processors; rsync 11.9 and 0.9).
/// </remarks>
internal sealed class TreeRemover : IThreadPoolWorkItem
{
    /// <summary>Directories, each with a handle, and the memory of their listings that may wait to be told.</summary>
    private const int MostAhead = 16;
    private const long MostBytesAhead = 8 * 1024 * 1024;

    /// <summary>With fewer descriptors none is held for speed here.</summary>
    private const int ManyDescriptors = 256;

    /// <summary>To hand over less takes longer than to do it.</summary>
    private const int WorthHelp = 16;

    private static readonly int MostHelpers = Math.Min(Environment.ProcessorCount, 4) - 1;

    private readonly SyncContext _context;
    private readonly ReceiverTree _tree;
    private readonly DirectoryScanner _scanner;
    private readonly bool _mayHelp;
    private readonly Queue<DoomedDirectory> _untold = new();
    private readonly object _gate = new();
    private readonly Queue<DoomedDirectory> _waiting = new();
    private int _helpers;
    private long _bytesAhead;
    private bool _limitReported;

    public TreeRemover(SyncContext context, ReceiverTree tree)
    {
        _context = context;
        _tree = tree;
        _scanner = new DirectoryScanner(context.Io);
        _mayHelp = MostHelpers > 0 && DescriptorLimit.Value >= ManyDescriptors
            && context.Options.MaxDelete is null && !tree.Placement.Backups.IsOn && !context.Has(JobFlags.DryRun);
    }

    /// <summary>Removes entries of a directory, or begins to: <see cref="Finish"/> ends it.</summary>
    /// <param name="top">The directory, and in its listing the entries.</param>
    /// <param name="rules">The filter rules there.</param>
    /// <param name="which">The entries.</param>
    /// <param name="counts">False for what itself makes way: --max-delete does not hold it back, and what takes its place tells of it.</param>
    public void Remove(DoomedDirectory top, DirectoryRules rules, IEnumerable<int> which, bool counts = true)
    {
        try
        {
            foreach (var i in which)
            {
                Doom(top, rules, i, counts);
            }

            top.Counts = counts;
            Add(top);
        }
        catch
        {
            Abandon();
            Close(top);
            throw;
        }
    }

    /// <summary>Removes one entry that is no directory, after all that was begun.</summary>
    /// <returns>False when it is still there.</returns>
    public bool RemoveFile(DoomedDirectory place, ReadOnlySpan<byte> name, EntryType type, bool counts)
    {
        Finish();
        return Settle(place, name, type, counts, null);
    }

    /// <summary>All that was begun is removed, as far as it can be, and told.</summary>
    public void Finish()
    {
        try
        {
            while (_untold.Count > 0)
            {
                FinishFirst();
            }
        }
        catch
        {
            Abandon();
            throw;
        }
    }

    /// <summary>A helper's work.</summary>
    void IThreadPoolWorkItem.Execute()
    {
        while (TakeWaiting(isHelper: true) is { } doomed)
        {
            Unlink(doomed);
        }
    }

    private void Doom(DoomedDirectory above, DirectoryRules rules, int index, bool counts)
    {
        if (!above.Listing.Metadata(index).IsDirectory)
        {
            above.Files.Add(index);
            return;
        }

        var doomed = new DoomedDirectory(above, above.Listing.Name(index).ToArray());
        var isAdded = false;
        try
        {
            isAdded = !IsMountPoint(above.Fd, doomed.Name!) && TryFill(doomed, rules);
        }
        finally
        {
            if (!isAdded)
            {
                above.IsEmptied = false;
                Close(doomed);
            }
        }

        if (isAdded)
        {
            doomed.CountsItself = counts;
            Add(doomed);
        }
    }

    /// <summary>Finds what is to go from a directory; what is below it has been begun then.</summary>
    private bool TryFill(DoomedDirectory doomed, DirectoryRules rules)
    {
        doomed.Fd = _context.Io.OpenAt(doomed.Above!.Fd, doomed.Name, OpenFlags.Read | OpenFlags.Directory);
        if (doomed.Fd < 0)
        {
            _tree.Report(Operation.Open, -doomed.Fd, doomed.Path);
            return false;
        }

        var listing = doomed.Listing;
        var error = _scanner.Scan(doomed.Fd, ScanFields.None, listing);
        if (error < 0)
        {
            _tree.Report(Operation.ReadDirectory, -error, doomed.Path);
            return false;
        }

        foreach (var problem in listing.Problems ?? [])
        {
            _tree.Report(problem.Operation, problem.Error, PathBytes.Join(doomed.Path, problem.Name));
        }

        rules = _tree.EnterRules(rules, doomed.Path, doomed.Fd);
        doomed.IsEmptied = !rules.IsUncertain && !listing.Incomplete;
        foreach (var i in rules.IsUncertain ? [] : DoomedDirectory.InOrder(listing))
        {
            if (EntrySelection.IsProtected(rules, PathBytes.Join(doomed.Path, listing.Name(i)), listing.Metadata(i).IsDirectory, insideDeletion: true))
            {
                doomed.IsEmptied = false;
            }
            else
            {
                Doom(doomed, rules, i, counts: true);
            }
        }

        return true;
    }

    private void Add(DoomedDirectory doomed)
    {
        _untold.Enqueue(doomed);
        _bytesAhead += doomed.Listing.Footprint;
        if (_mayHelp && doomed.Files.Count >= WorthHelp)
        {
            doomed.Errors = new int[doomed.Files.Count];
            lock (_gate)
            {
                _waiting.Enqueue(doomed);
                if (_waiting.Count > 1 && _helpers < MostHelpers)
                {
                    _helpers++;
                    ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
                }
            }
        }

        while (_untold.Count > (_mayHelp ? MostAhead : 0) || _bytesAhead > MostBytesAhead)
        {
            FinishFirst();
        }
    }

    private DoomedDirectory? TakeWaiting(bool isHelper)
    {
        lock (_gate)
        {
            if (_waiting.TryDequeue(out var doomed))
            {
                return doomed;
            }

            if (isHelper)
            {
                _helpers--;
                Monitor.PulseAll(_gate);
            }

            return null;
        }
    }

    private void Unlink(DoomedDirectory doomed)
    {
        for (var i = 0; i < doomed.Files.Count; i++)
        {
            doomed.Errors![i] = _context.Io.UnlinkAt(doomed.Fd, doomed.Listing.Name(doomed.Files[i]), directory: false);
        }

        lock (_gate)
        {
            doomed.IsDone = true;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Until the files of a directory are unlinked this does what a helper does.</summary>
    private void Await(DoomedDirectory doomed)
    {
        while (!IsDone(doomed))
        {
            if (TakeWaiting(isHelper: false) is { } other)
            {
                Unlink(other);
                continue;
            }

            lock (_gate)
            {
                while (!doomed.IsDone)
                {
                    Monitor.Wait(_gate);
                }
            }
        }
    }

    private bool IsDone(DoomedDirectory doomed)
    {
        lock (_gate)
        {
            return doomed.IsDone;
        }
    }

    private void FinishFirst()
    {
        var doomed = _untold.Dequeue();
        _bytesAhead -= doomed.Listing.Footprint;
        try
        {
            if (doomed.Errors is not null)
            {
                Await(doomed);
            }

            for (var i = 0; i < doomed.Files.Count; i++)
            {
                var file = doomed.Files[i];
                doomed.IsEmptied &= Settle(doomed, doomed.Listing.Name(file), doomed.Listing.Metadata(file).Type, doomed.Counts, doomed.Errors?[i]);
            }
        }
        finally
        {
            Close(doomed);
        }

        if (doomed.Above is not { } above)
        {
            return;
        }

        if (!doomed.IsEmptied && !_limitReported)
        {
            _tree.Outcomes.Problem(Operation.Remove, Errno.ENOTEMPTY, doomed.Path, warning: true);
        }

        above.IsEmptied &= doomed.IsEmptied && Settle(above, doomed.Name, EntryType.Directory, doomed.CountsItself, null);
    }

    /// <summary>Removes an entry, unless that has been tried already, and tells of it.</summary>
    /// <returns>False when it is still there.</returns>
    private bool Settle(DoomedDirectory place, ReadOnlySpan<byte> name, EntryType type, bool counts, int? tried)
    {
        if (counts && _context.Options.MaxDelete is { } limit && Interlocked.Read(ref _tree.Statistics.Deleted) >= limit)
        {
            Interlocked.Increment(ref _tree.Statistics.DeletionsSkipped);
            _limitReported = true;
            return false;
        }

        if (!_context.Has(JobFlags.DryRun))
        {
            var backups = _tree.Placement.Backups;
            var error = tried
                ?? (type != EntryType.Directory && backups.IsOn && backups.KeepsDeleted(PathBytes.Join(place.Path, name))
                    ? backups.KeepDeleted(PathBytes.Join(place.Path, name), place.Fd, name)
                    : _context.Io.UnlinkAt(place.Fd, name, type == EntryType.Directory));
            if (error < 0 && error != -Errno.ENOENT)
            {
                // Backups stay in a directory that would go: said, and no failure, as with rsync.
                _tree.Outcomes.Problem(Operation.Remove, -error, PathBytes.Join(place.Path, name), warning: type == EntryType.Directory && error is -Errno.ENOTEMPTY or -Errno.EEXIST);
                return false;
            }

            _tree.Directories.Touch(place.Directory);
        }

        if (counts)
        {
            _tree.Outcomes.Deleted(place.Directory, PathBytes.Join(place.Below, name), type);
        }

        return true;
    }

    /// <summary>With --one-file-system nothing is deleted on other file systems of the destination, either.</summary>
    private bool IsMountPoint(int dirfd, ReadOnlySpan<byte> name) =>
        _context.Has(JobFlags.OneFileSystem) && _context.Io.Stat(dirfd, out var here) >= 0 && _context.Io.StatAt(dirfd, name, out var there) >= 0 && here.Device != there.Device;

    private void Close(DoomedDirectory doomed)
    {
        if (doomed.Fd >= 0 && doomed.OwnsFd)
        {
            _context.Io.Close(doomed.Fd);
            doomed.Fd = -1;
        }
    }

    /// <summary>The session is over: whoever helps lets go of the handles first.</summary>
    private void Abandon()
    {
        lock (_gate)
        {
            _waiting.Clear();
            while (_helpers > 0)
            {
                Monitor.Wait(_gate);
            }
        }

        while (_untold.TryDequeue(out var doomed))
        {
            Close(doomed);
        }
    }
}
