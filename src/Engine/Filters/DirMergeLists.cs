namespace NativeSync.Engine.Filters;

/// <summary>What the dir-merge rules at work in one directory have read, there and above it. Not changed once it is handed out.</summary>
internal sealed class DirMergeLists
{
    private readonly Dictionary<DirMergeRule, RuleEntry[]> _lists = [];

    /// <summary>No dir-merge rule is at work.</summary>
    public static DirMergeLists None { get; } = new();

    /// <summary>The dir-merge rules at work.</summary>
    public IReadOnlyCollection<DirMergeRule> Rules => _lists.Keys;

    /// <summary>Some rules end with this directory.</summary>
    public bool EndsHere { get; private set; }

    /// <summary>The rules that stand in the place of a dir-merge rule.</summary>
    public RuleEntry[] Of(DirMergeRule merge) => _lists.GetValueOrDefault(merge) ?? [];

    /// <summary>Sets them.</summary>
    public void Set(DirMergeRule merge, RuleEntry[] rules)
    {
        _lists[merge] = rules;
        EndsHere |= !merge.Inherits && rules.Length > 0;
    }
}
