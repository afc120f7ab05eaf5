using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Filters;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Sending;

/// <summary>
/// Walks the sources depth first in byte order and announces each directory with its digest, without waiting for
/// answers, until the sender's window is full. docs/protocol.md, "Flow of a push".
/// </summary>
internal sealed class TreeScanner(SyncContext context, SourceRoots roots, SenderTable table, LinkGroups links, Statistics statistics)
{
    private readonly DirectoryScanner _scanner = new(context.Io);
    private readonly IdentityMapper? _identities = context.Has(JobFlags.NumericIds) ? null : new IdentityMapper(IdentityMap.Load(context.Io));
    private readonly Dictionary<ulong, bool> _oneFileSystem = [];
    private readonly ScanFields _fields = context.SendFields;
    private readonly EmptyDirectories _emptiness = new(context);
    private int _nextId;

    public void Run()
    {
        var all = roots.Roots.Select(r => new Origin(r.DirectoryFd, [], context.FiltersIn(r.Path, ReportRules))).ToArray();
        AnnounceRoot([.. all.Where((_, i) => roots.Roots[i].Name is null)]);
        var root = new SenderDirectory(_nextId++, null, [], all);
        var walk = new Stack<Step>();
        if (Visit(root, []) is { } first)
        {
            walk.Push(first);
        }

        while (walk.TryPeek(out var step))
        {
            if (step.Next == step.Children.Count || table.IsSkipped(step.Directory))
            {
                walk.Pop();
                Close(step.Directory);
                continue;
            }

            var (name, origins) = step.Children[step.Next++];
            var child = new SenderDirectory(_nextId++, step.Directory, PathBytes.Join(step.Directory.Path, name), origins);
            if (Visit(child, name) is { } below)
            {
                walk.Push(below);
            }
        }

        context.Progress.TotalsAreFinal();
        using var scope = context.Outbox.Enter(Records.EndOfTreeBound);
        var writer = new WireWriter(scope.Room);
        Records.WriteEndOfTree(ref writer, statistics);
        scope.Commit(writer.Position);
    }

    private void AnnounceRoot(Origin[] origins)
    {
        var flags = roots.IsSingleFile ? RootFlags.SingleFile : 0;
        var metadata = default(Entry);
        byte[] xattrs = [];
        FileStatus status = default;
        var error = origins.Length > 0 ? context.Io.Stat(origins[0].RootFd, out status) : 0;
        if (error < 0)
        {
            SenderProblems.Report(context, new SyncProblem(Operation.Stat, -error, "."u8.ToArray(), OnSource: true, Warning: false));
        }
        else if (origins.Length > 0)
        {
            flags |= RootFlags.Attributes;
            metadata.Metadata = status.ToMetadata();
            _scanner.ReadInode(origins[0].RootFd, _fields, ref metadata.Metadata);
            Adjust(ref metadata.Metadata);
            roots.Metadata = metadata.Metadata;
            Interlocked.Increment(ref statistics.Entries);
            Interlocked.Increment(ref statistics.Directories);
            xattrs = _scanner.ReadXattrs(origins[0].RootFd, _fields);
            metadata.Xattrs = xattrs;
        }

        if ((flags & RootFlags.Attributes) != 0)
        {
            new IdentityAnnouncer(context).Announce(metadata.Metadata.Uid, metadata.Metadata.Gid, xattrs);
        }

        using (var scope = context.Outbox.Enter(Records.RootBound(metadata)))
        {
            var writer = new WireWriter(scope.Room);
            Records.WriteRoot(ref writer, flags, metadata);
            scope.Commit(writer.Position);
        }
    }

    /// <summary>Scans and announces one directory.</summary>
    /// <returns>What to walk below it; null when it could not be read and was not announced.</returns>
    private Step? Visit(SenderDirectory directory, byte[] name)
    {
        table.WaitForRoom();
        if (!Scan(directory))
        {
            return null;
        }

        var children = Survey(directory);
        table.Add(directory);
        var digest = !context.DigestsDecide || table.IsVoid(directory) || HasUnwanted(directory.Listing)
            ? UInt128.Zero
            : DirectoryDigest.Compute(directory.Listing, context.DigestFields, _identities);
        using (var scope = context.Outbox.Enter(Records.ProbeBound))
        {
            var writer = new WireWriter(scope.Room);
            Records.WriteProbe(ref writer, directory.Id, directory.Parent?.Id ?? 0, name, digest);
            scope.Commit(writer.Position);
        }

        table.Announced(directory);
        return new Step(directory, children);
    }

    /// <summary>What is not transferred because of its type is told by name, so the receiver must see the names.</summary>
    private bool HasUnwanted(DirectoryListing listing)
    {
        for (var i = 0; i < listing.Count; i++)
        {
            if (!EntrySelection.IsTypeWanted(context, listing.Metadata(i)))
            {
                return true;
            }
        }

        return false;
    }

    private bool Scan(SenderDirectory directory)
    {
        var listing = new DirectoryListing();
        directory.Listing = listing;
        if (directory.Parent is null)
        {
            return ScanRoot(directory, listing);
        }

        if (directory.Origins.Length == 1)
        {
            var error = ScanOrigin(directory, 0, listing);
            return error >= 0 || ReportUnreadable(directory.Path, error);
        }

        var merged = new ListingMerger(listing);
        var readable = false;
        for (var i = 0; i < directory.Origins.Length; i++)
        {
            var part = new DirectoryListing();
            var error = ScanOrigin(directory, i, part);
            if (error < 0)
            {
                ReportUnreadable(directory.Path, error);
                continue;
            }

            readable = true;
            merged.Add(part, i);
        }

        directory.EntryOrigins = merged.Finish();
        return readable;
    }

    /// <summary>The virtual root: the contents of some sources, and others as entries of their own.</summary>
    private bool ScanRoot(SenderDirectory root, DirectoryListing listing)
    {
        if (roots.Roots.Count == 1 && roots.Roots[0].Name is null)
        {
            var error = ScanOrigin(root, 0, listing);
            return error >= 0 || ReportUnreadable(root.Path, error);
        }

        var merged = new ListingMerger(listing);
        for (var i = 0; i < roots.Roots.Count; i++)
        {
            var source = roots.Roots[i];
            var part = new DirectoryListing();
            var error = source.Name is null ? ScanOrigin(root, i, part) : ScanNamed(root, i, source.Name, part);
            if (error < 0)
            {
                ReportUnreadable(source.Name ?? [], error);
                listing.Incomplete = true;
                continue;
            }

            merged.Add(part, i);
        }

        root.EntryOrigins = merged.Finish();
        return true;
    }

    /// <summary>Scans one place of a directory, and leaves what its rules show.</summary>
    private int ScanOrigin(SenderDirectory directory, int index, DirectoryListing into)
    {
        ref var origin = ref directory.Origins[index];
        var fd = context.Io.OpenBeneath(origin.RootFd, origin.Path, OpenFlags.Read | OpenFlags.Directory);
        if (fd < 0)
        {
            return fd;
        }

        try
        {
            var error = _scanner.Scan(fd, _fields, into);
            if (error >= 0)
            {
                origin = origin.Enter(directory.Path, fd);
                EntrySelection.ForSending(origin.Rules!, into, directory.Path);
            }

            return error;
        }
        finally
        {
            context.Io.Close(fd);
        }
    }

    /// <summary>Looks at an entry that an operator named: rules from files do not count for it, but for what is below it.</summary>
    private int ScanNamed(SenderDirectory root, int index, byte[] name, DirectoryListing into)
    {
        ref var origin = ref root.Origins[index];
        var error = _scanner.ScanName(origin.RootFd, name, _fields, into);
        if (error >= 0)
        {
            EntrySelection.ForSending(origin.Filters.Outside, into, root.Path);
            origin = origin with { Rules = origin.Filters.FromAbove(withRoot: true) };
        }

        return error;
    }

    /// <summary>Drops what is not to be transferred, counts the rest, and collects the directories to descend into.</summary>
    private List<(byte[] Name, Origin[] Origins)> Survey(SenderDirectory directory)
    {
        var listing = directory.Listing;
        ReportProblems(directory);
        LeaveOutDirectories(directory);
        var children = new List<(byte[], Origin[])>();
        var totals = new TreeTotals();
        for (var i = 0; i < listing.Count; i++)
        {
            ref var metadata = ref listing.Metadata(i);
            Adjust(ref metadata);
            totals.Count(metadata);
            if (metadata.IsDirectory && context.Has(JobFlags.Recursive) && IsWithin(directory, listing.Identity(i).Device, i))
            {
                children.Add((listing.Name(i).ToArray(), ChildOrigins(directory, i)));
            }
            else if (metadata.IsRegular)
            {
                directory.ContentBytes += metadata.Size;
            }
        }

        if (context.Has(JobFlags.HardLinks))
        {
            directory.LinkGroups = links.Assign(listing, directory.Path);
        }

        totals.AddTo(statistics);
        context.Progress.Found(listing.Count, directory.ContentBytes);
        return children;
    }

    /// <summary>Drops mount points (-xx) and directories with nothing but directories below (-m).</summary>
    private void LeaveOutDirectories(SenderDirectory directory)
    {
        if (!context.Has(JobFlags.OmitMountPoints | JobFlags.PruneEmptyDirectories))
        {
            return;
        }

        var kept = new List<int>();
        directory.Listing.Keep(directory, (listing, i, parent) =>
        {
            var keep = !listing.Metadata(i).IsDirectory || (
                (!context.Has(JobFlags.OmitMountPoints) || IsWithin(parent, listing.Identity(i).Device, i))
                && (!context.Has(JobFlags.PruneEmptyDirectories) || HasContent(parent, i)));
            if (keep)
            {
                kept.Add(i);
            }

            return keep;
        });
        directory.EntryOrigins = directory.EntryOrigins is { } origins ? [.. kept.Select(i => origins[i])] : null;
    }

    private bool HasContent(SenderDirectory parent, int index)
    {
        var listing = parent.Listing;
        var within = IsWithin(parent, listing.Identity(index).Device, index);
        return _emptiness.HasContent(within ? ChildOrigins(parent, index) : [], PathBytes.Join(parent.Path, listing.Name(index)));
    }

    /// <summary>What travels of an entry, where that is not simply what it is.</summary>
    private void Adjust(ref EntryMetadata metadata)
    {
        metadata.Mode = context.ChangeMode?.Apply(metadata.Mode) ?? metadata.Mode;
        metadata.HasAccessed = context.Has(JobFlags.AccessTimes) && !metadata.IsDirectory;
    }

    /// <summary>False for a mount point that --one-file-system leaves empty.</summary>
    private bool IsWithin(SenderDirectory parent, ulong device, int index)
    {
        if (!context.Has(JobFlags.OneFileSystem))
        {
            return true;
        }

        if (parent.Parent is null && roots.Roots.Any(r => r.Name is not null))
        {
            // A source that is named itself defines its own file system.
            _oneFileSystem[device] = true;
            return true;
        }

        if (_oneFileSystem.Count == 0)
        {
            foreach (var root in roots.Roots)
            {
                if (context.Io.Stat(root.DirectoryFd, out var status) >= 0)
                {
                    _oneFileSystem[status.Device] = true;
                }
            }
        }

        return _oneFileSystem.ContainsKey(device);
    }

    private Origin[] ChildOrigins(SenderDirectory directory, int index)
    {
        var name = directory.Listing.Name(index);
        if (directory.Parent is null && directory.EntryOrigins is { } from)
        {
            var named = name.ToArray();
            return [.. directory.Origins
                .Where((o, i) => roots.Roots[i].Name is { } own ? own.AsSpan().SequenceEqual(named) : o.Shows(named))
                .Select(o => o.Child(named))
                .Where(IsDirectory)];
        }

        if (directory.Origins.Length == 1)
        {
            return [directory.Origins[0].Child(name)];
        }

        var copy = name.ToArray();
        var path = PathBytes.Join(directory.Path, copy);
        return [.. directory.Origins.Where(o => o.Shows(path)).Select(o => o.Child(copy)).Where(IsDirectory)];
    }

    private bool IsDirectory(Origin origin)
    {
        var fd = context.Io.OpenBeneath(origin.RootFd, origin.Path, OpenFlags.Read | OpenFlags.Directory);
        if (fd < 0)
        {
            return fd is -Errno.EACCES;
        }

        context.Io.Close(fd);
        return true;
    }

    private void Close(SenderDirectory directory)
    {
        using var scope = context.Outbox.Enter(Records.CloseBound);
        var writer = new WireWriter(scope.Room);
        Records.WriteClose(ref writer, directory.Id);
        scope.Commit(writer.Position);
    }

    private bool ReportUnreadable(byte[] path, int error)
    {
        SenderProblems.Report(context, new SyncProblem(
            Operation.ReadDirectory, -error, path, OnSource: true, Warning: error == -Errno.ENOENT && path.Length > 0));
        return false;
    }

    /// <summary>Nobody knows what a rule file that cannot be read hides, so nothing may be deleted for being missing.</summary>
    private void ReportRules(byte[] path, int errno) =>
        SenderProblems.Report(context, new SyncProblem(Operation.Open, errno, path, OnSource: true, Warning: false));

    private void ReportProblems(SenderDirectory directory)
    {
        foreach (var problem in directory.Listing.Problems ?? [])
        {
            SenderProblems.Report(context, new SyncProblem(
                problem.Operation, problem.Error, PathBytes.Join(directory.Path, problem.Name), OnSource: true, Warning: false));
        }
    }

    /// <summary>A directory on the way down, and which child is next.</summary>
    private sealed class Step(SenderDirectory directory, List<(byte[] Name, Origin[] Origins)> children)
    {
        public SenderDirectory Directory { get; } = directory;

        public List<(byte[] Name, Origin[] Origins)> Children { get; } = children;

        public int Next { get; set; }
    }
}
