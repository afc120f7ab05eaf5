using NativeSync.Engine.FileSystem;
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
        var mask = context.Io.SetUmask(0);
        _options = MetadataOptions.From(context.Flags, context.Io, identities, mask) with { ModifyWindow = context.Options.ModifyWindow };
        _writers = new ThreadLocal<MetadataWriter>(() => new MetadataWriter(context.Io, _options));
        _readers = new ThreadLocal<(XattrScanner, DirectoryListing)>(() => (new XattrScanner(context.Io), new DirectoryListing()));
    }

    /// <summary>The mode in which a new directory is made: usable by us until it gets its own at the end, and by nobody else.</summary>
    public const uint InitialDirectoryMode = 0x1C0;

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

    /// <summary>For a file that is open and complete.</summary>
    public void Apply(int fd, byte[] path, in EntryMetadata wanted, ReadOnlySpan<byte> xattrs, bool isNew)
    {
        var error = _context.Io.Stat(fd, out var current);
        if (error < 0)
        {
            _outcomes.Problem(Operation.Stat, -error, path);
            return;
        }

        _writers.Value!.Apply(fd, new DesiredMetadata(wanted, xattrs, isNew), current, new Sink(_outcomes, path));
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
    public void ApplyToContent(
        int fd, int dirfd, ReadOnlySpan<byte> name, byte[] path, in EntryMetadata wanted, ReadOnlySpan<byte> xattrs, bool isNew)
    {
        FileStatus old = default;
        var keepsMode = isNew && !_options.Permissions && dirfd >= 0 && _context.Io.StatAt(dirfd, name, out old) >= 0 && old.IsRegular;
        Apply(fd, path, wanted, xattrs, isNew);
        if (keepsMode)
        {
            var error = _context.Io.ChangeMode(fd, old.Mode & ModeBits.PermissionMask);
            if (error < 0)
            {
                _outcomes.Problem(Operation.ChangeMode, -error, path);
            }
        }
    }

    /// <summary>For an entry by name, never followed.</summary>
    public void ApplyAt(int dirfd, ReadOnlySpan<byte> name, byte[] path, in EntryMetadata wanted, ReadOnlySpan<byte> xattrs, bool isNew)
    {
        var error = _context.Io.StatAt(dirfd, name, out var current);
        if (error < 0)
        {
            _outcomes.Problem(Operation.Stat, -error, path);
            return;
        }

        _writers.Value!.ApplyAt(dirfd, name, new DesiredMetadata(wanted, xattrs, isNew), current, new Sink(_outcomes, path));
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
            Apply(fd, path, goal.Metadata, goal.Xattrs, goal.IsNew);
        }
        finally
        {
            _context.Io.Close(fd);
        }
    }

    private sealed class Sink(OutcomeReporter outcomes, byte[] path) : IProblemSink
    {
        public void Report(Operation operation, int error, ReadOnlySpan<byte> detail) => outcomes.Problem(operation, error, path);
    }
}
