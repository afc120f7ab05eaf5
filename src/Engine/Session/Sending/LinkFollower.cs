using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Filters;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Sending;

/// <summary>
/// Follows the symbolic links that <c>--copy-links</c>, <c>--copy-dirlinks</c> and <c>--copy-unsafe-links</c> say to follow, and
/// no others: a link is judged by its text each time it is passed, and what is opened is the text that was judged, so that one
/// which is exchanged meanwhile leads nowhere but where the option allows.
/// </summary>
internal sealed class LinkFollower(SyncContext context)
{
    private const int TargetRoom = ProtocolLimits.MaxLinkTarget + 1;

    private readonly ISystemCalls _io = context.Io;
    private readonly byte[] _target = new byte[TargetRoom];

    /// <summary>False when no link is ever followed.</summary>
    public bool IsActive { get; } =
        (context.Flags & (JobFlags.CopyLinks | JobFlags.CopyDirLinks | JobFlags.CopyUnsafeLinks)) != 0;

    /// <summary>Opens a directory of the source for reading, or gives -errno.</summary>
    public int OpenDirectory(in Origin origin)
    {
        const OpenFlags flags = OpenFlags.Read | OpenFlags.Directory;
        if (origin.Link is { } link)
        {
            var holder = OpenDirectory(link.Directory);
            if (holder < 0)
            {
                return holder;
            }

            var through = Open(holder, link.Name, link.Depth, flags);
            _io.Close(holder);
            if (through < 0 || origin.Path.Length == 0)
            {
                return through;
            }

            var below = _io.OpenBeneath(through, origin.Path, flags);
            _io.Close(through);
            return below;
        }

        var place = origin.Place.Take();
        if (place < 0)
        {
            return place;
        }

        var fd = _io.OpenBeneath(place, origin.Path, flags);
        origin.Place.Return(place);
        return fd;
    }

    /// <summary>Opens an entry that may be a link to be followed.</summary>
    /// <param name="dirfd">The directory that holds it.</param>
    /// <param name="name">The entry.</param>
    /// <param name="depth">How many directories of the transfer it lies below.</param>
    /// <param name="flags">How.</param>
    public int Open(int dirfd, ReadOnlySpan<byte> name, int depth, OpenFlags flags)
    {
        Span<byte> target = stackalloc byte[TargetRoom];
        var length = _io.ReadLinkAt(dirfd, name, target);
        if (length == -Errno.EINVAL)
        {
            return _io.OpenAt(dirfd, name, flags);
        }

        return length < 0 ? length
            : length == 0 || length == TargetRoom ? -Errno.ENAMETOOLONG
            : Allows(target[..length], depth, (flags & OpenFlags.Directory) != 0) ? _io.OpenFollowing(dirfd, target[..length], flags)
            : -Errno.ELOOP;
    }

    /// <summary>Looks at an entry: at what a link leads to if it is to be followed, else at itself.</summary>
    /// <returns>0, or -errno: ENOENT for a link that is to be followed and leads nowhere, too.</returns>
    public int Stat(int dirfd, ReadOnlySpan<byte> name, int depth, ref FileStatus status, out bool followed)
    {
        followed = false;
        if (!IsActive || !status.IsSymbolicLink)
        {
            return 0;
        }

        var length = _io.ReadLinkAt(dirfd, name, _target);
        if (length <= 0 || length == TargetRoom)
        {
            return length < 0 ? length : -Errno.ENAMETOOLONG;
        }

        var anyType = Allows(_target.AsSpan(0, length), depth, directory: false);
        if (!anyType && !context.Has(JobFlags.CopyDirLinks))
        {
            return 0;
        }

        var error = _io.StatFollowing(dirfd, _target.AsSpan(0, length), out var there);
        if (!anyType && (error < 0 || !there.IsDirectory))
        {
            return 0;
        }

        followed = error >= 0;
        status = error >= 0 ? there : status;
        return error;
    }

    /// <summary>A directory below another, through a link where one is to be followed; null when there is none.</summary>
    public Origin? Descend(in Origin origin, byte[] name, int depth)
    {
        var holder = OpenDirectory(origin);
        if (holder < 0)
        {
            return null;
        }

        var error = _io.StatAt(holder, name, out var status);
        var isLink = error >= 0 && status.IsSymbolicLink;
        error = error < 0 ? error : Stat(holder, name, depth, ref status, out _);
        _io.Close(holder);
        return error < 0 || !status.IsDirectory ? null
            : isLink ? origin with { Path = [], Link = new FollowedLink(origin, name, depth) }
            : origin.Child(name);
    }

    /// <summary>
    /// Makes of a scanned directory what is sent of it: puts what links lead to in their place, drops those that lead nowhere,
    /// takes the mark off munged ones, and makes files of devices that are copied.
    /// </summary>
    /// <param name="dirfd">The directory.</param>
    /// <param name="path">Its path in the transfer.</param>
    /// <param name="listing">What was scanned.</param>
    /// <param name="scanner">Reads attributes.</param>
    /// <param name="rules">Nothing is said of a link that leads nowhere and that they hide; null for none.</param>
    public void Apply(int dirfd, byte[] path, DirectoryListing listing, DirectoryScanner scanner, DirectoryRules? rules = null)
    {
        if (IsActive)
        {
            Follow(dirfd, path, listing, scanner, rules);
        }

        if (Has(SourceOptions.UnmungeLinks))
        {
            Unmunge(listing);
        }

        if (Has(SourceOptions.CopyDevices))
        {
            CopiedDevice.Apply(_io, dirfd, listing);
        }
    }

    private void Follow(int dirfd, byte[] path, DirectoryListing listing, DirectoryScanner scanner, DirectoryRules? rules)
    {
        var depth = LinkSafety.Depth(path);
        var dropped = new HashSet<int>();
        for (var i = 0; i < listing.Count; i++)
        {
            if (!listing.Metadata(i).IsSymbolicLink)
            {
                continue;
            }

            var error = Apply(dirfd, depth, listing, i, scanner);
            if (error < 0)
            {
                dropped.Add(i);
                if (rules?.Check(PathBytes.Join(path, listing.Name(i)), isDirectory: false, FilterSide.Sender) is null or FilterDecision.Included)
                {
                    listing.AddProblem(Operation.Follow, -error, listing.Name(i));
                    listing.Incomplete = true;
                }
            }
        }

        if (dropped.Count > 0)
        {
            listing.Keep(dropped, static (_, i, drop) => !drop.Contains(i));
        }
    }

    /// <returns>0, or -errno when the entry is to be left out.</returns>
    private int Apply(int dirfd, int depth, DirectoryListing listing, int index, DirectoryScanner scanner)
    {
        var status = new FileStatus { Mode = listing.Metadata(index).Mode };
        var error = Stat(dirfd, listing.Name(index), depth, ref status, out var followed);
        if (error >= 0 && followed)
        {
            listing.Metadata(index) = status.ToMetadata();
            listing.Identity(index) = FileIdentity.From(status) with { Followed = true };
            listing.SetLinkTarget(index, 0, 0);
            listing.SetXattrs(index, 0, 0);
            ReadAttributes(dirfd, depth, listing, index, scanner);
        }

        return error;
    }

    /// <summary>
    /// The kernel passes at most 40 links on one path, and so ends every loop of links to directories for those who open by
    /// path. We do not, so we ask.
    /// </summary>
    /// <returns>0, or -ELOOP or whatever else stands in the way.</returns>
    public int CheckLoop(in Origin origin)
    {
        if (origin.Link is null)
        {
            return 0;
        }

        var place = origin.Place.Take();
        var error = place < 0 ? place : _io.StatFollowing(place, origin.FullPath, out _);
        origin.Place.Return(place);
        return error;
    }

    private void ReadAttributes(int dirfd, int depth, DirectoryListing listing, int index, DirectoryScanner scanner)
    {
        ref var metadata = ref listing.Metadata(index);
        if ((context.SendFields & (ScanFields.Xattrs | ScanFields.Acls)) == 0 || !(metadata.IsDirectory || metadata.IsRegular))
        {
            return;
        }

        var fd = Open(dirfd, listing.Name(index), depth, OpenFlags.Read | OpenFlags.NonBlocking | (metadata.IsDirectory ? OpenFlags.Directory : 0));
        if (fd < 0)
        {
            listing.AddProblem(Operation.GetXattr, -fd, listing.Name(index));
            return;
        }

        listing.SetXattrs(index, scanner.ReadXattrs(fd, context.SendFields));
        _io.Close(fd);
    }

    private static void Unmunge(DirectoryListing listing)
    {
        for (var i = 0; i < listing.Count; i++)
        {
            var target = listing.LinkTarget(i);
            if (target.Length > LinkSafety.MungePrefix.Length && target.StartsWith(LinkSafety.MungePrefix))
            {
                listing.SetLinkTarget(i, target[LinkSafety.MungePrefix.Length..].ToArray());
            }
        }
    }

    private bool Has(SourceOptions option) => (context.Options.SourceOptions & option) != 0;

    private bool Allows(ReadOnlySpan<byte> target, int depth, bool directory) =>
        context.Has(JobFlags.CopyLinks)
        || (directory && context.Has(JobFlags.CopyDirLinks))
        || (context.Has(JobFlags.CopyUnsafeLinks) && LinkSafety.IsUnsafe(target, depth));
}
