using System.Text;
using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Filters;
using NativeSync.Engine.Session.Receiving.Directories;
using NativeSync.Engine.Session.Sending;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Receiving;

/// <summary>
/// What a pull asked for. The sender takes the names, and the rules that hide some, from this end; one that brings other names
/// (a <c>.ssh</c> where a <c>notes.txt</c> was asked for) is not believed.
/// </summary>
/// <remarks>Rules that depend on files or on the place of the source are known there alone: with such rules hidden names are the sender's word.</remarks>
internal sealed class RequestedNames
{
    private readonly Node _root = new();
    private readonly DirectoryRules? _rules;
    private readonly bool _takesRoot;

    /// <param name="sources">The sources as named.</param>
    /// <param name="list">The names of --files-from; null for none.</param>
    /// <param name="options">How they are read.</param>
    /// <param name="filters">The rules that were given along.</param>
    public RequestedNames(IReadOnlyList<byte[]> sources, IReadOnlyList<byte[]>? list, SourceOptions options, FilterList filters)
    {
        // Names of a list are taken as they are.
        var wild = list is null && (options & SourceOptions.Wildcards) != 0;
        foreach (var source in list ?? sources)
        {
            var name = SourceName.Parse(source, (options & SourceOptions.Relative) != 0);
            Add(name.Parts, wild);
            _takesRoot |= name.Parts.Length == 0 || name.Dotted;
        }

        _rules = !filters.NeedsRootPath && filters.Global.HasRules(FilterSide.Sender) ? filters.Global : null;
    }

    /// <summary>Looks at what is said of the destination directory itself.</summary>
    /// <exception cref="ProtocolException">Its attributes come, and only entries of it were named.</exception>
    public void Check(in RootRecord root)
    {
        if ((root.Flags & RootFlags.Attributes) != 0 && !_takesRoot)
        {
            throw new ProtocolException(ProtocolError.BadName, "attributes of the destination directory come, which was not asked for (the other end is not to be trusted)");
        }
    }

    /// <summary>Looks at how much of a directory comes: where only some entries were named, the others are not the sender's to delete.</summary>
    /// <exception cref="ProtocolException">All of it is said to come.</exception>
    public void Check(ReceiverDirectory directory, RemoteListing remote)
    {
        if (remote.IsComplete && !remote.IsSelected && !IsWhole(_root, directory.Path))
        {
            throw new ProtocolException(ProtocolError.BadName, $"all of \"{ByteText.Escape(directory.Path)}\" comes, of which some was asked for (the other end is not to be trusted)");
        }
    }

    /// <summary>Looks at the entries that came of a directory.</summary>
    /// <exception cref="ProtocolException">One was not asked for.</exception>
    public void Check(ReceiverDirectory directory, DirectoryListing entries, int first)
    {
        if (_rules is null && IsWhole(_root, directory.Path))
        {
            return;
        }

        for (var i = first; i < entries.Count; i++)
        {
            Check(PathBytes.Join(directory.Path, entries.Name(i)), entries.Metadata(i).IsDirectory);
        }
    }

    /// <summary>Looks at one path below the destination.</summary>
    /// <exception cref="ProtocolException">It was not asked for.</exception>
    public void Check(ReadOnlySpan<byte> path, bool isDirectory)
    {
        if (_rules is null && _root.Whole)
        {
            return;
        }

        switch (Find(_root, path))
        {
            case Asked.No:
            case Asked.OnTheWay when !isDirectory:
                throw new ProtocolException(ProtocolError.BadName, $"\"{ByteText.Escape(path)}\" comes, which was not asked for (the other end is not to be trusted)");
            case Asked.Yes when _rules?.Check(path, isDirectory, FilterSide.Sender) is { } decision and not FilterDecision.Included:
                throw new ProtocolException(ProtocolError.BadName, $"\"{ByteText.Escape(path)}\" comes, which the filter rules exclude (the other end is not to be trusted)");
            default:
                break;
        }
    }

    private void Add(byte[][] parts, bool wild)
    {
        var node = _root;
        foreach (var part in parts)
        {
            node = node.Child(part, wild);
        }

        node.Whole = true;
    }

    /// <summary>All that can be below a directory was asked for.</summary>
    private static bool IsWhole(Node node, ReadOnlySpan<byte> path)
    {
        if (node.Whole || path.IsEmpty)
        {
            return node.Whole;
        }

        var (name, rest) = SplitFirst(path);
        foreach (var child in node.Matching(name))
        {
            if (IsWhole(child, rest))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Where a path leads from a node.</summary>
    private static Asked Find(Node node, ReadOnlySpan<byte> path)
    {
        if (path.IsEmpty)
        {
            // Rules do not keep a directory from being passed on the way to what is named in it.
            return node.HasChildren ? node.Whole ? Asked.Passed : Asked.OnTheWay : Asked.Yes;
        }

        var (name, rest) = SplitFirst(path);
        var best = node.Whole ? Asked.Yes : Asked.No;
        foreach (var child in node.Matching(name))
        {
            if (Find(child, rest) is var found && found > best)
            {
                best = found;
            }
        }

        return best;
    }

    private static (byte[] Name, byte[] Below) SplitFirst(ReadOnlySpan<byte> path)
    {
        var slash = path.IndexOf((byte)'/');
        return slash < 0 ? (path.ToArray(), []) : (path[..slash].ToArray(), path[(slash + 1)..].ToArray());
    }

    /// <summary>What a path is to what was asked for, from nothing to most.</summary>
    private enum Asked
    {
        No,

        /// <summary>A name is below it: only a directory may come.</summary>
        OnTheWay,

        /// <summary>It is a name, or below one.</summary>
        Yes,

        /// <summary>It is a name, and another is below it.</summary>
        Passed,
    }

    /// <summary>A component of what was asked for.</summary>
    private sealed class Node
    {
        private Dictionary<string, Node>? _names;
        private List<(byte[] Component, WildPattern Pattern, Node Node)>? _patterns;

        /// <summary>A name ends here: it and all below it is asked for.</summary>
        public bool Whole { get; set; }

        public bool HasChildren => _names is not null;

        public Node Child(byte[] part, bool wild)
        {
            // What matches nothing is taken for a name: both may come.
            var key = Encoding.Latin1.GetString(wild ? WildcardNames.Unescape(part) : part);
            if (!(_names ??= []).TryGetValue(key, out var node))
            {
                _names.Add(key, node = new Node());
            }

            if (wild && WildcardNames.HasWildcard(part) && _patterns?.Exists(p => p.Component.AsSpan().SequenceEqual(part)) != true)
            {
                (_patterns ??= []).Add((part, WildcardNames.Pattern(part), node));
            }

            return node;
        }

        public IEnumerable<Node> Matching(byte[] name)
        {
            if (_names is not null && _names.TryGetValue(Encoding.Latin1.GetString(name), out var node))
            {
                yield return node;
            }

            foreach (var (component, pattern, child) in _patterns ?? [])
            {
                if (WildcardNames.Matches(component, pattern, name))
                {
                    yield return child;
                }
            }
        }
    }
}
