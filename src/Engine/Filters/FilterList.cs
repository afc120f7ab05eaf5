namespace NativeSync.Engine.Filters;

/// <summary>
/// An ordered list of filter rules: the first that takes effect on a name decides, and a name that none does is included
/// (rsync-semantics.md §2.2, §2.4). Checking is pure and may run on many threads at once; adding may not.
/// </summary>
internal sealed class FilterList
{
    private readonly List<FilterRule> _all = [];
    private FilterRule[] _sender = [];
    private FilterRule[] _receiver = [];
    private byte[] _root = [];
    private bool _xattrRules;
    private bool _stale;

    /// <summary>A new list without rules.</summary>
    public static FilterList Empty => new();

    /// <summary>No rule has a say about any name on either side.</summary>
    public bool IsEmpty => _all.Count == 0;

    /// <summary>At least one rule is about names of extended attributes.</summary>
    public bool HasXattrRules => _xattrRules;

    /// <summary>
    /// The absolute path of the root of the transfer on this side, for rules with the <c>/</c> modifier. Without it they see the name alone.
    /// </summary>
    public ReadOnlySpan<byte> AbsoluteRoot
    {
        get => _root;
        set => _root = value.Trim((byte)'/').ToArray();
    }

    /// <summary>
    /// Parses rules in the syntax of <c>--filter</c>, in order. With <paramref name="deleteExcluded"/> a rule that names no side is for the
    /// sending side alone, as <c>--delete-excluded</c> asks.
    /// </summary>
    /// <exception cref="FilterException">A rule is malformed, or of a kind that is not supported yet.</exception>
    public static FilterList Parse(IEnumerable<byte[]> rules, bool deleteExcluded = false)
    {
        FilterList list = new();
        foreach (byte[] rule in rules)
        {
            list.Add(rule, deleteExcluded);
        }

        return list;
    }

    /// <summary>Adds one rule in the syntax of <c>--filter</c> at the end; a clearing rule empties the list. An empty rule is nothing.</summary>
    /// <exception cref="FilterException">The rule is malformed, or of a kind that is not supported yet.</exception>
    public void Add(ReadOnlySpan<byte> rule, bool deleteExcluded = false)
    {
        if (rule.IsEmpty)
        {
            return;
        }

        ParsedRule parsed = FilterRuleParser.Parse(rule);
        _stale = true;
        if (parsed.Action == RuleAction.Clear)
        {
            _all.Clear();
            _xattrRules = false;
            return;
        }

        if (parsed.Pattern.Length >= FilterRuleParser.MaxPattern)
        {
            // rsync drops these too: no name could match them.
            return;
        }

        RuleFlags flags = parsed.Flags;
        if (deleteExcluded && (flags & RuleFlags.Sides) == 0)
        {
            flags |= RuleFlags.SenderSide;
        }

        _xattrRules |= (flags & RuleFlags.XattrName) != 0;
        _all.Add(new FilterRule(parsed.Pattern, flags));
    }

    /// <summary>Whether any rule about file names has a say on <paramref name="side"/>.</summary>
    public bool HasRules(FilterSide side) => NamesFor(side).Length > 0;

    /// <summary>Decides about one name.</summary>
    /// <param name="pathFromRoot">Path relative to the root of the transfer, without a leading slash; the root itself (empty) is always included.</param>
    /// <param name="isDirectory">Whether lstat says that it is a directory; a link to one is not.</param>
    /// <param name="side">The side that asks.</param>
    /// <param name="insideDeletion">The name lies in a directory that is being deleted: perishable rules are ignored.</param>
    public FilterDecision Check(ReadOnlySpan<byte> pathFromRoot, bool isDirectory, FilterSide side, bool insideDeletion = false)
    {
        if (pathFromRoot.IsEmpty)
        {
            return FilterDecision.Included;
        }

        foreach (FilterRule rule in NamesFor(side))
        {
            if (insideDeletion && (rule.Flags & RuleFlags.Perishable) != 0)
            {
                continue;
            }

            if (rule.TakesEffect(pathFromRoot, isDirectory, _root))
            {
                return rule.Includes ? FilterDecision.Included : side == FilterSide.Sender ? FilterDecision.Excluded : FilterDecision.Protected;
            }
        }

        return FilterDecision.Included;
    }

    /// <summary>Decides about the name of an extended attribute, by the rules with the <c>x</c> modifier alone. Null when no rule takes effect.</summary>
    public bool? IncludesXattr(ReadOnlySpan<byte> name, FilterSide side)
    {
        foreach (FilterRule rule in _all)
        {
            if ((rule.Flags & RuleFlags.XattrName) != 0 && rule.AppliesTo(side) && rule.TakesEffect(name, isDirectory: false, default))
            {
                return rule.Includes;
            }
        }

        return null;
    }

    private FilterRule[] NamesFor(FilterSide side)
    {
        if (_stale)
        {
            // Two threads may both do this; they come to the same arrays, and the flag falls last.
            _sender = Select(FilterSide.Sender);
            _receiver = Select(FilterSide.Receiver);
            Volatile.Write(ref _stale, false);
        }

        return side == FilterSide.Sender ? _sender : _receiver;
    }

    private FilterRule[] Select(FilterSide side) => [.. _all.Where(rule => (rule.Flags & RuleFlags.XattrName) == 0 && rule.AppliesTo(side))];
}
