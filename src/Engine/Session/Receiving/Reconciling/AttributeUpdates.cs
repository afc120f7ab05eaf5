using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session.Receiving.Directories;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving.Reconciling;

/// <summary>Gives an entry whose content is right the attributes of the source, and reports what changed.</summary>
/// <remarks>Used by the dispatcher alone.</remarks>
internal sealed class AttributeUpdates(SyncContext context, ReceiverTree tree)
{
    /// <param name="directory">Where the entry is.</param>
    /// <param name="dirfd">That directory.</param>
    /// <param name="index">The entry.</param>
    /// <param name="name">Its name here.</param>
    /// <param name="local">What it looks like now.</param>
    /// <param name="localXattrs">Its attributes now, encoded.</param>
    public void Update(ReceiverDirectory directory, int dirfd, int index, ReadOnlySpan<byte> name, in EntryMetadata local, ReadOnlySpan<byte> localXattrs)
    {
        var remote = directory.Remote!.Entries;
        var changes = tree.Attributes.Compare(remote.Metadata(index), remote.Xattrs(index), local, localXattrs);
        if (changes != 0 && !context.Has(JobFlags.DryRun))
        {
            tree.Attributes.ApplyAt(dirfd, name, tree.PathOf(directory, index), remote.Metadata(index), remote.Xattrs(index), isNew: false);
        }

        // As in rsync, the access time of a link is kept in step and not spoken of.
        if (changes == 0 || (changes == Changes.AccessTime && local.IsSymbolicLink))
        {
            tree.Outcomes.Unchanged(directory, index);
        }
        else
        {
            tree.Outcomes.Done(OutcomeKind.MetadataOnly, directory, index, changes);
        }
    }
}
