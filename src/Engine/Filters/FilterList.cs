namespace NativeSync.Engine.Filters;

/// <summary>
/// An ordered list of rules as a job carries them (rsync-semantics.md §2.2, §2.4). What they say about a name depends on the directory
/// when there are dir-merge rules among them: see <see cref="FilterScope"/>.
/// </summary>
internal sealed class FilterList
{
    private readonly List<RuleEntry> _entries = [];
    private DirectoryRules? _global;

    /// <summary>A new list without rules.</summary>
    public static FilterList Empty => new();

    /// <summary>No rule has a say about any name on either side.</summary>
    public bool IsEmpty => _entries.Count == 0;

    /// <summary>At least one rule is about names of extended attributes.</summary>
    public bool HasXattrRules => _entries.Exists(static e => e.Rule is { IsForXattrs: true });

    /// <summary>At least one rule reads files in directories.</summary>
    public bool HasDirMerges => _entries.Exists(static e => e.Merge is not null);

    /// <summary>At least one rule sees more of the path than the part in the transfer.</summary>
    public bool NeedsRootPath => _entries.Exists(static e => e.Merge is not null || (e.Rule!.Flags & RuleFlags.AbsolutePath) != 0);

    /// <summary>Rules that name no side are for the sending side alone, as <c>--delete-excluded</c> asks.</summary>
    public bool DeleteExcluded { get; private init; }

    /// <summary>Rules and dir-merge rules in order.</summary>
    public IReadOnlyList<RuleEntry> Entries => _entries;

    /// <summary>The rules that hold everywhere: what is about names that an operator gave.</summary>
    public DirectoryRules Global => _global ??= DirectoryRules.Of(_entries, [], DirMergeLists.None);

    /// <summary>Parses rules in the syntax of <c>--filter</c>, in order.</summary>
    /// <exception cref="FilterException">A rule is malformed, or of a kind that does not travel.</exception>
    public static FilterList Parse(IEnumerable<byte[]> rules, bool deleteExcluded = false)
    {
        FilterList list = new() { DeleteExcluded = deleteExcluded };
        foreach (byte[] rule in rules)
        {
            list.Add(rule);
        }

        return list;
    }

    /// <summary>Adds one rule in the syntax of <c>--filter</c> at the end; a clearing rule empties the list. An empty rule is nothing.</summary>
    /// <exception cref="FilterException">The rule is malformed, or of a kind that does not travel.</exception>
    public void Add(ReadOnlySpan<byte> rule)
    {
        if (rule.IsEmpty)
        {
            return;
        }

        _global = null;
        ParsedRule parsed = FilterRuleParser.Parse(rule);
        switch (parsed.Action)
        {
            case RuleAction.Clear:
                _entries.Clear();
                break;
            case RuleAction.Merge or RuleAction.CvsDefaults:
                throw FilterException.InRule("this rule is expanded by who gives it, and means nothing in a job", rule);
            default:
                Append(_entries, parsed, default, DeleteExcluded, []);
                break;
        }
    }

    /// <summary>Decides about one name by the rules that hold everywhere, on a side whose root has no path.</summary>
    public FilterDecision Check(ReadOnlySpan<byte> pathFromRoot, bool isDirectory, FilterSide side, bool insideDeletion = false) =>
        Global.Check(pathFromRoot, isDirectory, side, insideDeletion);

    /// <summary>Decides about the name of an extended attribute, by the rules with the <c>x</c> modifier alone. Null when no rule takes effect.</summary>
    public bool? IncludesXattr(ReadOnlySpan<byte> name, FilterSide side)
    {
        foreach (RuleEntry entry in _entries)
        {
            if (entry.Rule is { IsForXattrs: true } rule && rule.AppliesTo(side) && rule.TakesEffect(name, isDirectory: false, default))
            {
                return rule.Includes;
            }
        }

        return null;
    }

    /// <summary>Adds an include, exclude or dir-merge rule to a list. Of dir-merge rules with one file name the first one counts.</summary>
    /// <param name="to">The list.</param>
    /// <param name="rule">The rule.</param>
    /// <param name="anchor">Where its leading slash is anchored.</param>
    /// <param name="deleteExcluded">Without a side it is for the sending side.</param>
    /// <param name="active">Dir-merge rules that are at work elsewhere.</param>
    internal static void Append(List<RuleEntry> to, ParsedRule rule, RuleAnchor anchor, bool deleteExcluded, IReadOnlyCollection<DirMergeRule> active)
    {
        RuleFlags unsided = deleteExcluded ? RuleFlags.SenderSide : RuleFlags.None;
        if (rule.Pattern.Length >= FilterRuleParser.MaxPattern)
        {
            // rsync drops these too: no name could match them.
            return;
        }

        if (rule.Action == RuleAction.Add)
        {
            to.Add(new RuleEntry(new FilterRule(rule.Pattern, rule.Flags | ((rule.Flags & RuleFlags.Sides) == 0 ? unsided : 0), anchor), null));
            return;
        }

        DirMergeRule merge = new(rule.Pattern, rule.Flags);
        if ((rule.Flags & RuleFlags.ExcludeSelf) != 0)
        {
            // As in rsync, the file's own rule takes nothing over from its modifiers.
            to.Add(new RuleEntry(new FilterRule(merge.Name, unsided), null));
        }

        if (!active.Any(Same) && !to.Exists(e => e.Merge is { } other && Same(other)))
        {
            to.Add(new RuleEntry(null, merge));
        }

        bool Same(DirMergeRule other) => other.Name.AsSpan().SequenceEqual(merge.Name);
    }
}
