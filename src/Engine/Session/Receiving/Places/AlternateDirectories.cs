using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session.Receiving.Directories;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving.Places;

/// <summary>How well an entry of an alternate directory matches one of the source.</summary>
internal enum AlternateLevel : byte
{
    /// <summary>There is none.</summary>
    None,

    /// <summary>One of the same type: for a regular file of other content a basis.</summary>
    Basis,

    /// <summary>The same content, other attributes.</summary>
    Content,

    /// <summary>The same in all that is preserved.</summary>
    Exact,
}

/// <summary>The best match: in which directory, how good, and what differs there.</summary>
internal readonly record struct AlternateMatch(AlternateLevel Level, int Place, Changes Differences);

/// <summary>
/// The hierarchies of --compare-dest, --copy-dest and --link-dest. Each is opened once; below it entries of the same relative path
/// are looked at by handle, and links are never followed.
/// </summary>
internal sealed class AlternateDirectories : IDisposable
{
    /// <summary>Handles kept on directories of each hierarchy.</summary>
    private const int HandlesEach = 16;

    private readonly SyncContext _context;
    private readonly ReceiverTree _tree;
    private readonly List<(int Root, DirectoryHandles Handles)> _places = [];

    public AlternateDirectories(SyncContext context, ReceiverTree tree)
    {
        _context = context;
        _tree = tree;
        foreach (var directory in context.Options.AlternateDirectories)
        {
            var fd = OperatorPath.Open(context.Io, tree.Root, directory);
            if (fd < 0)
            {
                // As with rsync: said, and done without.
                tree.Outcomes.Problem(Operation.Open, -fd, directory, warning: true);
                continue;
            }

            _places.Add((fd, new DirectoryHandles(context.Io, fd, keepLinks: false, HandlesEach)));
        }
    }

    public AlternateUse Use => _places.Count == 0 ? AlternateUse.None : _context.Options.AlternateUse;

    public bool IsOn => _places.Count > 0;

    public int Count => _places.Count;

    /// <summary>The first hierarchy's own directory; -1 without any. Stays the callee's.</summary>
    public int FirstRoot => _places.Count > 0 ? _places[0].Root : -1;

    /// <summary>A handle on a directory of one hierarchy; its Fd is negative where there is none.</summary>
    public DirectoryHandles Handles(int place) => _places[place].Handles;

    /// <summary>
    /// Looks for an entry of the source, in the order of the directories: the first that is the same in everything, else the first of
    /// the same content, else the first regular file of the name.
    /// </summary>
    /// <param name="directory">Where the entry is.</param>
    /// <param name="index">The entry.</param>
    /// <param name="sameContent">Tells whether a regular file has the content of the source, as far as can be told at once.</param>
    public AlternateMatch Find(ReceiverDirectory directory, int index, Func<EntryMetadata, EntryMetadata, bool> sameContent)
    {
        var best = default(AlternateMatch);
        for (var place = 0; place < _places.Count && best.Level != AlternateLevel.Exact; place++)
        {
            var match = Look(directory, index, place, sameContent);
            if (match.Level > best.Level)
            {
                best = match;
            }
        }

        return best;
    }

    /// <summary>True when a place has an entry that looks the same in everything but, perhaps, its content.</summary>
    public bool HasSame(ReceiverDirectory directory, int index)
    {
        var place = 0;
        while (place < _places.Count && Look(directory, index, place).Level != AlternateLevel.Exact)
        {
            place++;
        }

        return place < _places.Count;
    }

    /// <summary>What is different about the first directory of an entry's name; null where there is none.</summary>
    public Changes? FindDirectory(ReceiverDirectory directory, int index)
    {
        for (var place = 0; place < _places.Count; place++)
        {
            if (Look(directory, index, place) is { Level: not AlternateLevel.None } match)
            {
                return match.Differences;
            }
        }

        return null;
    }

    /// <summary>
    /// -c: the places that have a regular file of the same size, those with the same attributes first.
    /// </summary>
    /// <param name="directory">Where the entry is.</param>
    /// <param name="index">The entry.</param>
    /// <param name="exactOnly">Leaves out those with other attributes.</param>
    public ArraySegment<int> Candidates(ReceiverDirectory directory, int index, bool exactOnly)
    {
        var places = new List<int>();
        var exact = 0;
        for (var place = 0; place < _places.Count; place++)
        {
            var level = Look(directory, index, place).Level;
            if (level == AlternateLevel.Exact)
            {
                places.Insert(exact++, place);
            }
            else if (level == AlternateLevel.Content && !exactOnly)
            {
                places.Add(place);
            }
        }

        return places.ToArray();
    }

    /// <summary>What one place has, provided that content of the same size is the same.</summary>
    public AlternateMatch Look(ReceiverDirectory directory, int index, int place) => Look(directory, index, place, SameSize);

    public void Forget(ReceiverDirectory directory)
    {
        foreach (var (_, handles) in _places)
        {
            handles.Forget(directory);
        }
    }

    public void Dispose()
    {
        foreach (var (root, handles) in _places)
        {
            handles.Dispose();
            _context.Io.Close(root);
        }
    }

    private static bool SameSize(EntryMetadata here, EntryMetadata wanted) => here.Size == wanted.Size;

    private AlternateMatch Look(ReceiverDirectory directory, int index, int place, Func<EntryMetadata, EntryMetadata, bool> sameContent)
    {
        var handles = _places[place].Handles;
        var handle = handles.Take(directory);
        try
        {
            var name = _tree.LocalName(directory, index);
            if (handle.Fd < 0 || _context.Io.StatAt(handle.Fd, name, out var status) < 0)
            {
                return default;
            }

            var remote = directory.Remote!.Entries;
            ref var wanted = ref remote.Metadata(index);
            var here = status.ToMetadata();
            if (here.Type != wanted.Type)
            {
                return default;
            }

            var xattrs = _tree.Attributes.ReadXattrs(handle.Fd, name);
            var differences = _tree.Attributes.Compare(wanted, remote.Xattrs(index), here, xattrs);
            var same = wanted.IsRegular ? sameContent(here, wanted)
                : wanted.IsSymbolicLink ? HasTarget(handle.Fd, name, remote.LinkTarget(index))
                : !wanted.IsDevice || here.Rdev == wanted.Rdev;
            if (!same)
            {
                differences |= wanted.IsRegular
                    ? (here.Size != wanted.Size ? Changes.Size : 0) | (MetadataWriter.SameTime(here.Modified, wanted.Modified, _context.TimeWindow) ? 0 : Changes.Time)
                    : wanted.IsSymbolicLink ? Changes.LinkTarget : Changes.Device;
                return new AlternateMatch(AlternateLevel.Basis, place, differences);
            }

            return new AlternateMatch(differences == 0 ? AlternateLevel.Exact : AlternateLevel.Content, place, differences);
        }
        finally
        {
            handles.Return(handle);
        }
    }

    private bool HasTarget(int dirfd, ReadOnlySpan<byte> name, ReadOnlySpan<byte> wanted)
    {
        Span<byte> target = stackalloc byte[ProtocolLimits.MaxLinkTarget + 1];
        var length = _context.Io.ReadLinkAt(dirfd, name, target);
        return length >= 0 && target[..length].SequenceEqual(wanted);
    }
}
