namespace NativeSync.Engine.Filters;

/// <summary>
/// The rules that hold for the entries of one directory: the first that takes effect on a name decides, and a name that none does is
/// included. Immutable, so it may be asked by many threads, and shared with directories below that have no rule file of their own.
/// </summary>
internal sealed class DirectoryRules
{
    private readonly FilterRule[] _sender;
    private readonly FilterRule[] _receiver;

    private DirectoryRules(List<FilterRule> rules, byte[] root, DirMergeLists lists)
    {
        _sender = [.. rules.Where(static r => !r.IsForXattrs && r.AppliesTo(FilterSide.Sender))];
        _receiver = [.. rules.Where(static r => !r.IsForXattrs && r.AppliesTo(FilterSide.Receiver))];
        Root = root;
        Lists = lists;
    }

    /// <summary>The rules of each dir-merge rule, for the directories below.</summary>
    public DirMergeLists Lists { get; }

    /// <summary>Absolute path of the root of the transfer, without its leading slash.</summary>
    public byte[] Root { get; }

    /// <summary>A rule file in this directory or above could not be read: nobody knows what it protects.</summary>
    public bool IsUncertain { get; init; }

    /// <summary>The rules of a list.</summary>
    /// <param name="entries">The list.</param>
    /// <param name="root">The path of the root of the transfer without its leading slash, for rules that see it.</param>
    /// <param name="lists">What its dir-merge rules have read; nothing where no directory has been entered.</param>
    /// <param name="uncertain">A rule file could not be read.</param>
    public static DirectoryRules Of(IReadOnlyList<RuleEntry> entries, byte[] root, DirMergeLists lists, bool uncertain = false) =>
        new(Flatten(entries, lists, []), root, lists) { IsUncertain = uncertain };

    /// <summary>Whether any rule has a say on <paramref name="side"/>.</summary>
    public bool HasRules(FilterSide side) => (side == FilterSide.Sender ? _sender : _receiver).Length > 0;

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

        foreach (FilterRule rule in side == FilterSide.Sender ? _sender : _receiver)
        {
            if (insideDeletion && (rule.Flags & RuleFlags.Perishable) != 0)
            {
                continue;
            }

            if (rule.TakesEffect(pathFromRoot, isDirectory, Root))
            {
                return rule.Includes ? FilterDecision.Included : side == FilterSide.Sender ? FilterDecision.Excluded : FilterDecision.Protected;
            }
        }

        return FilterDecision.Included;
    }

    /// <summary>Puts the rules of the dir-merge files where their dir-merge rules stand.</summary>
    private static List<FilterRule> Flatten(IReadOnlyList<RuleEntry> entries, DirMergeLists lists, List<FilterRule> into)
    {
        foreach (RuleEntry entry in entries)
        {
            if (entry.Rule is { } rule)
            {
                into.Add(rule);
            }
            else
            {
                Flatten(lists.Of(entry.Merge!), lists, into);
            }
        }

        return into;
    }
}
