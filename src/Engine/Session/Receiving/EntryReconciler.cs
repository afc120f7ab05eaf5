using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session.Receiving.Places;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving;

/// <summary>
/// Compares the entries of one directory with what is here, entry by entry in byte order, brings about what needs no content
/// (directories, links, special files, attributes, deletions) and asks for the contents that are needed.
/// </summary>
/// <remarks>Used by the dispatcher alone.</remarks>
internal sealed class EntryReconciler(SyncContext context, ReceiverTree tree)
{
    private readonly ContentRequests _requests = new(context, tree);
    private readonly AlternateReconciler _alternates = new(context, tree);
    private Func<EntryMetadata, EntryMetadata, bool>? _sameContent;
    private readonly bool _isRoot = context.Io.EffectiveUserId() == 0;

    private bool IsDry => context.Has(JobFlags.DryRun);

    /// <returns>How many contents are pending now.</returns>
    public int Reconcile(ReceiverDirectory directory)
    {
        var remote = directory.Remote!;
        var local = directory.Local;
        var handle = directory.Void && IsDry ? null : tree.Handles.Take(directory);
        try
        {
            if (handle is { Fd: < 0 } && !IsDry)
            {
                // What still comes for it is dropped, so that the stream stays in step. What lies below it shares its trouble.
                if (directory.Parent is not { Skipped: true })
                {
                    tree.Report(Operation.Open, -handle.Fd, directory.Path);
                }

                directory.Skipped = true;
                return 0;
            }

            var dirfd = handle?.Fd ?? -1;
            MakeWritable(directory, dirfd);
            directory.Umask = tree.Attributes.UmaskIn(dirfd);
            if (local is not null && context.Options.DeleteTiming != DeleteTiming.Before)
            {
                tree.Deleter.DeleteExtraneous(directory, dirfd, local, remote.Entries);
            }

            var pending = 0;
            for (var i = 0; i < remote.Count; i++)
            {
                var here = local?.Find(tree.LocalName(directory, i)) ?? -1;
                if (Reconcile(directory, dirfd, i, here))
                {
                    pending++;
                }
            }

            if (context.Observer is not null)
            {
                CountFound(remote);
            }

            return pending;
        }
        finally
        {
            if (handle is not null)
            {
                tree.Handles.Return(handle);
            }
        }
    }

    /// <summary>The content here is already that of the source.</summary>
    /// <returns>False when something is still pending.</returns>
    public bool ContentIsSame(ReceiverDirectory directory, int index)
    {
        var handle = tree.Handles.Take(directory);
        try
        {
            var remote = directory.Remote!;
            var name = tree.LocalName(directory, index);
            if (tree.Bases.TryGet(directory, index, out var choice) && choice.Place >= 0)
            {
                return SameElsewhere(directory, handle.Fd, index, choice.Place);
            }

            if (context.Io.StatAt(handle.Fd, name, out var status) >= 0)
            {
                var xattrs = tree.Attributes.ReadXattrs(handle.Fd, name);
                UpdateAttributes(directory, handle.Fd, index, name, status.ToMetadata(), xattrs, extra: 0);
            }

            tree.Links.LeaderIsHere(directory, index);
            return true;
        }
        finally
        {
            tree.Handles.Return(handle);
        }
    }

    /// <summary>-c: what an alternate directory has is the content of the source.</summary>
    private bool SameElsewhere(ReceiverDirectory directory, int dirfd, int index, int place)
    {
        var match = tree.Alternates.Look(directory, index, place);
        var here = context.Io.StatAt(dirfd, tree.LocalName(directory, index), out _) >= 0 ? 0 : -1;
        if (match.Level >= AlternateLevel.Content && _alternates.TryUse(directory, dirfd, index, here, match, out var pending))
        {
            return !pending;
        }

        _requests.AskLater(directory, index);
        return false;
    }

    /// <summary>Asks for an entry's content: as a delta when there is something to compare with.</summary>
    public void AskForContent(ReceiverDirectory directory, int index) => _requests.AskLater(directory, index);

    /// <summary>-c: the content here, or in the place that was compared, is not that of the source.</summary>
    public void ContentDiffers(ReceiverDirectory directory, int index)
    {
        if ((context.Flags & (JobFlags.Append | JobFlags.AppendVerify)) != 0)
        {
            tree.ContentSkipped(directory, index);
        }
        else if (!tree.Bases.TryGet(directory, index, out var choice) || choice.Place < 0)
        {
            AskForContent(directory, index);
        }
        else if (choice.Next.Count > 0)
        {
            CompareElsewhere(directory, index, choice.Next);
        }
        else
        {
            tree.Bases.Forget(directory, index);
            _requests.CompareOrAsk(directory, index, choice.Place);
        }
    }

    /// <summary>A member of a set of hard links leads, and its content is needed.</summary>
    public void Appointed(ReceiverDirectory directory, int index)
    {
        if (!TryCompareElsewhere(directory, index, isHere: false))
        {
            AskForContent(directory, index);
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

        var handle = tree.Handles.Take(directory);
        if (handle.Fd >= 0)
        {
            MakeWritable(directory, handle.Fd);
            tree.Deleter.DeleteExtraneous(directory, handle.Fd, local, directory.Remote!.Entries);
        }

        tree.Handles.Return(handle);
    }

    /// <summary>
    /// A directory of ours that we may not write to is opened up until it gets its own mode at the end; root needs none of it.
    /// </summary>
    private void MakeWritable(ReceiverDirectory directory, int dirfd)
    {
        const uint access = 0x1C0;
        if (IsDry || directory.Void || _isRoot || !context.Has(JobFlags.Permissions))
        {
            return;
        }

        if (context.Io.Stat(dirfd, out var status) >= 0 && (status.Mode & access) != access
            && context.Io.ChangeMode(dirfd, (status.Mode & ModeBits.PermissionMask) | access) >= 0)
        {
            tree.Touch(directory);
        }
    }

    /// <returns>True when content is pending.</returns>
    private bool Reconcile(ReceiverDirectory directory, int dirfd, int index, int here)
    {
        ref var metadata = ref directory.Remote!.Entries.Metadata(index);
        if (directory.Remote.Mark(index) == EntryMark.Missing)
        {
            if (here >= 0)
            {
                tree.Deleter.RemoveMissing(directory, dirfd, tree.LocalName(directory, index), directory.Local!.Metadata(here).Type);
            }

            return false;
        }

        if (!EntrySelection.IsTypeWanted(context, metadata))
        {
            if (context.Has(here < 0 ? JobFlags.Existing : JobFlags.IgnoreExisting))
            {
                tree.Outcomes.Skipped(directory, index, isNew: here < 0);
                return false;
            }

            if (metadata.IsDevice)
            {
                tree.Attributes.Unkept.Device();
            }

            tree.Outcomes.NotTransferred(directory, index, isNew: here < 0);
            return false;
        }

        if (metadata.IsSymbolicLink && context.Has(JobFlags.SafeLinks)
            && LinkSafety.IsUnsafe(directory.Remote.Entries.LinkTarget(index), LinkSafety.Depth(directory.Path)))
        {
            tree.Outcomes.UnsafeLink(directory, index);
            return false;
        }

        if (metadata.IsDirectory)
        {
            ReconcileDirectory(directory, dirfd, index, here);
            return false;
        }

        if (!EntrySelection.IsSizeWanted(context, metadata) || (here < 0 ? context.Has(JobFlags.Existing) : IsLeftAlone(directory, index, here)))
        {
            tree.Outcomes.Skipped(directory, index, isNew: here < 0);
            return false;
        }

        var group = context.Has(JobFlags.HardLinks) ? directory.Remote.Group(index) : 0;
        var replaces = tree.Alternates.IsOn && here >= 0 && directory.Local!.Metadata(here).Type != metadata.Type;
        if (replaces)
        {
            // What is elsewhere counts for what is missing here.
            if (!IsDry && !tree.Deleter.MakeWay(directory, dirfd, tree.LocalName(directory, index), directory.Local!.Metadata(here)))
            {
                tree.Links.LeaderDone(group, succeeded: false, aside: false);
                return false;
            }

            here = -1;
        }

        var isHere = here >= 0 && directory.Local!.Metadata(here).IsRegular;
        // As in rsync, a link or device in the place of something else is made, whatever is elsewhere.
        var alternate = replaces && !metadata.IsRegular ? default : FindAlternate(directory, index, here, isHere);
        if (alternate.Level == AlternateLevel.Exact && tree.Alternates.Use == AlternateUse.Compare
            && _alternates.TryUse(directory, dirfd, index, here, alternate, out _))
        {
            return false;
        }

        if (group != 0 && tree.Links.Enter(group, directory, dirfd, index, isHere || alternate.Level >= (metadata.IsRegular ? AlternateLevel.Basis : AlternateLevel.Content), out var pending))
        {
            return pending;
        }

        if (alternate.Level != AlternateLevel.None && _alternates.TryUse(directory, dirfd, index, here, alternate, out pending))
        {
            return pending;
        }

        if (metadata.IsRegular)
        {
            return ReconcileFile(directory, dirfd, index, here, group, alternate);
        }

        ReconcileSpecial(directory, dirfd, index, here, alternate);
        tree.Links.LeaderIsHere(directory, index);
        return false;
    }

    /// <summary>
    /// What the alternate directories have for an entry that is not here, or, with --compare-dest and --link-dest, instead of a file
    /// that is. What stands here and is of another type makes way first.
    /// </summary>
    private AlternateMatch FindAlternate(ReceiverDirectory directory, int index, int here, bool isHere)
    {
        if (!tree.Alternates.IsOn || (here >= 0 && (!isHere || tree.Alternates.Use == AlternateUse.Copy)))
        {
            return default;
        }

        var match = tree.Alternates.Find(directory, index, _sameContent ??= SameContent);
        return here >= 0 && match.Level != AlternateLevel.Exact ? default : match;
    }

    /// <summary>-c: begins to compare with the alternate directories.</summary>
    private bool TryCompareElsewhere(ReceiverDirectory directory, int index, bool isHere)
    {
        if (!tree.Alternates.IsOn || !context.Has(JobFlags.Checksum) || (isHere && tree.Alternates.Use == AlternateUse.Copy))
        {
            return false;
        }

        var candidates = tree.Alternates.Candidates(directory, index, exactOnly: isHere);
        if (candidates.Count > 0)
        {
            directory.Remote!.State(index) = ContentState.Awaited;
            CompareElsewhere(directory, index, candidates);
        }

        return candidates.Count > 0;
    }

    private void CompareElsewhere(ReceiverDirectory directory, int index, ArraySegment<int> places)
    {
        tree.Bases.Choose(directory, index, new BasisChoice(places[0], Next: places[1..]));
        tree.Basis.RequestCompare(directory, index);
    }

    private bool SameContent(EntryMetadata here, EntryMetadata wanted) => !context.Has(JobFlags.Checksum) && QuickCheck(here, wanted);

    private bool IsLeftAlone(ReceiverDirectory directory, int index, int here)
    {
        ref var local = ref directory.Local!.Metadata(here);
        return context.Has(JobFlags.IgnoreExisting)
            || (context.Has(JobFlags.Update) && local.IsRegular && directory.Remote!.Entries.Metadata(index).IsRegular
                && local.Modified.CompareTo(directory.Remote.Entries.Metadata(index).Modified) > 0);
    }

    private void ReconcileDirectory(ReceiverDirectory directory, int dirfd, int index, int here)
    {
        var remote = directory.Remote!.Entries;
        var name = tree.LocalName(directory, index);
        var isPassage = directory.Remote.Mark(index) == EntryMark.Passage;
        var goal = new DirectoryGoal(name.ToArray(), remote.Metadata(index), remote.Xattrs(index).ToArray()) { Umask = directory.Umask, IsPassage = isPassage };
        directory.Goals.Add(goal);
        if (here >= 0 && LooksLikeDirectory(directory, dirfd, name, here, isPassage, out var link))
        {
            if (isPassage)
            {
                return;
            }

            var changes = link is { } there
                ? tree.Attributes.Compare(goal.Metadata, default, there, default)
                : tree.Attributes.Compare(goal.Metadata, goal.Xattrs, directory.Local!.Metadata(here), directory.Local.Xattrs(here));
            goal.Differs = changes != 0;
            if (goal.Differs)
            {
                tree.Outcomes.Done(OutcomeKind.MetadataOnly, directory, index, changes);
            }
            else
            {
                tree.Outcomes.Unchanged(directory, index);
            }

            return;
        }

        if (here < 0 ? context.Has(JobFlags.Existing) : context.Has(JobFlags.IgnoreExisting))
        {
            tree.Outcomes.Skipped(directory, index, isNew: here < 0);
            return;
        }

        if (!IsDry)
        {
            if (here >= 0 && !tree.Deleter.MakeWay(directory, dirfd, name, directory.Local!.Metadata(here)))
            {
                return;
            }

            var mode = isPassage ? tree.Attributes.DefaultDirectoryMode : AttributeWriter.InitialDirectoryMode;
            var error = context.Io.MakeDirectoryAt(dirfd, name, mode);
            if (error == -Errno.EEXIST && context.Io.StatAt(dirfd, name, out var hidden) >= 0)
            {
                // A rule hid it from the comparison. Rules protect from deletion, not from what the source has in its place.
                error = hidden.IsDirectory ? 0
                    : tree.Deleter.MakeWay(directory, dirfd, name, hidden.ToMetadata())
                        ? context.Io.MakeDirectoryAt(dirfd, name, mode)
                        : error;
            }

            if (error < 0)
            {
                tree.Outcomes.Failed(directory, index, Operation.MakeDirectory, -error);
                return;
            }

            tree.Touch(directory);
        }

        goal.Differs = true;
        goal.IsNew = true;
        if (!isPassage)
        {
            tree.Outcomes.Done(OutcomeKind.Created, directory, index, Changes.New);
        }
    }

    /// <summary>A directory, or with --keep-dirlinks, or for what is only passed, a link to one.</summary>
    private bool LooksLikeDirectory(ReceiverDirectory directory, int dirfd, ReadOnlySpan<byte> name, int here, bool isPassage, out EntryMetadata? link)
    {
        link = null;
        ref var local = ref directory.Local!.Metadata(here);
        if (!local.IsSymbolicLink || !(isPassage || context.Has(JobFlags.KeepDirLinks)))
        {
            return local.IsDirectory;
        }

        if (context.Io.StatFollowing(dirfd, name, out var status) < 0 || !status.IsDirectory)
        {
            return false;
        }

        link = status.ToMetadata();
        return true;
    }

    private bool ReconcileFile(ReceiverDirectory directory, int dirfd, int index, int here, ulong group, in AlternateMatch alternate)
    {
        var remote = directory.Remote!;
        if (here >= 0 && directory.Local!.Metadata(here).IsRegular)
        {
            ref var local = ref directory.Local.Metadata(here);
            ref var wanted = ref remote.Entries.Metadata(index);
            remote.Differences(index) = Differences(directory, index, here);
            if (TryCompareElsewhere(directory, index, isHere: true))
            {
                return true;
            }

            if (context.Has(JobFlags.Checksum) && local.Size == wanted.Size)
            {
                remote.State(index) = ContentState.Awaited;
                tree.Basis.RequestCompare(directory, index);
                return true;
            }

            if (!context.Has(JobFlags.Checksum) && QuickCheck(local, wanted))
            {
                UpdateAttributes(directory, dirfd, index, tree.LocalName(directory, index), local, directory.Local.Xattrs(here), 0);
                tree.Links.LeaderIsHere(directory, index);
                return false;
            }

            if ((context.Flags & (JobFlags.Append | JobFlags.AppendVerify)) != 0 && local.Size >= wanted.Size)
            {
                // --append is for files that grow: another one is left alone in everything.
                tree.Outcomes.Skipped(directory, index, isNew: false);
                tree.Links.LeaderIsHere(directory, index);
                return false;
            }

            if (IsDry)
            {
                tree.Outcomes.Done(OutcomeKind.Updated, directory, index, remote.Differences(index) | Changes.Content);
                tree.Links.LeaderIsHere(directory, index);
                return false;
            }

            _requests.Ask(directory, dirfd, index, local.Size, default);
            return true;
        }

        if (IsDry)
        {
            var isOther = alternate.Level != AlternateLevel.None;
            tree.Outcomes.Done(
                isOther ? OutcomeKind.Updated : OutcomeKind.Created, directory, index, (isOther ? alternate.Differences : Changes.New) | Changes.Content);
            tree.Links.LeaderIsHere(directory, index);
            return false;
        }

        if (here >= 0 && directory.Local!.Metadata(here).IsDirectory
            && !tree.Deleter.MakeWay(directory, dirfd, tree.LocalName(directory, index), directory.Local.Metadata(here)))
        {
            tree.Links.LeaderDone(group, succeeded: false, aside: false);
            return false;
        }

        if (directory.Void && group == 0)
        {
            // It comes unasked.
            remote.State(index) = ContentState.Awaited;
            remote.Differences(index) = Changes.New;
            return true;
        }

        remote.Differences(index) = alternate.Level == AlternateLevel.None ? Changes.New : alternate.Differences;
        if (TryCompareElsewhere(directory, index, isHere: false))
        {
            return true;
        }

        _requests.Ask(directory, dirfd, index, -1, alternate);
        return true;
    }

    private Changes Differences(ReceiverDirectory directory, int index, int here)
    {
        ref var wanted = ref directory.Remote!.Entries.Metadata(index);
        ref var local = ref directory.Local!.Metadata(here);
        return tree.Attributes.Compare(wanted, directory.Remote.Entries.Xattrs(index), local, directory.Local.Xattrs(here))
            | (wanted.Size != local.Size ? Changes.Size : 0)
            | (MetadataWriter.SameTime(wanted.Modified, local.Modified, context.TimeWindow) ? 0 : Changes.Time);
    }

    private void ReconcileSpecial(ReceiverDirectory directory, int dirfd, int index, int here, in AlternateMatch alternate)
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
                UpdateAttributes(directory, dirfd, index, name, local, directory.Local.Xattrs(here), 0);
                return;
            }

            if (why != Changes.New)
            {
                why |= tree.Attributes.Compare(metadata, remote.Xattrs(index), local, directory.Local.Xattrs(here));
            }
        }

        var kind = (why & Changes.New) != 0 ? OutcomeKind.Created : OutcomeKind.Updated;
        if (!IsDry && !MakeSpecial(directory, dirfd, index, name, here))
        {
            return;
        }

        if (alternate.Level == AlternateLevel.Exact)
        {
            tree.Outcomes.Unchanged(directory, index);
        }
        else
        {
            // As in rsync, one that is made is compared with what is elsewhere; its target counts as another in any case.
            var isOther = alternate.Level != AlternateLevel.None;
            tree.Outcomes.Done(isOther ? OutcomeKind.Updated : kind, directory, index, isOther ? alternate.Differences | Changes.LinkTarget : why);
        }
    }

    /// <summary>Makes a link, device, FIFO or socket; over something else by a temporary name, so that the old one stays until the new one is there.</summary>
    private bool MakeSpecial(ReceiverDirectory directory, int dirfd, int index, ReadOnlySpan<byte> name, int here)
    {
        var remote = directory.Remote!.Entries;
        if (here >= 0 && directory.Local!.Metadata(here).IsDirectory
            && !tree.Deleter.MakeWay(directory, dirfd, name, directory.Local.Metadata(here)))
        {
            return false;
        }

        var replaces = context.Io.StatAt(dirfd, name, out _) >= 0;
        var temporary = replaces ? TemporaryName.For(name) : default;
        var target = replaces ? temporary : name;
        ref var metadata = ref remote.Metadata(index);
        var operation = metadata.IsSymbolicLink ? Operation.SymbolicLink : Operation.MakeNode;
        var error = metadata.IsSymbolicLink
            ? context.Io.SymbolicLinkAt(remote.LinkTarget(index), dirfd, target)
            : context.Io.MakeNodeAt(dirfd, target, (metadata.Mode & ModeBits.TypeMask) | 0x180, metadata.Rdev);
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

        tree.Touch(directory);
        return true;
    }

    private void UpdateAttributes(
        ReceiverDirectory directory, int dirfd, int index, ReadOnlySpan<byte> name, in EntryMetadata local, ReadOnlySpan<byte> localXattrs, Changes extra)
    {
        var remote = directory.Remote!.Entries;
        var changes = tree.Attributes.Compare(remote.Metadata(index), remote.Xattrs(index), local, localXattrs) | extra;
        // As in rsync, the access time of a link is kept in step and not spoken of.
        if (changes == 0 || (changes == Changes.AccessTime && local.IsSymbolicLink))
        {
            tree.Outcomes.Unchanged(directory, index);
        }

        if (changes == 0)
        {
            return;
        }

        if (!IsDry)
        {
            tree.Attributes.ApplyAt(dirfd, name, tree.PathOf(directory, index), remote.Metadata(index), remote.Xattrs(index), isNew: false);
        }

        if (changes != Changes.AccessTime || !local.IsSymbolicLink)
        {
            tree.Outcomes.Done(OutcomeKind.MetadataOnly, directory, index, changes);
        }
    }

    /// <summary>rsync's quick check, in nanoseconds: same size and modification time means same content.</summary>
    private bool QuickCheck(in EntryMetadata local, in EntryMetadata wanted)
    {
        if (local.Size != wanted.Size || context.Has(JobFlags.IgnoreTimes))
        {
            return false;
        }

        if (context.Has(JobFlags.SizeOnly))
        {
            return true;
        }

        return MetadataWriter.SameTime(local.Modified, wanted.Modified, context.TimeWindow);
    }

    private void CountFound(RemoteListing remote)
    {
        long bytes = 0;
        long pendingBytes = 0;
        for (var i = 0; i < remote.Count; i++)
        {
            ref var metadata = ref remote.Entries.Metadata(i);
            if (metadata.IsRegular)
            {
                bytes += metadata.Size;
                pendingBytes += remote.State(i) == ContentState.None ? 0 : metadata.Size;
            }
        }

        context.Progress.Found(remote.Count, bytes);
        context.Progress.Settled(remote.Count, bytes - pendingBytes);
    }
}
