namespace NativeSync.Engine.Filters;

/// <summary>A rule that reads a file of rules in each directory. Immutable; told apart by reference.</summary>
internal sealed class DirMergeRule
{
    /// <summary>Makes sense of the file's name: with a path in front, directories above the root of the transfer are searched from there.</summary>
    public DirMergeRule(ReadOnlySpan<byte> path, RuleFlags flags)
    {
        Flags = flags;
        Name = RuleText.FileName(path).ToArray();
        From = path[..^Name.Length].ToArray();
    }

    /// <summary>How the file is read, and what its rules take over.</summary>
    public RuleFlags Flags { get; }

    /// <summary>The file in each directory.</summary>
    public byte[] Name { get; }

    /// <summary>Where directories above the root of the transfer begin to count, relative to that root or absolute; empty for nowhere.</summary>
    public byte[] From { get; }

    /// <summary>Whether the rules hold in directories below.</summary>
    public bool Inherits => (Flags & RuleFlags.NoInherit) == 0;
}

/// <summary>One place in a list of rules: a rule, or the rules of a directory's file.</summary>
internal readonly record struct RuleEntry(FilterRule? Rule, DirMergeRule? Merge);
