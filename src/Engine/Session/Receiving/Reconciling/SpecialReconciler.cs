using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session.Receiving.Directories;
using NativeSync.Engine.Session.Receiving.Places;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving.Reconciling;

/// <summary>Makes links, devices, FIFOs and sockets, or compares those that are here.</summary>
/// <remarks>Used by the dispatcher alone.</remarks>
internal sealed class SpecialReconciler(SyncContext context, ReceiverTree tree, AttributeUpdates updates)
{
    private bool IsDry => context.Has(JobFlags.DryRun);

    /// <summary>Compares, and makes what differs.</summary>
    public void Reconcile(ReceiverDirectory directory, int dirfd, int index, int here, in AlternateMatch alternate)
    {
        var remote = directory.Remote!.Entries;
        var name = tree.LocalName(directory, index);
        ref var metadata = ref remote.Metadata(index);
        Changes why = Changes.New;
        if (here >= 0)
        {
            ref var local = ref directory.Local!.Metadata(here);
            why = local.Type != metadata.Type ? Changes.New
                : metadata.IsSymbolicLink && !directory.Local.LinkTarget(here).SequenceEqual(remote.LinkTarget(index)) ? Changes.LinkTarget
                : metadata.IsDevice && local.Rdev != metadata.Rdev ? Changes.Device
                : 0;
            if (why == 0)
            {
                updates.Update(directory, dirfd, index, name, local, directory.Local.Xattrs(here));
                return;
            }

            if (why != Changes.New)
            {
                why |= tree.Attributes.Compare(metadata, remote.Xattrs(index), local, directory.Local.Xattrs(here));
            }
        }

        var kind = (why & Changes.New) != 0 ? OutcomeKind.Created : OutcomeKind.Updated;
        if (here >= 0 && directory.Local!.Metadata(here).IsDirectory
            && !tree.Deleter.MakeWay(directory, dirfd, name, directory.Local.Metadata(here)))
        {
            return;
        }

        if (!IsDry && !MakeSpecial(directory, dirfd, index, name))
        {
            return;
        }

        if (alternate.Level == AlternateLevel.Exact)
        {
            tree.Outcomes.Unchanged(directory, index, Changes.Content);
        }
        else
        {
            // As in rsync, one that is made is compared with what is elsewhere; its target counts as another in any case.
            var isOther = alternate.Level != AlternateLevel.None;
            tree.Outcomes.Done(isOther ? OutcomeKind.Updated : kind, directory, index, isOther ? alternate.Differences | Changes.LinkTarget : why);
        }
    }

    /// <summary>Makes a link, device, FIFO or socket; over something else by a temporary name, so that the old one stays until the new one is there.</summary>
    private bool MakeSpecial(ReceiverDirectory directory, int dirfd, int index, ReadOnlySpan<byte> name)
    {
        var remote = directory.Remote!.Entries;
        var replaces = context.Io.StatAt(dirfd, name, out _) >= 0;
        var temporary = replaces ? TemporaryName.For(name) : default;
        var target = replaces ? temporary : name;
        ref var metadata = ref remote.Metadata(index);
        var operation = metadata.IsSymbolicLink ? Operation.SymbolicLink : Operation.MakeNode;
        var error = metadata.IsSymbolicLink
            ? context.Io.SymbolicLinkAt(remote.LinkTarget(index), dirfd, target)
            : context.Io.MakeNodeAt(dirfd, target, (metadata.Mode & ModeBits.TypeMask) | ModeBits.PrivateFile, metadata.Rdev);
        if (error < 0)
        {
            tree.Outcomes.Failed(directory, index, operation, -error);
            return false;
        }

        tree.Attributes.ApplyAt(dirfd, target, tree.PathOf(directory, index), metadata, remote.Xattrs(index), isNew: true, directory.Umask);
        if (replaces)
        {
            error = tree.Placement.Replace(tree.PathOf(directory, index), new Staged(dirfd, temporary!), dirfd, name);
            if (error < 0)
            {
                context.Io.UnlinkAt(dirfd, temporary, directory: false);
                tree.Outcomes.Failed(directory, index, Operation.Rename, -error);
                return false;
            }
        }

        tree.Directories.Touch(directory);
        return true;
    }
}
