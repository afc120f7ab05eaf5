using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Filters;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving.Directories;

/// <summary>Looks at what is here of a directory that the sender announces, and says what is wanted of it.</summary>
/// <remarks>Of the dispatcher alone.</remarks>
internal sealed class DirectoryProber(SyncContext context, ReceiverTree tree, IdentityMapper? identities)
{
    private readonly DirectoryScanner _scanner = new(context.Io, context.XattrFilter(FilterSide.Receiver));
    private DirectoryListing? _spare;

    /// <summary>A directory is announced.</summary>
    public void Probe(in ProbeRecord probe)
    {
        ReceiverDirectory? parent = null;
        if (probe.Directory != 0)
        {
            parent = tree.Directories.Get(probe.Parent);
            if (parent.Closed)
            {
                throw new ProtocolException(ProtocolError.BadOrder, $"directory {probe.Parent} gets a child after it was closed");
            }
        }

        var directory = new ReceiverDirectory(probe.Directory, parent, probe.Name.ToArray())
        {
            Void = parent is { Void: true },

            // Below a void directory that could not be made all still comes unasked, and each directory there is settled by itself.
            Skipped = parent is { Skipped: true, Void: false },
        };
        tree.Resolver.Announce(directory);
        if (!directory.Void && !directory.Skipped)
        {
            tree.Resolver.Answer(directory, Compare(directory, probe.Digest));
        }
    }

    /// <summary>What is here of a directory; null and -errno when it cannot be listed.</summary>
    public DirectoryListing? Scan(ReceiverDirectory directory, out int error)
    {
        var fd = tree.Handles.Open(directory.Path, out var viaLink);
        directory.ViaLink = viaLink;
        error = fd;
        if (fd < 0)
        {
            return null;
        }

        var listing = _spare ?? new DirectoryListing();
        _spare = null;
        error = _scanner.Scan(fd, context.ScanFields, listing);
        EntrySelection.HideResumePlace(context, listing);
        directory.Rules = tree.EnterRules(directory.Parent?.Rules, directory.Path, fd);
        tree.Placement.Flush.Note(fd);
        context.Io.Close(fd);
        return error < 0 ? null : listing;
    }

    /// <summary>Looks whether the destination directory itself is to change, and reports it.</summary>
    public void CompareRoot(DirectoryGoal goal)
    {
        if (goal.IsNew)
        {
            goal.Differs = true;
            var elsewhere = tree.Alternates.FirstRoot is >= 0 and var fd ? CompareRoot(goal, fd) : null;
            tree.Outcomes.Root(
                elsewhere is null ? OutcomeKind.Created : elsewhere != 0 ? OutcomeKind.Updated : OutcomeKind.Unchanged,
                goal.Metadata,
                elsewhere is null ? Changes.New : elsewhere != 0 ? elsewhere.Value : Changes.Content);
        }
        else if (CompareRoot(goal, tree.Root.Fd) is { } changes)
        {
            goal.Differs = changes != 0;
            tree.Outcomes.Root(changes != 0 ? OutcomeKind.MetadataOnly : OutcomeKind.Unchanged, goal.Metadata, changes);
        }
    }

    private Changes? CompareRoot(DirectoryGoal goal, int fd) => context.Io.Stat(fd, out var status) >= 0
        ? tree.Attributes.Compare(goal.Metadata, goal.Xattrs, status.ToMetadata(), _scanner.ReadXattrs(fd, context.ScanFields))
        : null;

    private Verdict Compare(ReceiverDirectory directory, UInt128 digest)
    {
        if (tree.Root.IsNothing)
        {
            directory.Skipped = true;
            return Verdict.Skip;
        }

        if (tree.Root.Fd < 0)
        {
            return Missing(directory);
        }

        var listing = Scan(directory, out var error);
        if (error is -Errno.ENOENT or -Errno.ENOTDIR or -Errno.ELOOP)
        {
            // Something else in its place exists, too: --existing replaces it, --ignore-existing leaves it. Below that nothing exists.
            directory.Displaces = error != -Errno.ENOENT && directory.Parent is not { Displaces: true };
            if (context.Has(directory.Displaces ? JobFlags.IgnoreExisting : JobFlags.Existing))
            {
                directory.Skipped = true;
                return Verdict.Skip;
            }

            return Missing(directory);
        }

        if (listing is null)
        {
            tree.Report(Operation.ReadDirectory, -error, directory.Path);
            directory.Skipped = true;
            return Verdict.Skip;
        }

        foreach (var problem in listing.Problems ?? [])
        {
            tree.Report(problem.Operation, problem.Error, PathBytes.Join(directory.Path, problem.Name));
        }

        if (directory.Parent is null)
        {
            tree.Finder.RootIs(listing);
        }

        var atRisk = EntrySelection.ForReceiving(directory.Rules!, listing, directory.Path);
        if (context.DigestsDecide && tree.Root.Rename is null && !directory.ViaLink && !HoldsDoubtful(atRisk)
            && DirectoryDigest.Compute(atRisk, context.DigestFields, identities) == digest)
        {
            tree.Resolver.IsSame(directory, atRisk);
            KeepSpare(listing);
            return Verdict.Same;
        }

        directory.Local = listing;
        if (listing.IsSparse)
        {
            directory.Local = listing.Compact();
            KeepSpare(listing);
        }

        return Verdict.Differs;
    }

    /// <summary>Among the files is one whose size and time do not tell that its content is here.</summary>
    private bool HoldsDoubtful(DirectoryListing listing)
    {
        for (var i = 0; tree.Placement.Unflushed.IsDoubting && i < listing.Count; i++)
        {
            if (listing.Metadata(i).IsRegular && tree.Placement.Unflushed.Doubts(listing.Identity(i)))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Most directories agree, and then one listing does for all of them.</summary>
    private void KeepSpare(DirectoryListing listing)
    {
        listing.Recycle();
        _spare = listing;
    }

    /// <summary>A directory that is not here: all of it comes unasked, unless some of it need not come.</summary>
    private Verdict Missing(ReceiverDirectory directory)
    {
        directory.Void = !tree.AsksForAll;
        return directory.Void ? Verdict.Void : Verdict.Differs;
    }
}
