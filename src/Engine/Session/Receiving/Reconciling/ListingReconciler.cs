using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session.Receiving.Directories;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving.Reconciling;

/// <summary>
/// Compares the entries of one directory with what is here, entry by entry in byte order, brings about what needs no content
/// (directories, links, special files, attributes, deletions) and asks for the contents that are needed.
/// </summary>
/// <remarks>Used by the dispatcher, but for <see cref="CopyHere"/>.</remarks>
internal sealed class ListingReconciler
{
    private readonly SyncContext _context;
    private readonly ReceiverTree _tree;
    private readonly AlternateReconciler _alternates;
    private readonly EntryReconciler _entries;
    private readonly bool _isRoot;

    public ListingReconciler(SyncContext context, ReceiverTree tree)
    {
        var updates = new AttributeUpdates(context, tree);
        Requests = new ContentRequests(context, tree);
        _context = context;
        _tree = tree;
        _isRoot = context.Io.EffectiveUserId() == 0;
        _alternates = new AlternateReconciler(context, tree);
        Comparison = new ContentComparison(context, tree, updates, _alternates, Requests);
        _entries = new EntryReconciler(context, tree, updates, _alternates, Comparison, Requests);
    }

    /// <summary>Asks for contents.</summary>
    public ContentRequests Requests { get; }

    /// <summary>Comparisons by digest, which the sender answers.</summary>
    public ContentComparison Comparison { get; }

    private bool IsDry => _context.Has(JobFlags.DryRun);

    /// <returns>How many contents are pending now.</returns>
    public int Reconcile(ReceiverDirectory directory)
    {
        var remote = directory.Remote!;
        var local = directory.Local;
        var handle = directory.Void && IsDry ? null : _tree.Handles.Take(directory);
        try
        {
            if (handle is { Fd: < 0 } && !IsDry)
            {
                // What still comes for it is dropped, so that the stream stays in step. What lies below it shares its trouble.
                if (directory.Parent is not { Skipped: true })
                {
                    _tree.Report(Operation.Open, -handle.Fd, directory.Path);
                }

                directory.Skipped = true;
                return 0;
            }

            var dirfd = handle?.Fd ?? -1;
            MakeWritable(directory, dirfd);
            directory.Umask = _tree.Attributes.UmaskIn(dirfd);
            if (local is not null && _context.Options.DeleteTiming != DeleteTiming.Before)
            {
                _tree.Deleter.DeleteExtraneous(directory, dirfd, local, remote.Entries);
            }

            var pending = 0;
            for (var i = 0; i < remote.Count; i++)
            {
                var here = local?.Find(_tree.LocalName(directory, i)) ?? -1;
                if (_entries.Reconcile(directory, dirfd, i, here))
                {
                    pending++;
                }
            }

            CountFound(remote);
            return pending;
        }
        finally
        {
            if (handle is not null)
            {
                _tree.Handles.Return(handle);
            }
        }
    }

    /// <summary>A writer's part of --copy-dest.</summary>
    public void CopyHere(ReceiverDirectory directory, int index) => _alternates.CopyHere(directory, index);

    /// <summary>Deletes what a directory has and the source has not, before anything else is done to it.</summary>
    public void DeleteExtraneous(ReceiverDirectory directory)
    {
        if (directory.Local is not { } local)
        {
            return;
        }

        var handle = _tree.Handles.Take(directory);
        if (handle.Fd >= 0)
        {
            MakeWritable(directory, handle.Fd);
            _tree.Deleter.DeleteExtraneous(directory, handle.Fd, local, directory.Remote!.Entries);
        }
        else
        {
            // It may open later, when nothing is deleted any more.
            _tree.Report(Operation.Open, -handle.Fd, directory.Path);
        }

        _tree.Handles.Return(handle);
    }

    /// <summary>
    /// A directory of ours that we may not write to is opened up until it gets its own mode at the end; root needs none of it.
    /// </summary>
    private void MakeWritable(ReceiverDirectory directory, int dirfd)
    {
        if (IsDry || directory.Void || _isRoot || !_context.Has(JobFlags.Permissions))
        {
            return;
        }

        if (_context.Io.Stat(dirfd, out var status) >= 0 && (status.Mode & ModeBits.PrivateDirectory) != ModeBits.PrivateDirectory
            && _context.Io.ChangeMode(dirfd, (status.Mode & ModeBits.PermissionMask) | ModeBits.PrivateDirectory) >= 0)
        {
            _tree.Directories.Touch(directory);
        }
    }

    private void CountFound(RemoteListing remote)
    {
        long bytes = 0;
        long pendingBytes = 0;
        var pending = 0;
        for (var i = 0; i < remote.Count; i++)
        {
            ref var metadata = ref remote.Entries.Metadata(i);
            var size = metadata.IsRegular ? metadata.Size : 0;
            bytes += size;
            if (remote.State(i) != ContentState.None)
            {
                pending++;
                pendingBytes += size;
            }
        }

        _context.Progress.Found(remote.Count, bytes);
        _context.Progress.Settled(remote.Count - pending, bytes - pendingBytes);
        _context.Group.Expect(pendingBytes);
    }
}
