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

    /// <param name="sources">The sources as named.</param>
    /// <param name="list">The names of --files-from; null for none.</param>
    /// <param name="options">How they are read.</param>
    /// <param name="filters">The rules that were given along.</param>
    public RequestedNames(IReadOnlyList<byte[]> sources, IReadOnlyList<byte[]>? list, SourceOptions options, FilterList filters)
    {
        // Names of a list are taken as they are.
        var wild = list is null && (options & SourceOptions.Wildcards) != 0;
        foreach (var name in list ?? sources)
        {
            Add(SourceName.Parse(name, (options & SourceOptions.Relative) != 0).Parts, wild);
        }

        _rules = !filters.NeedsRootPath && filters.Global.HasRules(FilterSide.Sender) ? filters.Global : null;
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

        if (!IsAsked(_root, path, out var named))
        {
            throw new ProtocolException(ProtocolError.BadName, $"\"{ByteText.Escape(path)}\" comes, which was not asked for (the other end is not to be trusted)");
        }

        if (!named && _rules is { } rules && rules.Check(path, isDirectory, FilterSide.Sender) != FilterDecision.Included)
        {
            throw new ProtocolException(ProtocolError.BadName, $"\"{ByteText.Escape(path)}\" comes, which the filter rules exclude (the other end is not to be trusted)");
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

    /// <param name="node">Where the path starts.</param>
    /// <param name="path">The rest of it.</param>
    /// <param name="named">It is itself a name, or on the way to one: rules for what is inside do not hold for it.</param>
    private static bool IsAsked(Node node, ReadOnlySpan<byte> path, out bool named)
    {
        named = path.IsEmpty;
        if (named)
        {
            return true;
        }

        var (name, rest) = SplitFirst(path);
        foreach (var child in node.Matching(name))
        {
            if (IsAsked(child, rest, out named))
            {
                return true;
            }
        }

        named = false;
        return node.Whole;
    }

    private static (byte[] Name, byte[] Below) SplitFirst(ReadOnlySpan<byte> path)
    {
        var slash = path.IndexOf((byte)'/');
        return slash < 0 ? (path.ToArray(), []) : (path[..slash].ToArray(), path[(slash + 1)..].ToArray());
    }

    /// <summary>A component of what was asked for.</summary>
    private sealed class Node
    {
        private readonly Dictionary<string, Node> _names = [];
        private List<(WildPattern Pattern, Node Node)>? _patterns;

        /// <summary>A name ends here: it and all below it is asked for.</summary>
        public bool Whole { get; set; }

        public Node Child(byte[] part, bool wild)
        {
            // What matches nothing is taken for a name: both may come.
            var key = Encoding.Latin1.GetString(wild ? WildcardNames.Unescape(part) : part);
            if (!_names.TryGetValue(key, out var node))
            {
                _names.Add(key, node = new Node());
                if (wild && WildcardNames.HasWildcard(part))
                {
                    (_patterns ??= []).Add((WildcardNames.Pattern(part), node));
                }
            }

            return node;
        }

        public IEnumerable<Node> Matching(byte[] name)
        {
            if (_names.Count > 0 && _names.TryGetValue(Encoding.Latin1.GetString(name), out var node))
            {
                yield return node;
            }

            foreach (var (pattern, child) in _patterns ?? [])
            {
                if (pattern.Matches(name))
                {
                    yield return child;
                }
            }
        }
    }
}
