namespace NativeSync.Engine.Filters;

/// <summary>Rules as text in the syntax of <c>--filter</c>, as a job carries them.</summary>
internal static class RuleText
{
    private static readonly (RuleFlags Flag, byte Modifier)[] Modifiers =
    [
        (RuleFlags.SenderSide, (byte)'s'), (RuleFlags.ReceiverSide, (byte)'r'), (RuleFlags.Negate, (byte)'!'), (RuleFlags.Perishable, (byte)'p'),
        (RuleFlags.AbsolutePath, (byte)'/'), (RuleFlags.XattrName, (byte)'x'), (RuleFlags.ExcludeSelf, (byte)'e'),
    ];

    private static readonly (RuleFlags Flag, byte Modifier)[] ReadingModifiers = [(RuleFlags.Words, (byte)'w'), (RuleFlags.NoInherit, (byte)'n')];

    /// <summary>Writes an include, exclude or dir-merge rule; parsing it gives the same rule.</summary>
    public static byte[] Write(ParsedRule rule)
    {
        RuleFlags flags = rule.Flags;
        bool merges = rule.Action == RuleAction.DirMerge;
        bool includes = (flags & RuleFlags.Include) != 0;
        List<byte> text = [merges ? (byte)':' : includes ? (byte)'+' : (byte)'-'];
        if (merges && (flags & RuleFlags.NoPrefixes) != 0)
        {
            text.Add((flags & RuleFlags.Cvs) != 0 ? (byte)'C' : includes ? (byte)'+' : (byte)'-');
        }

        AddModifiers(text, flags, Modifiers);
        AddModifiers(text, (flags & RuleFlags.Cvs) != 0 ? 0 : flags, ReadingModifiers);
        text.Add((byte)' ');
        return [.. text, .. rule.Pattern];
    }

    /// <summary>The last component of a path.</summary>
    public static ReadOnlySpan<byte> FileName(ReadOnlySpan<byte> path)
    {
        path = path.TrimEnd((byte)'/');
        return path[(path.LastIndexOf((byte)'/') + 1)..];
    }

    private static void AddModifiers(List<byte> text, RuleFlags flags, (RuleFlags Flag, byte Modifier)[] known)
    {
        foreach ((RuleFlags flag, byte modifier) in known)
        {
            if ((flags & flag) != 0)
            {
                text.Add(modifier);
            }
        }
    }
}
