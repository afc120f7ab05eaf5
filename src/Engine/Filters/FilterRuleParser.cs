namespace NativeSync.Engine.Filters;

/// <summary>What one line of filter syntax asks for.</summary>
internal enum RuleAction : byte
{
    /// <summary>Add an include or exclude rule.</summary>
    Add,

    /// <summary>Forget every rule so far.</summary>
    Clear,
}

/// <summary>One parsed rule; <see cref="Pattern"/> borrows from what was parsed.</summary>
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
    /// <exception cref="FilterException">The rule is malformed, or of a kind that is not supported yet.</exception>
    public static ParsedRule Parse(ReadOnlySpan<byte> rule)
    {
        ReadOnlySpan<byte> rest = rule;
        byte kind = ReadKind(rule, ref rest);
        RuleFlags flags = kind switch
        {
            (byte)'-' => RuleFlags.None,
            (byte)'+' => RuleFlags.Include,
            (byte)'H' => RuleFlags.SenderSide,
            (byte)'S' => RuleFlags.SenderSide | RuleFlags.Include,
            (byte)'P' => RuleFlags.ReceiverSide,
            (byte)'R' => RuleFlags.ReceiverSide | RuleFlags.Include,
            (byte)'!' => RuleFlags.None,
            (byte)'.' => throw NotYet("merge", rule),
            (byte)':' => throw NotYet("dir-merge", rule),
            _ => throw Malformed("unknown filter rule", rule),
        };

        if (kind == '!')
        {
            return rest.IsEmpty ? new ParsedRule(RuleAction.Clear, flags, default) : throw Malformed("'!' rule has trailing characters", rule);
        }

        bool kindNamesSide = (flags & RuleFlags.Sides) != 0;
        int at = 0;
        while (at < rest.Length && rest[at] is not ((byte)' ' or (byte)'_'))
        {
            RuleFlags modifier = rest[at] switch
            {
                (byte)'/' => RuleFlags.AbsolutePath,
                (byte)'!' => RuleFlags.Negate,
                (byte)'p' => RuleFlags.Perishable,
                (byte)'s' when !kindNamesSide => RuleFlags.SenderSide,
                (byte)'r' when !kindNamesSide => RuleFlags.ReceiverSide,
                (byte)'x' => RuleFlags.XattrName,
                (byte)'C' when !kindNamesSide => throw NotYet("CVS", rule),
                _ => throw InvalidModifier(rest[at], rule.Length - rest.Length + at, rule),
            };
            flags |= modifier;
            at++;
        }

        ReadOnlySpan<byte> pattern = rest[Math.Min(at + 1, rest.Length)..];
        return pattern.IsEmpty ? throw Malformed("unexpected end of filter rule", rule) : new ParsedRule(RuleAction.Add, flags, pattern);
    }

    /// <summary>Reads a short or long rule name and leaves <paramref name="rest"/> at its modifiers. 0 = no such rule.</summary>
    private static byte ReadKind(ReadOnlySpan<byte> rule, ref ReadOnlySpan<byte> rest)
    {
        if (rule.IsEmpty)
        {
            return 0;
        }

        ReadOnlySpan<byte> name = LongNameOf(rule[0], out byte kind);
        int length = 1;
        if (name.IsEmpty)
        {
            kind = rule[0];
        }
        else if (rule.StartsWith(name) && (rule.Length == name.Length || EndsName(rule[name.Length])))
        {
            length = name.Length;
        }
        else
        {
            return 0;
        }

        rest = rule[length..];
        if (rest is [(byte)',', ..])
        {
            rest = rest[1..];
        }

        return kind;
    }

    private static ReadOnlySpan<byte> LongNameOf(byte first, out byte kind)
    {
        (kind, ReadOnlySpan<byte> name) = first switch
        {
            (byte)'c' => Pair('!', "clear"u8),
            (byte)'d' => Pair(':', "dir-merge"u8),
            (byte)'e' => Pair('-', "exclude"u8),
            (byte)'h' => Pair('H', "hide"u8),
            (byte)'i' => Pair('+', "include"u8),
            (byte)'m' => Pair('.', "merge"u8),
            (byte)'p' => Pair('P', "protect"u8),
            (byte)'r' => Pair('R', "risk"u8),
            (byte)'s' => Pair('S', "show"u8),
            _ => default,
        };
        return name;
    }

    private static NamedKind Pair(char kind, ReadOnlySpan<byte> name) => new((byte)kind, name);

    private static bool EndsName(byte b) => b is (byte)',' or (byte)'_' or (byte)' ' or (>= (byte)'\t' and <= (byte)'\r');

    private static FilterException Malformed(string what, ReadOnlySpan<byte> rule) => new($"{what}: {ByteText.Escape(rule)}");

    private static FilterException InvalidModifier(byte modifier, int position, ReadOnlySpan<byte> rule) =>
        new($"invalid modifier '{ByteText.Escape([modifier])}' at position {position} in filter rule: {ByteText.Escape(rule)}");

    private static FilterException NotYet(string what, ReadOnlySpan<byte> rule) =>
        new($"{what} filter rules are not supported yet: {ByteText.Escape(rule)}", FilterException.NotSupported);

    private readonly ref struct NamedKind(byte kind, ReadOnlySpan<byte> name)
    {
        private readonly byte _kind = kind;
        private readonly ReadOnlySpan<byte> _name = name;

        public void Deconstruct(out byte kind, out ReadOnlySpan<byte> name)
        {
            kind = _kind;
            name = _name;
        }
    }
}
