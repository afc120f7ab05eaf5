namespace NativeSync.Engine.Filters;

/// <summary>
/// Gathers rules from options in their order, and from the files that they name, into a list in the syntax of <c>--filter</c> that can
/// travel: merge rules and CVS's list are expanded here, where the operator's files are; dir-merge rules stay, since each side reads
/// the files of its own tree.
/// </summary>
internal sealed class RuleCollector(IRuleFiles files, Func<string, byte[]?>? environment = null)
{
    /// <summary>rsync's bound: a file that merges itself ends.</summary>
    public const int MaxDepth = 32;

    private readonly Func<string, byte[]?> _environment = environment ?? FromEnvironment;
    private List<byte[]> _rules = [];

    /// <summary>The rules so far.</summary>
    public IReadOnlyList<byte[]> Rules => _rules;

    /// <summary>Whether lines of files end at NUL (<c>--from0</c>).</summary>
    public bool NulSeparated { get; set; }

    /// <summary>
    /// The rules are those of a file of the tree: relative names of further files begin at this directory, and errors do not show what is
    /// in a file, since it may be one that the tree's owner could not read. Null for an operator's rules.
    /// </summary>
    public byte[]? TreeRoot { get; init; }

    /// <summary>A clearing rule came.</summary>
    public bool Cleared { get; private set; }

    /// <summary>Adds one argument. An empty one is nothing.</summary>
    /// <exception cref="FilterException">It is malformed, or a file that it names cannot be read.</exception>
    public void Add(ReadOnlySpan<byte> rule, RuleSyntax syntax)
    {
        if (!rule.IsEmpty)
        {
            Add(syntax.Parse(rule), syntax.Defaults, 0);
        }
    }

    /// <summary>Adds the rules of a file, <c>-</c> for standard input. An empty name is nothing, as in rsync.</summary>
    /// <exception cref="FilterException">The file cannot be read, or a rule is malformed; the message names file and line.</exception>
    public void AddFile(ReadOnlySpan<byte> path, RuleSyntax syntax) => AddFile(path, syntax, (syntax.Defaults & RuleFlags.Include) != 0 ? "include" : "exclude", 0);

    /// <summary>Adds what <c>--cvs-exclude</c> excludes; rsync puts it behind all other rules.</summary>
    /// <exception cref="FilterException">A rule is too long.</exception>
    public void AddCvsExcludes()
    {
        Add(":C"u8, RuleSyntax.Filter);
        Add("-C"u8, RuleSyntax.Filter);
    }

    private void Add(ParsedRule rule, RuleFlags defaults, int depth)
    {
        if ((rule.Flags & RuleFlags.ExcludeSelf) != 0)
        {
            // As in rsync, the rule about the file itself is for both sides whatever the merge rule says, is perishable only with the file
            // that the merge rule stands in, and in a file of the tree --delete-excluded does not take its protection away.
            RuleFlags flags = (defaults & RuleFlags.Perishable) | (TreeRoot is not null ? RuleFlags.Sides : RuleFlags.None);
            _rules.Add(RuleText.Write(new ParsedRule(RuleAction.Add, flags, RuleText.FileName(rule.Pattern))));
        }

        switch (rule.Action)
        {
            case RuleAction.Clear:
                Cleared = true;
                _rules.Clear();
                break;
            case RuleAction.CvsDefaults:
                AddCvsDefaults(rule.Flags);
                break;
            case RuleAction.Merge:
                ReadOnlySpan<byte> path = rule.Pattern.Length > 1 ? rule.Pattern.TrimEnd((byte)'/') : rule.Pattern;
                AddFile(path, RuleSyntax.Of(rule.Flags, NulSeparated), "merge", depth + 1);
                break;
            default:
                _rules.Add(RuleText.Write(new ParsedRule(rule.Action, rule.Flags & ~RuleFlags.ExcludeSelf, rule.Pattern)));
                break;
        }
    }

    private void AddFile(ReadOnlySpan<byte> path, RuleSyntax syntax, string kind, int depth)
    {
        if (path.IsEmpty)
        {
            return;
        }

        if (depth > MaxDepth)
        {
            throw new FilterException($"merge files are nested more than {MaxDepth} deep (does {ByteText.Escape(path)} merge itself?)", FilterException.FileError);
        }

        bool relative = TreeRoot is not null && path[0] != '/';
        AddContent(files.Read(relative ? [.. TreeRoot!, (byte)'/', .. path] : path, kind), syntax, path, depth);
    }

    /// <summary>Adds the rules in the content of a file of that name.</summary>
    /// <exception cref="FilterException">A rule is malformed; the message names file and line.</exception>
    public void AddContent(ReadOnlySpan<byte> content, RuleSyntax syntax, ReadOnlySpan<byte> path, int depth = 0)
    {
        RuleReader reader = new(content, syntax);
        try
        {
            while (reader.TryNext())
            {
                Add(syntax.Parse(reader.Text), syntax.Defaults, depth);
            }
        }
        catch (FilterException e) when (e.File is null)
        {
            throw e.At(ByteText.Escape(path), reader.Line, showRule: TreeRoot is null);
        }
    }

    /// <summary>A clearing word in the two lists of the user clears CVS's list alone.</summary>
    private void AddCvsDefaults(RuleFlags flags)
    {
        List<byte[]> all = _rules;
        _rules = [];
        AddWords(CvsRules.Defaults, flags | RuleFlags.Perishable);
        if (_environment(CvsRules.HomeVariable) is { Length: > 0 } home)
        {
            try
            {
                AddWords(files.Read([.. home, .. "/.cvsignore"u8], "CVS ignore"), flags);
            }
            catch (FilterException e) when (e.Errno == FileSystem.Errno.ENOENT)
            {
                // Few have one.
            }
        }

        AddWords(_environment(CvsRules.IgnoreVariable), flags);
        all.AddRange(_rules);
        _rules = all;
    }

    private void AddWords(ReadOnlySpan<byte> words, RuleFlags flags)
    {
        RuleSyntax syntax = new(RulePrefixes.Cvs, flags & (RuleFlags.Inherited | RuleFlags.Include), Words: true);
        RuleReader reader = new(words, syntax);
        while (reader.TryNext())
        {
            Add(syntax.Parse(reader.Text), syntax.Defaults, 0);
        }
    }

    private static byte[]? FromEnvironment(string name) => Environment.GetEnvironmentVariable(name) is { } value ? ByteText.FromArgument(value) : null;
}
