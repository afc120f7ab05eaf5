using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session.Receiving.Directories;
using NativeSync.Engine.Session.Receiving.Places;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving.Reconciling;

/// <summary>Decides about one entry: by its type and by what is here, at its place or in other directories.</summary>
/// <remarks>Used by the dispatcher alone.</remarks>
internal sealed class EntryReconciler
{
    private readonly SyncContext _context;
    private readonly ReceiverTree _tree;
    private readonly AlternateReconciler _alternates;
    private readonly DirectoryReconciler _directories;
    private readonly FileReconciler _files;
    private readonly SpecialReconciler _specials;
    private readonly Func<EntryMetadata, EntryMetadata, bool> _sameContent;

    public EntryReconciler(
        SyncContext context, ReceiverTree tree, AttributeUpdates updates, AlternateReconciler alternates, ContentComparison comparison, ContentRequests requests)
    {
        var quick = new QuickCheck(context);
        _context = context;
        _tree = tree;
        _alternates = alternates;
        _directories = new DirectoryReconciler(context, tree);
        _files = new FileReconciler(context, tree, updates, comparison, requests, quick);
        _specials = new SpecialReconciler(context, tree, updates);
        _sameContent = (here, wanted) => !context.Has(JobFlags.Checksum) && quick.Agree(here, wanted);
    }

    /// <param name="directory">Where the entry is.</param>
    /// <param name="dirfd">That directory; -1 in a dry run that would make it.</param>
    /// <param name="index">The entry.</param>
    /// <param name="here">Its index in what is here; -1 when it is not.</param>
    /// <returns>True when content is pending.</returns>
    public bool Reconcile(ReceiverDirectory directory, int dirfd, int index, int here)
    {
        ref var metadata = ref directory.Remote!.Entries.Metadata(index);
        if (directory.Remote.Mark(index) == EntryMark.Missing)
        {
            if ((_context.Options.SourceOptions & SourceOptions.DeleteMissing) == 0)
            {
                throw new ProtocolException(ProtocolError.UnexpectedRecord, "an entry is to be deleted, which nobody asked for");
            }

            if (here >= 0)
            {
                _tree.Deleter.RemoveMissing(directory, dirfd, _tree.LocalName(directory, index), directory.Local!.Metadata(here).Type);
            }

            return false;
        }

        if (!EntrySelection.IsTypeWanted(_context, metadata))
        {
            if (_context.Has(here < 0 ? JobFlags.Existing : JobFlags.IgnoreExisting))
            {
                _tree.Outcomes.Skipped(directory, index, isNew: here < 0);
                return false;
            }

            if (metadata.IsDevice)
            {
                _tree.Attributes.Unkept.Device();
            }

            _tree.Outcomes.NotTransferred(directory, index, isNew: here < 0);
            return false;
        }

        if (metadata.IsSymbolicLink && _context.Has(JobFlags.SafeLinks)
            && LinkSafety.IsUnsafe(directory.Remote.Entries.LinkTarget(index), LinkSafety.Depth(directory.Path)))
        {
            _tree.Outcomes.UnsafeLink(directory, index);
            return false;
        }

        if (metadata.IsDirectory)
        {
            _directories.Reconcile(directory, dirfd, index, here);
            return false;
        }

        if (!EntrySelection.IsSizeWanted(_context, metadata) || (here < 0 ? _context.Has(JobFlags.Existing) : IsLeftAlone(directory, index, here)))
        {
            _tree.Outcomes.Skipped(directory, index, isNew: here < 0);
            return false;
        }

        var group = _context.Has(JobFlags.HardLinks) ? directory.Remote.Group(index) : 0;
        var replaces = _tree.Alternates.IsOn && here >= 0 && directory.Local!.Metadata(here).Type != metadata.Type;
        if (replaces)
        {
            // What is elsewhere counts for what is missing here.
            if (!_tree.Deleter.MakeWay(directory, dirfd, _tree.LocalName(directory, index), directory.Local!.Metadata(here)))
            {
                _tree.Links.LeaderDone(group, succeeded: false, aside: false);
                return false;
            }

            here = -1;
        }

        var isHere = here >= 0 && directory.Local!.Metadata(here).IsRegular;
        // As in rsync, a link or device in the place of something else is made, whatever is elsewhere.
        var alternate = replaces && !metadata.IsRegular ? default : FindAlternate(directory, index, here, isHere);
        if (alternate.Level == AlternateLevel.Exact && _tree.Alternates.Use == AlternateUse.Compare
            && _alternates.TryUse(directory, dirfd, index, here, alternate, out _))
        {
            return false;
        }

        if (group != 0 && _tree.Links.Enter(group, directory, dirfd, index, isHere || alternate.Level >= (metadata.IsRegular ? AlternateLevel.Basis : AlternateLevel.Content), out var pending))
        {
            return pending;
        }

        if (alternate.Level != AlternateLevel.None && _alternates.TryUse(directory, dirfd, index, here, alternate, out pending))
        {
            return pending;
        }

        if (metadata.IsRegular)
        {
            return _files.Reconcile(directory, dirfd, index, here, group, alternate);
        }

        _specials.Reconcile(directory, dirfd, index, here, alternate);
        _tree.Links.LeaderIsHere(directory, index);
        return false;
    }

    /// <summary>
    /// What the alternate directories have for an entry that is not here, or, with --compare-dest and --link-dest, instead of a file
    /// that is. What stands here and is of another type makes way first.
    /// </summary>
    private AlternateMatch FindAlternate(ReceiverDirectory directory, int index, int here, bool isHere)
    {
        if (!_tree.Alternates.IsOn || (here >= 0 && (!isHere || _tree.Alternates.Use == AlternateUse.Copy)))
        {
            return default;
        }

        var match = _tree.Alternates.Find(directory, index, _sameContent);
        return here >= 0 && match.Level != AlternateLevel.Exact ? default : match;
    }

    private bool IsLeftAlone(ReceiverDirectory directory, int index, int here)
    {
        ref var local = ref directory.Local!.Metadata(here);
        return _context.Has(JobFlags.IgnoreExisting)
            || (_context.Has(JobFlags.Update) && local.IsRegular && directory.Remote!.Entries.Metadata(index).IsRegular
                && local.Modified.CompareTo(directory.Remote.Entries.Metadata(index).Modified) > 0 && !PartialFiles.IsPart(local));
    }
}
