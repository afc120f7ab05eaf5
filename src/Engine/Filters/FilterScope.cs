using NativeSync.Engine.FileSystem;

namespace NativeSync.Engine.Filters;

/// <summary>
/// A filter list at work in one tree of this side: reads the files of its dir-merge rules on the way down. Rules of a directory stand
/// in front of those that it inherits, all of them in the place of the dir-merge rule.
/// </summary>
/// <param name="list">The rules.</param>
/// <param name="io">Where the tree is.</param>
/// <param name="side">Which side this is: a rule file that a file of the tree names for the other side alone is not read.</param>
/// <param name="rootPath">Absolute path of the root of the transfer, as <see cref="RootPath.Of"/> gives it.</param>
/// <param name="nulSeparated">Lines of rule files end at NUL (<c>--from0</c>).</param>
/// <param name="unreadable">Is told of a rule file that is there and cannot be read: its path from the root, and errno.</param>
internal sealed class FilterScope(FilterList list, ISystemCalls io, FilterSide side, byte[] rootPath, bool nulSeparated, Action<byte[], int> unreadable)
{
    private readonly FilterList _list = list;
    private readonly FilterSide _side = side;
    private readonly Action<byte[], int> _unreadable = unreadable;
    private readonly RuleFiles _files = new(io);
    private readonly DirMergeRule[] _global = [.. list.Entries.Where(static e => e.Merge is not null).Select(static e => e.Merge!)];

    /// <summary>The rules that hold for what an operator named: no directory has been entered.</summary>
    public DirectoryRules Outside { get; } = DirectoryRules.Of(list.Entries, rootPath, DirMergeLists.None);

    /// <summary>The rules in the root of the transfer.</summary>
    /// <exception cref="FilterException">A rule file is malformed.</exception>
    public DirectoryRules EnterRoot(int directory) => Enter(FromAbove(withRoot: false), [], directory);

    /// <summary>The rules from directories above the root of the transfer, where a dir-merge rule asks for them.</summary>
    /// <param name="withRoot">The root is such a directory too: what is transferred are entries of it that were named.</param>
    /// <exception cref="FilterException">A rule file is malformed.</exception>
    public DirectoryRules FromAbove(bool withRoot)
    {
        DirectoryRules rules = Outside;
        if (!Array.Exists(_global, static m => m.From.Length > 0))
        {
            return rules;
        }

        for (int end = 0; end < rootPath.Length;)
        {
            rules = EnterAbove(rules, end);
            int slash = rootPath.AsSpan(end + 1).IndexOf((byte)'/');
            end = slash < 0 ? rootPath.Length : end + 1 + slash;
        }

        return withRoot ? EnterAbove(rules, rootPath.Length) : rules;
    }

    /// <summary>The rules in a directory, from those in the one above it.</summary>
    /// <param name="above">The rules there.</param>
    /// <param name="path">The directory's path from the root.</param>
    /// <param name="directory">Its handle.</param>
    /// <exception cref="FilterException">A rule file is malformed.</exception>
    public DirectoryRules Enter(DirectoryRules above, ReadOnlySpan<byte> path, int directory) =>
        _global.Length == 0 ? above : new Visit(this, above, directory, path, new RuleAnchor(path.IsEmpty ? 0 : path.Length + 1, null)).Rules();

    private DirectoryRules EnterAbove(DirectoryRules above, int end)
    {
        byte[] path = [(byte)'/', .. rootPath.AsSpan(0, end)];
        int directory = io.OpenPath(path, OpenFlags.Read | OpenFlags.Directory);
        if (directory < 0)
        {
            return above;
        }

        try
        {
            byte[] down = rootPath.AsSpan(Math.Min(rootPath.Length, end > 0 ? end + 1 : 0)).ToArray();
            return new Visit(this, above, directory, path, new RuleAnchor(0, down)).Rules();
        }
        finally
        {
            _ = io.Close(directory);
        }
    }

    private RuleCollector Collect(byte[] content, DirMergeRule merge, byte[] place)
    {
        RuleCollector collector = new(_files) { TreeRoot = [(byte)'/', .. rootPath], NulSeparated = nulSeparated };
        collector.AddContent(content, RuleSyntax.Of(merge.Flags, nulSeparated), place);
        return collector;
    }

    /// <summary>One directory: which files are there, what they say, and what of it all holds.</summary>
    private ref struct Visit(FilterScope scope, DirectoryRules above, int directory, ReadOnlySpan<byte> path, RuleAnchor anchor)
    {
        private readonly ReadOnlySpan<byte> _path = path;
        private readonly DirMergeLists _lists = new();
        private readonly List<DirMergeRule> _active = [.. scope._global.Union(above.Lists.Rules)];
        private bool _uncertain = above.IsUncertain;
        private bool _changed = above.Lists.EndsHere;

        public DirectoryRules Rules()
        {
            // A file may add dir-merge rules to the end of this list: they are at work from here on.
            for (int i = 0; i < _active.Count; i++)
            {
                Read(_active[i]);
            }

            return _changed ? DirectoryRules.Of(scope._list.Entries, scope.Outside.Root, _lists, _uncertain) : above;
        }

        private void Read(DirMergeRule merge)
        {
            RuleEntry[] inherited = merge.Inherits ? above.Lists.Of(merge) : [];
            byte[]? content = null;
            if (IsLookedFor(merge))
            {
                content = scope._files.ReadIn(directory, merge.Name, out int error);
                if (error != 0)
                {
                    _uncertain = _changed = true;
                    scope._unreadable(Place(merge), error);
                }
            }

            if (content is null)
            {
                _lists.Set(merge, inherited);
                return;
            }

            _changed = true;
            RuleCollector collector = scope.Collect(content, merge, Place(merge));
            List<RuleEntry> rules = [];
            foreach (byte[] rule in collector.Rules)
            {
                ParsedRule parsed = FilterRuleParser.Parse(rule);
                if ((parsed.Flags & RuleFlags.XattrName) != 0)
                {
                    // Attributes are chosen by one list for the whole tree: better refused than passed over.
                    throw new FilterException(
                        $"{ByteText.Escape(Place(merge))}: a rule for extended attributes (x) is taken on the command line and from merge files only",
                        FilterException.NotSupported);
                }

                if (parsed.Action == RuleAction.Add || FilterRule.AppliesTo(parsed.Flags, scope._side))
                {
                    FilterList.Append(rules, parsed, anchor, scope._list.DeleteExcluded, _active);
                }
            }

            foreach (RuleEntry entry in rules)
            {
                if (entry.Merge is { } found)
                {
                    _active.Add(found);
                }
            }

            _lists.Set(merge, [.. rules, .. collector.Cleared ? [] : inherited]);
        }

        /// <summary>Above the root, a dir-merge rule is at work from the directory that it names; one that a file there added always is.</summary>
        private readonly bool IsLookedFor(DirMergeRule merge)
        {
            if (anchor.Above is null || Array.IndexOf(scope._global, merge) < 0)
            {
                return true;
            }

            byte[] from = RootPath.Clean(merge.From is [(byte)'/', ..] ? merge.From : [.. scope.Outside.Root, (byte)'/', .. merge.From]);
            return merge.From.Length > 0 && RootPath.IsWithin(_path[1..], from);
        }

        private readonly byte[] Place(DirMergeRule merge) =>
            _path.IsEmpty ? merge.Name : [.. _path.TrimEnd((byte)'/'), (byte)'/', .. merge.Name];
    }
}
