namespace NativeSync.Engine.Filters;

/// <summary>Which prefixes a line of a rule file may have.</summary>
internal enum RulePrefixes : byte
{
    /// <summary>The whole syntax of <c>--filter</c>.</summary>
    Full,

    /// <summary>That of <c>--exclude-from</c>: <c>"+ "</c>, <c>"- "</c> and a lone <c>!</c> (rsync-semantics.md §2.1).</summary>
    Old,

    /// <summary>None: every line is a pattern, <c>!</c> too.</summary>
    None,

    /// <summary>None, but a lone <c>!</c> clears: CVS's ignore files.</summary>
    Cvs,
}

/// <summary>How a file of rules is read: what its lines may say, and what they say by default.</summary>
/// <param name="Prefixes">Which prefixes a line may have.</param>
/// <param name="Defaults">Kind of rules without a prefix, and what all rules take over.</param>
/// <param name="Words">Split at white space, without comments.</param>
/// <param name="NulSeparated">Lines end at NUL only (<c>--from0</c>).</param>
internal readonly record struct RuleSyntax(RulePrefixes Prefixes, RuleFlags Defaults, bool Words = false, bool NulSeparated = false)
{
    /// <summary>One <c>--filter</c> argument.</summary>
    public static RuleSyntax Filter => default;

    /// <summary>An <c>--exclude</c> or <c>--include</c> argument, or a line of their files.</summary>
    public static RuleSyntax Old(bool include, bool nulSeparated = false) =>
        new(RulePrefixes.Old, include ? RuleFlags.Include : RuleFlags.None, NulSeparated: nulSeparated);

    /// <summary>The file that a merge or dir-merge rule names.</summary>
    public static RuleSyntax Of(RuleFlags merge, bool nulSeparated) => new(
        (merge & RuleFlags.Cvs) != 0 ? RulePrefixes.Cvs : (merge & RuleFlags.NoPrefixes) != 0 ? RulePrefixes.None : RulePrefixes.Full,
        merge & (RuleFlags.Inherited | ((merge & RuleFlags.NoPrefixes) != 0 ? RuleFlags.Include : 0)),
        (merge & RuleFlags.Words) != 0,
        nulSeparated);

    /// <summary>Parses one rule.</summary>
    /// <exception cref="FilterException">The rule is malformed, or names a side where the merge rule has done so.</exception>
    public ParsedRule Parse(ReadOnlySpan<byte> text)
    {
        if (Prefixes != RulePrefixes.Full)
        {
            if (Prefixes != RulePrefixes.None && text.SequenceEqual("!"u8))
            {
                return new ParsedRule(RuleAction.Clear, RuleFlags.None, default);
            }

            if (Prefixes != RulePrefixes.Old || text is not [(byte)'+' or (byte)'-', (byte)' ', ..])
            {
                return new ParsedRule(RuleAction.Add, Defaults, text);
            }
        }

        ParsedRule rule = FilterRuleParser.Parse(text);
        if ((Defaults & RuleFlags.Sides) != 0 && (rule.Flags & RuleFlags.Sides) != 0)
        {
            throw FilterException.InRule("specified-side merge file contains specified-side filter", text);
        }

        return new ParsedRule(rule.Action, rule.Flags | (Defaults & RuleFlags.Inherited), rule.Pattern);
    }
}
