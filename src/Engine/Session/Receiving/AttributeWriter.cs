using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Filters;
using NativeSync.Engine.Session.Receiving.Directories;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving;

/// <summary>Gives entries the attributes of the source, and reports by path what could not be set. Used by all threads.</summary>
internal sealed class AttributeWriter
{
    private readonly SyncContext _context;
    private readonly OutcomeReporter _outcomes;
    private readonly MetadataOptions _options;
    private readonly ThreadLocal<MetadataWriter> _writers;
    private readonly ThreadLocal<(XattrScanner Scanner, DirectoryListing Scratch)> _readers;

    public AttributeWriter(SyncContext context, OutcomeReporter outcomes, IdentityMapper? identities)
    {
        _context = context;
        _outcomes = outcomes;
        var mask = ProcessUmask.Value;
        context.Io.SetUmask(0);
        _options = MetadataOptions.From(context.Flags, context.Io, identities, mask) with
        {
            ModifyWindow = context.TimeWindow,
            FakeSuperXattrs = context.Options.XattrLevel > 1,
            XattrFilter = context.XattrFilter(FilterSide.Receiver),
        };
        Locks = new LockingFlags(context, outcomes);
        Unkept = new UnkeptAttributes(context);
        foreach (var name in identities?.UnknownNames ?? [])
        {
            outcomes.Problem(Operation.MapIdentity, Errno.EINVAL, name, warning: true);
        }
        _writers = new ThreadLocal<MetadataWriter>(() => new MetadataWriter(context.Io, _options));
        _readers = new ThreadLocal<(XattrScanner, DirectoryListing)>(() => (new XattrScanner(context.Io, _options.XattrFilter), new DirectoryListing()));
    }

    /// <summary>Immutable and append-only, which come when all of the tree is done.</summary>
    public LockingFlags Locks { get; }

    /// <summary>What this process may not do, and was asked for.</summary>
    public UnkeptAttributes Unkept { get; }

    /// <summary>The mode of a directory that nobody gives one: what the umask leaves.</summary>
    public uint DefaultDirectoryMode => 0x1FF & ~_options.Umask;

    /// <summary>In what the attributes differ, as far as the options care.</summary>
    public Changes Compare(in EntryMetadata wanted, ReadOnlySpan<byte> wantedXattrs, in EntryMetadata local, ReadOnlySpan<byte> localXattrs) =>
        MetadataWriter.Compare(wanted, wantedXattrs, local, localXattrs, _options);

    /// <summary>The attributes that a name has now, encoded; empty when they do not matter.</summary>
    public byte[] ReadXattrs(int dirfd, ReadOnlySpan<byte> name)
    {
        if ((_context.ScanFields & (ScanFields.Xattrs | ScanFields.Acls)) == 0)
        {
            return [];
        }

        var (scanner, scratch) = _readers.Value;
        scratch.Clear();
        return scanner.Read(dirfd, name, _context.ScanFields, scratch, 0, out var encoded) < 0 ? [] : encoded.ToArray();
    }

    /// <summary>
    /// Without --perms, a default ACL of a directory takes the place of the umask for what is made in it: the bits that it keeps from
    /// new entries; null where there is none, or where it does not matter.
    /// </summary>
    public uint? UmaskIn(int dirfd)
    {
        if (_options.Permissions || dirfd < 0)
        {
            return null;
        }

        Span<byte> list = stackalloc byte[1024];
        var length = _context.Io.GetXattr(dirfd, XattrNames.DefaultAcl, list);
        return length > 0 ? AccessControlList.KeptFromNew(list[..length]) : null;
    }

    /// <summary>
    /// What a file is made with: for us alone until it is done; or at once what it shall have, where only we get into its directory until then, and it is no
    /// program that could be run half written. That saves setting it, for most files of a new tree.
    /// </summary>
    public uint FirstMode(ReceiverDirectory directory, int index)
    {
        const uint alsoOurs = ModeBits.PermissionMask & ~(ModeBits.PrivateFile | 0x36); // all but rw for the owner, and r and w for the rest
        var wanted = directory.Remote!.Entries.Metadata(index).Mode & ModeBits.PermissionMask;
        return _options.Permissions && !_context.Options.FakeSuper && directory.Goal is { IsPrivate: true } && (wanted & ModeBits.PrivateFile) == ModeBits.PrivateFile
            && (wanted & alsoOurs) == 0 ? wanted : ModeBits.PrivateFile;
    }

    /// <summary>Gives an empty file the inode flags that must be there before its content.</summary>
    public void Prepare(int fd, in EntryMetadata wanted)
    {
        const uint early = FileFlags.BeforeContent;
        if (_options.FileFlags && (wanted.FileFlags & early) != 0 && _context.Io.GetFileFlags(fd, out var flags) >= 0)
        {
            // What fails here fails again when all flags are set, and is reported then.
            _context.Io.SetFileFlags(fd, (flags & ~early) | (wanted.FileFlags & early));
        }
    }

    /// <summary>For a file that is open and complete.</summary>
    public void Apply(int fd, byte[] path, in EntryMetadata wanted, ReadOnlySpan<byte> xattrs, bool isNew, uint? umask = null)
    {
        var error = _context.Io.Stat(fd, out var current);
        if (error < 0)
        {
            _outcomes.Problem(Operation.Stat, -error, path);
            return;
        }

        _writers.Value!.Apply(fd, new DesiredMetadata(wanted, xattrs, isNew, umask), current, new Sink(_outcomes, path));
        Unkept.Entry(_options.Identities?.LocalUser(wanted.Uid) ?? wanted.Uid, current.Uid, xattrs);
        Locks.Want(path, wanted);
    }

    /// <summary>
    /// For new content under way to a name. Where permissions are not transferred, what it replaces hands its own on.
    /// </summary>
    /// <param name="fd">The content.</param>
    /// <param name="dirfd">The directory in which it will replace something; -1 when there is nothing to replace.</param>
    /// <param name="name">The name it will have.</param>
    /// <param name="path">For reports.</param>
    /// <param name="wanted">The source's metadata.</param>
    /// <param name="xattrs">The source's attributes.</param>
    /// <param name="isNew">False when it was written in place.</param>
    /// <param name="umask">See <see cref="UmaskIn"/>.</param>
    public void ApplyToContent(
        int fd, int dirfd, ReadOnlySpan<byte> name, byte[] path, in EntryMetadata wanted, ReadOnlySpan<byte> xattrs, bool isNew, uint? umask = null)
    {
        FileStatus old = default;
        var keepsMode = isNew && !_options.Permissions && dirfd >= 0 && _context.Io.StatAt(dirfd, name, out old) >= 0 && old.IsRegular;
        Apply(fd, path, wanted, xattrs, isNew, umask);
        if (keepsMode)
        {
            var error = _context.Io.ChangeMode(fd, MetadataWriter.ModeInPlaceOf(old.Mode, wanted, _options));
            if (error < 0)
            {
                _outcomes.Problem(Operation.ChangeMode, -error, path);
            }
        }
    }

    /// <summary>For an entry by name, never followed.</summary>
    /// <param name="dirfd">Where it is.</param>
    /// <param name="name">Its name there.</param>
    /// <param name="path">For reports.</param>
    /// <param name="wanted">The source's metadata.</param>
    /// <param name="xattrs">The source's attributes.</param>
    /// <param name="isNew">It was made by this run.</param>
    /// <param name="umask">See <see cref="UmaskIn"/>.</param>
    /// <param name="known">What it is, where the caller has just looked.</param>
    public void ApplyAt(
        int dirfd, ReadOnlySpan<byte> name, byte[] path, in EntryMetadata wanted, ReadOnlySpan<byte> xattrs, bool isNew, uint? umask = null, FileStatus? known = null)
    {
        if ((_options.FileFlags || _options.ProjectIds) && wanted.IsRegular)
        {
            // Inode flags and project ids are reached through an open file only.
            var fd = _context.Io.OpenQuietly(dirfd, name);
            if (fd >= 0)
            {
                Apply(fd, path, wanted, xattrs, isNew, umask);
                _context.Io.Close(fd);
                return;
            }

            _outcomes.Problem(Operation.SetFileFlags, -fd, path);
        }

        var current = known.GetValueOrDefault();
        var error = known is null ? _context.Io.StatAt(dirfd, name, out current) : 0;
        if (error < 0)
        {
            _outcomes.Problem(Operation.Stat, -error, path);
            return;
        }

        _writers.Value!.ApplyAt(dirfd, name, new DesiredMetadata(wanted, xattrs, isNew, umask), current, new Sink(_outcomes, path));
        Unkept.Entry(_options.Identities?.LocalUser(wanted.Uid) ?? wanted.Uid, current.Uid, xattrs);
    }

    /// <summary>For a directory, when everything in it is done.</summary>
    public void ApplyToDirectory(DirectoryHandles handles, byte[] path, DirectoryGoal goal)
    {
        var fd = handles.Open(path);
        if (fd < 0)
        {
            _outcomes.Problem(Operation.Open, -fd, path);
            return;
        }

        try
        {
            Apply(fd, path, goal.Metadata, goal.Xattrs, goal.IsNew, goal.Umask);
        }
        finally
        {
            _context.Io.Close(fd);
        }
    }

    private sealed class Sink(OutcomeReporter outcomes, byte[] path) : IProblemSink
    {
        public void Report(Operation operation, int error, ReadOnlySpan<byte> detail) =>
            outcomes.Problem(operation, error, path, detail: detail.IsEmpty ? null : detail.ToArray());
    }
}
