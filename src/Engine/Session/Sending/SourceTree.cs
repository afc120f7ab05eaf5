using System.Text;
using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Filters;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Sending;

/// <summary>What the operator named, as one tree with a virtual root that all sources share.</summary>
internal sealed class SourceTree : IDisposable
{
    /// <summary>More places than this are opened anew whenever they are needed, rather than held.</summary>
    private const int MostHeld = 128;

    private readonly SyncContext _context;
    private readonly LinkFollower _links;
    private readonly Action<SyncProblem> _report;
    private readonly Dictionary<string, SourcePlace> _places = [];
    private readonly Dictionary<string, FilterScope> _filters = [];
    private int _order;
    private int _accepted;

    private SourceTree(SyncContext context, Action<SyncProblem> report)
    {
        _context = context;
        _report = report;
        _links = new LinkFollower(context);
    }

    public SourceNode Root { get; } = new([], []);

    /// <summary>True when there is exactly one source and it is not a directory: then the destination may be its new name.</summary>
    public bool IsSingleFile => _accepted == 1 && Root is { Contents: [], Own: null, Children: [{ IsDirectory: false, Named: true, Mark: EntryMark.None, Children: [] }] };

    /// <summary>True when nothing that was named can be sent.</summary>
    public bool IsEmpty => Root is { Contents: [], Own: null, Children: [] };

    /// <summary>What the root directory looks like, when its own attributes are transferred.</summary>
    public EntryMetadata Metadata { get; set; }

    /// <summary>Finds what can be found; the rest is reported and left out.</summary>
    /// <param name="context">Options.</param>
    /// <param name="sources">As named; the one directory that the names are relative to when there is a list.</param>
    /// <param name="names">The list of --files-from; null for none.</param>
    /// <param name="report">Told what cannot be sent.</param>
    /// <exception cref="SessionException">1: a name that cannot be kept; 3: the directory of the list cannot be opened.</exception>
    public static SourceTree Open(SyncContext context, IReadOnlyList<byte[]> sources, IReadOnlyList<byte[]>? names, Action<SyncProblem> report)
    {
        var tree = new SourceTree(context, report);
        try
        {
            tree.AddAll(sources, names);
            return tree;
        }
        catch
        {
            tree.Dispose();
            throw;
        }
    }

    private void AddAll(IReadOnlyList<byte[]> sources, IReadOnlyList<byte[]>? names)
    {
        var relative = Has(SourceOptions.Relative);
        if (Has(SourceOptions.Wildcards))
        {
            sources = WildcardNames.Expand(_context.Io, sources);
        }

        if (names is null)
        {
            foreach (var source in sources)
            {
                Add(default, SourceName.Parse(source, relative), source);
            }

            return;
        }

        if (sources.Count != 1)
        {
            throw new SessionException(1, $"{sources.Count} source directories for one list of names (name exactly one)");
        }

        var at = sources[0].Length == 0 ? "."u8.ToArray() : sources[0];
        var fd = _context.Io.OpenPath(at, OpenFlags.Read | OpenFlags.Directory);
        if (fd < 0)
        {
            throw new SessionException(ExitCodes.FileSelection, $"cannot change to the source directory \"{ByteText.Escape(at)}\": {Errno.Describe(-fd)}");
        }

        _context.Io.Close(fd);
        foreach (var name in names)
        {
            Add(at, SourceName.Parse(name, relative), name);
        }
    }

    public void Dispose()
    {
        foreach (var place in _places.Values)
        {
            place.Dispose();
        }
    }

    private bool Has(SourceOptions option) => (_context.Options.SourceOptions & option) != 0;

    /// <summary>Enters one name.</summary>
    /// <param name="below">The directory that a list is relative to; empty for none.</param>
    /// <param name="name">The name.</param>
    /// <param name="source">The same as it was given, for messages.</param>
    private void Add(ReadOnlySpan<byte> below, in SourceName name, byte[] source)
    {
        var order = _order++;
        var at = below.IsEmpty ? name.Directory : name.Directory is [(byte)'.'] ? below.ToArray() : PathBytes.Join(below, name.Directory);
        var parts = name.Parts;
        if (parts.Length == 0)
        {
            AddRoot(at, order, source);
            return;
        }

        var parent = at;
        foreach (var part in parts.AsSpan()[..^1])
        {
            parent = Append(parent, part);
        }

        var isDirectory = name.Contents && OpensAsDirectory(Append(parent, parts[^1]));
        var contents = isDirectory;
        var followed = false;
        var error = contents ? 0 : Look(parent, parts, out isDirectory, out followed);
        var path = PathOf(parts);
        var filters = Filters(at);
        if (filters.Outside.Check(path, isDirectory, FilterSide.Sender) != FilterDecision.Included)
        {
            return;
        }

        if (error < 0 && !(error == -Errno.ENOENT && Has(SourceOptions.IgnoreMissing | SourceOptions.DeleteMissing)))
        {
            _report(new SyncProblem(error == -Errno.ENOENT && followed ? Operation.Follow : Operation.Stat, -error, source, OnSource: true, Warning: false));
            return;
        }

        if (error < 0 && (!Has(SourceOptions.DeleteMissing) || !CanPass(at, parts)))
        {
            return;
        }

        if (isDirectory && !_context.Has(JobFlags.Recursive) && !_context.Has(JobFlags.Dirs))
        {
            _report(new SyncProblem(Operation.SkipDirectory, 0, path, OnSource: true, Warning: true));
            return;
        }

        _accepted++;
        if (name.Dotted)
        {
            Root.Own ??= Place(at);
        }

        var node = Walk(at, parts, order, filters);
        Enter(node, Place(parent), order, error < 0, isDirectory, contents, followed);
    }

    private void AddRoot(byte[] at, int order, byte[] source)
    {
        var place = Place(at);
        var fd = place.Take();
        place.Return(fd);
        if (fd < 0)
        {
            if (fd != -Errno.ENOENT || !Has(SourceOptions.IgnoreMissing | SourceOptions.DeleteMissing))
            {
                _report(new SyncProblem(Operation.Open, -fd, source, OnSource: true, Warning: false));
            }

            return;
        }

        if (!_context.Has(JobFlags.Recursive) && !_context.Has(JobFlags.Dirs))
        {
            _report(new SyncProblem(Operation.SkipDirectory, 0, "."u8.ToArray(), OnSource: true, Warning: true));
            return;
        }

        _accepted++;
        Root.Own ??= place;
        Root.Order = Math.Min(Root.Order, order);
        Root.AddContents(new Origin(place, [], Filters(at)), order);
    }

    /// <summary>Makes the nodes on the way to a name.</summary>
    private SourceNode Walk(byte[] at, byte[][] parts, int order, FilterScope filters)
    {
        var node = Root;
        var directory = at;
        for (var i = 0; i < parts.Length; i++)
        {
            node = node.Add(parts[i]);
            node.Place ??= Place(directory);
            node.Filters ??= filters;
            directory = Append(directory, parts[i]);
            if (i < parts.Length - 1)
            {
                node.Own ??= Place(directory);
                node.Mark = node.Named ? node.Mark : Has(SourceOptions.NoImpliedDirs) ? EntryMark.Passage : EntryMark.None;
                node.IsDirectory = true;
                node.Order = Math.Min(node.Order, order);
            }
        }

        return node;
    }

    private void Enter(SourceNode node, SourcePlace place, int order, bool missing, bool isDirectory, bool contents, bool followed)
    {
        // What is a directory wins over what is none, since there may be something in it; of the rest the first wins.
        if (node.Named && node.IsDirectory && !isDirectory)
        {
            return;
        }

        if (!node.Named || (isDirectory && !node.IsDirectory))
        {
            node.Mark = missing && node.Own is null ? EntryMark.Missing : EntryMark.None;
            node.Order = Math.Min(node.Order, order);
            node.Place = place;
        }

        node.Named = true;
        node.IsDirectory |= isDirectory;
        if (!isDirectory)
        {
            return;
        }

        if (contents)
        {
            node.Own ??= Place(Append(place.Path, node.Name));
        }

        if (_context.Has(JobFlags.Recursive) || contents)
        {
            // Rules from files do not count for what was named, but for what is below it.
            var rules = node.Filters!.FromAbove(withRoot: true);
            var holder = new Origin(place, [], node.Filters, rules);
            node.AddContents(
                contents ? holder with { Place = node.Own! }
                : followed ? holder with { Link = new FollowedLink(holder, node.Name, LinkSafety.Depth(node.Path) - 1) }
                : holder.Child(node.Name),
                order);
        }
    }

    private int Look(byte[] parent, byte[][] parts, out bool isDirectory, out bool followed)
    {
        isDirectory = followed = false;
        var place = Place(parent);
        var fd = place.Take();
        if (fd < 0)
        {
            return fd;
        }

        var error = _context.Io.StatAt(fd, parts[^1], out var status);
        if (error >= 0)
        {
            var wasLink = status.IsSymbolicLink;
            error = _links.Stat(fd, parts[^1], parts.Length - 1, ref status, out followed);
            followed |= wasLink && error < 0;
            isDirectory = status.IsDirectory;
        }

        place.Return(fd);
        return error;
    }

    /// <summary>What is missing can be deleted only where the way to it exists.</summary>
    private bool CanPass(byte[] at, byte[][] parts)
    {
        var directory = at;
        for (var i = 0; i < parts.Length - 1; i++)
        {
            directory = Append(directory, parts[i]);
            if (!OpensAsDirectory(directory))
            {
                _report(new SyncProblem(Operation.Stat, Errno.ENOENT, PathOf(parts[..(i + 1)]), OnSource: true, Warning: true));
                return false;
            }
        }

        return true;
    }

    private bool OpensAsDirectory(byte[] path) => _context.Io.StatPath(path, follow: true, out var status) >= 0 && status.IsDirectory;

    private FilterScope Filters(byte[] root)
    {
        var key = Encoding.Latin1.GetString(root);
        if (!_filters.TryGetValue(key, out var scope))
        {
            // Nobody knows what a rule file that cannot be read hides, so nothing may be deleted for being missing.
            scope = _context.FiltersIn(FilterSide.Sender, root, (path, errno) => _report(new SyncProblem(Operation.Open, errno, path, OnSource: true, Warning: false)));
            _filters.Add(key, scope);
        }

        return scope;
    }

    private SourcePlace Place(byte[] path)
    {
        var key = Encoding.Latin1.GetString(path);
        if (!_places.TryGetValue(key, out var place))
        {
            place = new SourcePlace(_context.Io, path);
            if (_places.Count < MostHeld)
            {
                place.Hold();
            }

            _places.Add(key, place);
        }

        return place;
    }

    private static byte[] PathOf(ReadOnlySpan<byte[]> parts)
    {
        byte[] path = [];
        foreach (var part in parts)
        {
            path = PathBytes.Join(path, part);
        }

        return path;
    }

    private static byte[] Append(byte[] directory, byte[] name) =>
        directory is [(byte)'.'] ? name : directory is [.., (byte)'/'] ? [.. directory, .. name] : PathBytes.Join(directory, name);
}
