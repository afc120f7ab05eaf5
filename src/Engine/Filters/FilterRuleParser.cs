namespace NativeSync.Engine.Filters;

/// <summary>What one rule asks for.</summary>
internal enum RuleAction : byte
{
    /// <summary>Add an include or exclude rule.</summary>
    Add,

    /// <summary>Forget every rule so far.</summary>
    Clear,

    /// <summary>Read a file of rules now.</summary>
    Merge,

    /// <summary>Read a file of rules in each directory.</summary>
    DirMerge,

    /// <summary>Add what CVS ignores.</summary>
    CvsDefaults,
}

/// <summary>One parsed rule; <see cref="Pattern"/> (of merge rules the file) borrows from what was parsed.</summary>
internal readonly ref struct ParsedRule(RuleAction action, RuleFlags flags, ReadOnlySpan<byte> pattern)
{
    public RuleAction Action { get; } = action;

    public RuleFlags Flags { get; } = flags;

    public ReadOnlySpan<byte> Pattern { get; } = pattern;
}

/// <summary>The syntax of <c>--filter</c>: <c>RULE[,MODIFIERS] PATTERN</c> (rsync-semantics.md §2.4).</summary>
internal static class FilterRuleParser
{
    /// <summary>rsync discards patterns of this length and more.</summary>
    public const int MaxPattern = 4096;

    /// <summary>Parses one rule.</summary>
    /// <exception cref="FilterException">The rule is malformed.</exception>
    public static ParsedRule Parse(ReadOnlySpan<byte> rule)
    {
        (RuleAction action, RuleFlags flags, int length) = ReadHead(rule);
        if (action == RuleAction.Clear)
        {
            return length == rule.Length ? new ParsedRule(action, flags, default) : throw FilterException.InRule("'!' rule has trailing characters", rule);
        }

        ReadOnlySpan<byte> pattern = rule[Math.Min(length + 1, rule.Length)..];
        if (pattern.IsEmpty && (flags & RuleFlags.Cvs) != 0)
        {
            pattern = ".cvsignore"u8;
        }

        return pattern.IsEmpty && action != RuleAction.CvsDefaults
            ? throw FilterException.InRule("unexpected end of filter rule", rule)
            : new ParsedRule(action, flags, pattern);
    }

    /// <summary>Whether a word ends before the pattern that its rule needs: <c>- foo</c> is one rule in a file of words, too.</summary>
    /// <exception cref="FilterException">The rule is malformed.</exception>
    public static bool LacksPattern(ReadOnlySpan<byte> word)
    {
        (RuleAction action, RuleFlags flags, int length) = ReadHead(word);
        return length == word.Length && action is not (RuleAction.Clear or RuleAction.CvsDefaults) && (flags & RuleFlags.Cvs) == 0;
    }

    /// <summary>Reads the name of a rule and its modifiers, up to the separator or the end.</summary>
    private static (RuleAction Action, RuleFlags Flags, int Length) ReadHead(ReadOnlySpan<byte> rule)
    {
        byte kind = ReadKind(rule, out int at);
        (RuleAction action, RuleFlags flags) = kind switch
        {
            (byte)'-' => (RuleAction.Add, RuleFlags.None),
            (byte)'+' => (RuleAction.Add, RuleFlags.Include),
            (byte)'H' => (RuleAction.Add, RuleFlags.SenderSide),
            (byte)'S' => (RuleAction.Add, RuleFlags.SenderSide | RuleFlags.Include),
            (byte)'P' => (RuleAction.Add, RuleFlags.ReceiverSide),
            (byte)'R' => (RuleAction.Add, RuleFlags.ReceiverSide | RuleFlags.Include),
            (byte)'!' => (RuleAction.Clear, RuleFlags.None),
            (byte)'.' => (RuleAction.Merge, RuleFlags.None),
            (byte)':' => (RuleAction.DirMerge, RuleFlags.None),
            _ => throw FilterException.InRule("unknown filter rule", rule),
        };
        if (action == RuleAction.Clear)
        {
            return (action, flags, at);
        }

        bool kindNamesSide = (flags & RuleFlags.Sides) != 0;
        for (; at < rule.Length && rule[at] is not ((byte)' ' or (byte)'_'); at++)
        {
            bool merges = action is RuleAction.Merge or RuleAction.DirMerge;
            bool prefixed = merges && (flags & RuleFlags.NoPrefixes) == 0;
            switch (rule[at])
            {
                case (byte)'/': flags |= RuleFlags.AbsolutePath; break;
                case (byte)'!' when !merges: flags |= RuleFlags.Negate; break;
                case (byte)'p': flags |= RuleFlags.Perishable; break;
                case (byte)'s' when !kindNamesSide: flags |= RuleFlags.SenderSide; break;
                case (byte)'r' when !kindNamesSide: flags |= RuleFlags.ReceiverSide; break;
                case (byte)'x': flags |= RuleFlags.XattrName; break;
                case (byte)'C' when prefixed: flags |= RuleFlags.Cvs | RuleFlags.NoPrefixes | RuleFlags.Words | RuleFlags.NoInherit; break;
                case (byte)'C' when action == RuleAction.Add && !kindNamesSide: action = RuleAction.CvsDefaults; break;
                case (byte)'-' when prefixed: flags |= RuleFlags.NoPrefixes; break;
                case (byte)'+' when prefixed: flags |= RuleFlags.NoPrefixes | RuleFlags.Include; break;
                case (byte)'e' when merges: flags |= RuleFlags.ExcludeSelf; break;
                case (byte)'n' when merges: flags |= RuleFlags.NoInherit; break;
                case (byte)'w' when merges: flags |= RuleFlags.Words; break;
                default:
                    throw FilterException.InRule($"invalid modifier '{ByteText.Escape(rule.Slice(at, 1))}' at position {at} in filter rule", rule);
            }
        }

        return (action, flags, at);
    }

    /// <summary>Reads a short or long rule name and the comma behind it. 0 = no such rule.</summary>
    private static byte ReadKind(ReadOnlySpan<byte> rule, out int length)
    {
        length = 1;
        if (rule.IsEmpty)
        {
            return 0;
        }

        byte kind = rule[0];
        ReadOnlySpan<byte> name = LongNameOf(ref kind);
        if (!name.IsEmpty)
        {
            length = name.Length;
            if (!rule.StartsWith(name) || (rule.Length > length && !EndsName(rule[length])))
            {
                return 0;
            }
        }

        length += rule.Length > length && rule[length] == ',' ? 1 : 0;
        return kind;
    }

    private static ReadOnlySpan<byte> LongNameOf(ref byte kind)
    {
        switch (kind)
        {
            case (byte)'c': kind = (byte)'!'; return "clear"u8;
            case (byte)'d': kind = (byte)':'; return "dir-merge"u8;
            case (byte)'e': kind = (byte)'-'; return "exclude"u8;
            case (byte)'h': kind = (byte)'H'; return "hide"u8;
            case (byte)'i': kind = (byte)'+'; return "include"u8;
            case (byte)'m': kind = (byte)'.'; return "merge"u8;
            case (byte)'p': kind = (byte)'P'; return "protect"u8;
            case (byte)'r': kind = (byte)'R'; return "risk"u8;
            case (byte)'s': kind = (byte)'S'; return "show"u8;
            default: return default;
        }
    }

    private static bool EndsName(byte b) => b is (byte)',' or (byte)'_' or (byte)' ' or (>= (byte)'\t' and <= (byte)'\r');
}
