using System.Threading.Channels;
using NativeSync.Engine.FileSystem;
using NativeSync.Protocol;

namespace NativeSync.Engine.Verify;

/// <summary>
/// Emits directories in the order of the walk, each as soon as its files are read, and digests the tree on the way.
/// One task runs it.
/// </summary>
internal sealed class ManifestWriter
{
    /// <summary>Bytes that one Entries record may take at most, unless a single entry is larger.</summary>
    private const int PartSize = 256 * 1024;

    private readonly ManifestOptions _options;
    private readonly IdentityMap? _identities;
    private readonly RecordBuffer _buffer;
    private readonly TreeDigestBuilder _digest;
    private readonly Statistics _statistics = new();
    private readonly HashSet<uint> _namedUsers = [0];
    private readonly HashSet<uint> _namedGroups = [0];
    private readonly PathBuilder _path = new();
    private EntryEncoder _encoder;

    public ManifestWriter(ManifestOptions options, IdentityMap? identities, IRecordSink sink)
    {
        _options = options;
        _identities = identities;
        _buffer = new RecordBuffer(sink);
        _digest = new TreeDigestBuilder(options.Flags, identities == null ? null : new IdentityMapper(identities));
    }

    /// <summary>A manifest that says only why there is none.</summary>
    public async Task WriteMissingRootAsync(int error, CancellationToken ct)
    {
        WriteRoot(RootFlags.None, default, []);
        await ProblemAsync(new ManifestFault(0, Operation.Open, error, Warning: false), [], [], ct).ConfigureAwait(false);
        await EndAsync(ct).ConfigureAwait(false);
    }

    public async Task RunAsync(ManifestRoot root, int rootError, ChannelReader<ManifestStep> steps, CancellationToken ct)
    {
        await BeginAsync(root, ct).ConfigureAwait(false);
        if (rootError != 0)
        {
            await ProblemAsync(new ManifestFault(0, Operation.GetXattr, rootError, Warning: false), [], [], ct).ConfigureAwait(false);
        }

        await foreach (ManifestStep step in steps.ReadAllAsync(ct).ConfigureAwait(false))
        {
            if (step.Directory is { } directory)
            {
                await directory.Completed.WaitAsync(ct).ConfigureAwait(false);
                await DirectoryAsync(directory, ct).ConfigureAwait(false);
            }
            else
            {
                await _buffer.EnsureAsync(Records.CloseBound, ct).ConfigureAwait(false);
                WireWriter w = new(_buffer.Room);
                Records.WriteClose(ref w, step.Closed);
                _buffer.Commit(w.Position);
            }
        }

        await EndAsync(ct).ConfigureAwait(false);
    }

    private async ValueTask BeginAsync(ManifestRoot root, CancellationToken ct)
    {
        EntryMetadata metadata = root.Status.ToMetadata();
        metadata.Size = 0;
        if (root.SingleName != null)
        {
            WriteRoot(RootFlags.SingleFile, default, []);
            return;
        }

        await NameAsync(metadata, ct).ConfigureAwait(false);
        await NameAclAsync(root.Xattrs, ct).ConfigureAwait(false);
        await _buffer.EnsureAsync(Records.RootBound(new Entry { Xattrs = root.Xattrs }), ct).ConfigureAwait(false);
        WriteRoot(RootFlags.Attributes, metadata, root.Xattrs);
        _digest.Add([], new Entry { Metadata = metadata, Xattrs = root.Xattrs }, []);
        _statistics.Directories++;
        _statistics.Entries++;
    }

    private void WriteRoot(RootFlags flags, in EntryMetadata metadata, byte[] xattrs)
    {
        WireWriter w = new(_buffer.Room);
        Records.WriteRoot(ref w, flags, new Entry { Metadata = metadata, Xattrs = xattrs });
        _buffer.Commit(w.Position);
    }

    private async ValueTask DirectoryAsync(ManifestDirectory directory, CancellationToken ct)
    {
        await _buffer.EnsureAsync(Records.ProbeBound, ct).ConfigureAwait(false);
        WriteProbe(directory);
        DirectoryListing listing = directory.Listing;
        foreach (ScanProblem problem in listing.Problems ?? [])
        {
            ManifestFault fault = new(0, problem.Operation, problem.Error, Warning: problem.Operation == Operation.Vanished);
            await ProblemAsync(fault, directory.Path, problem.Name, ct).ConfigureAwait(false);
        }

        foreach (ManifestFault fault in directory.Faults)
        {
            await ProblemAsync(fault, directory.Path, listing.Name(fault.Index).ToArray(), ct).ConfigureAwait(false);
        }

        for (int i = 0; i < listing.Count && _identities != null; i++)
        {
            await NameAsync(listing.Metadata(i), ct).ConfigureAwait(false);
            if (_options.Has(JobFlags.Acls) && !listing.Xattrs(i).IsEmpty)
            {
                await NameAclAsync(listing.Xattrs(i).ToArray(), ct).ConfigureAwait(false);
            }
        }

        int at = 0;
        do
        {
            int count = PartOf(listing, at, out int bound);
            await _buffer.EnsureAsync(bound, ct).ConfigureAwait(false);
            WritePart(directory, at, count);
            at += count;
        }
        while (at < listing.Count);
    }

    private void WriteProbe(ManifestDirectory directory)
    {
        WireWriter w = new(_buffer.Room);
        Records.WriteProbe(ref w, directory.Id, directory.Parent, directory.Name, default);
        _buffer.Commit(w.Position);
    }

    private int PartOf(DirectoryListing listing, int from, out int bound)
    {
        bound = Records.EntriesBound;
        int count = 0;
        for (int i = from; i < listing.Count; i++)
        {
            Entry entry = new() { Name = listing.Name(i), LinkTarget = listing.LinkTarget(i), Xattrs = listing.Xattrs(i) };
            int size = _encoder.SizeBound(entry);
            if (count > 0 && bound + size > PartSize)
            {
                break;
            }

            bound += size;
            count++;
        }

        return count;
    }

    private void WritePart(ManifestDirectory directory, int from, int count)
    {
        DirectoryListing listing = directory.Listing;
        EntriesFlags flags = (from + count == listing.Count ? EntriesFlags.Last : 0) | (listing.Incomplete ? EntriesFlags.Incomplete : 0);
        WireWriter w = new(_buffer.Room);
        Records.WriteEntries(ref w, directory.Id, from, flags, count);
        _encoder.Reset();
        for (int i = from; i < from + count; i++)
        {
            LinkedFile? linked = directory.Links?[i];
            bool first = linked == null || directory.FirstOfLinks![i];
            Entry entry = new()
            {
                Metadata = listing.Metadata(i),
                Name = listing.Name(i),
                LinkTarget = listing.LinkTarget(i),
                Xattrs = listing.Xattrs(i),
                HardLinkGroup = _options.Has(JobFlags.HardLinks) ? linked?.Group ?? 0 : 0,
            };
            if (entry.Metadata.IsRegular)
            {
                entry.HasContentDigest = first ? directory.HasDigest[i] : linked!.HasDigest;
                entry.ContentDigest = first ? directory.Digests[i] : linked!.Digest;
            }

            Count(entry);
            _digest.Add(directory.Path, entry, first ? [] : linked!.Leader);
            _encoder.Write(ref w, entry);
        }

        _buffer.Commit(w.Position);
    }

    private void Count(in Entry entry)
    {
        _statistics.Entries++;
        switch (entry.Metadata.Type)
        {
            case EntryType.Directory: _statistics.Directories++; break;
            case EntryType.Regular: _statistics.Files++; _statistics.TotalSize += entry.Metadata.Size; break;
            case EntryType.SymbolicLink: _statistics.SymbolicLinks++; break;
            case EntryType.BlockDevice or EntryType.CharacterDevice: _statistics.Devices++; break;
            default: _statistics.Specials++; break;
        }
    }

    private async ValueTask ProblemAsync(ManifestFault fault, byte[] directory, byte[] name, CancellationToken ct)
    {
        _statistics.Problems++;
        _path.Truncate(0);
        if (directory.Length > 0)
        {
            _path.Push(directory);
        }

        if (name.Length > 0)
        {
            _path.Push(name);
        }

        await _buffer.EnsureAsync(Records.ProblemBound(_path.Length), ct).ConfigureAwait(false);
        WireWriter w = new(_buffer.Room);
        Records.WriteProblem(ref w, RecordType.Problem, fault.Error, fault.Operation, fault.Warning ? ProblemFlags.Warning : 0, _path.Span);
        _buffer.Commit(w.Position);
    }

    private async ValueTask NameAsync(EntryMetadata metadata, CancellationToken ct)
    {
        if (_identities == null)
        {
            return;
        }

        if (_options.Has(JobFlags.Owner) && _namedUsers.Add(metadata.Uid) && _identities.UserName(metadata.Uid) is { } user)
        {
            await IdentityAsync(IdentityKind.User, metadata.Uid, user, ct).ConfigureAwait(false);
        }

        if (_options.Has(JobFlags.Group) && _namedGroups.Add(metadata.Gid) && _identities.GroupName(metadata.Gid) is { } group)
        {
            await IdentityAsync(IdentityKind.Group, metadata.Gid, group, ct).ConfigureAwait(false);
        }
    }

    private async ValueTask NameAclAsync(byte[] xattrs, CancellationToken ct)
    {
        if (_identities == null)
        {
            return;
        }

        foreach ((bool isUser, uint id) in AccessControlList.NamedIds(xattrs))
        {
            if ((isUser ? _namedUsers : _namedGroups).Add(id) && (isUser ? _identities.UserName(id) : _identities.GroupName(id)) is { } name)
            {
                await IdentityAsync(isUser ? IdentityKind.User : IdentityKind.Group, id, name, ct).ConfigureAwait(false);
            }
        }
    }

    private async ValueTask IdentityAsync(IdentityKind kind, uint id, byte[] name, CancellationToken ct)
    {
        if (name.Length > ProtocolLimits.MaxNameLength || name.Contains((byte)0))
        {
            return;
        }

        await _buffer.EnsureAsync(Records.IdentityBound, ct).ConfigureAwait(false);
        WireWriter w = new(_buffer.Room);
        Records.WriteIdentity(ref w, kind, id, name);
        _buffer.Commit(w.Position);
    }

    private async ValueTask EndAsync(CancellationToken ct)
    {
        await _buffer.EnsureAsync(Records.TreeDigestBound + Records.EndOfTreeBound, ct).ConfigureAwait(false);
        WireWriter w = new(_buffer.Room);
        Records.WriteTreeDigest(ref w, _digest.Finish());
        Records.WriteEndOfTree(ref w, _statistics);
        _buffer.Commit(w.Position);
        await _buffer.FlushAsync(ct).ConfigureAwait(false);
    }
}
