using NativeSync.Engine.Filters;

namespace NativeSync.Cli.Options;

/// <summary>The options that say which files take part, in the order of the command line.</summary>
internal sealed class FilterArguments(IRuleFiles files)
{
    private readonly RuleCollector _rules = new(files);
    private int _filterFiles;
    private bool _cvs;

    /// <summary>--from0: lines of rule files end at NUL. Counts for what comes behind it.</summary>
    public bool NulSeparated
    {
        get => _rules.NulSeparated;
        set => _rules.NulSeparated = value;
    }

    /// <summary>--max-size in bytes; null without it.</summary>
    public long? MaxSize { get; private set; }

    /// <summary>--min-size in bytes; null without it.</summary>
    public long? MinSize { get; private set; }

    /// <summary>All rules as a job carries them.</summary>
    public IReadOnlyList<byte[]> Rules => _rules.Rules;

    /// <summary>Adds a rule that another option implies, behind all that were given.</summary>
    public void AddImplied(byte[] rule) => _rules.Add(rule, RuleSyntax.Filter);

    /// <summary>Takes one option.</summary>
    /// <exception cref="FilterException">A rule is malformed or a rule file cannot be read.</exception>
    /// <exception cref="UsageException">A size cannot be read.</exception>
    public void Apply(GivenOption given)
    {
        switch (given.Option.Id)
        {
            case OptionId.Exclude: _rules.Add(given.Value, RuleSyntax.Old(include: false)); break;
            case OptionId.Include: _rules.Add(given.Value, RuleSyntax.Old(include: true)); break;
            case OptionId.ExcludeFrom: _rules.AddFile(given.Value, RuleSyntax.Old(include: false, NulSeparated)); break;
            case OptionId.IncludeFrom: _rules.AddFile(given.Value, RuleSyntax.Old(include: true, NulSeparated)); break;
            case OptionId.Filter: _rules.Add(given.Value, RuleSyntax.Filter); break;
            case OptionId.FilterFiles when ++_filterFiles == 1: _rules.Add(": /.rsync-filter"u8, RuleSyntax.Filter); break;
            case OptionId.FilterFiles when _filterFiles == 2: _rules.Add("- .rsync-filter"u8, RuleSyntax.Filter); break;
            case OptionId.FilterFiles: break;
            case OptionId.CvsExclude: _cvs = true; break;
            case OptionId.MaxSize: MaxSize = Size(given); break;
            case OptionId.MinSize: MinSize = Size(given); break;
            default: throw new InvalidOperationException($"option {given.Option.Name} is not about filters");
        }
    }

    /// <summary>--old-dirs: nothing below the directories that are named.</summary>
    public void HideBelow() => _rules.Add("- /*/*"u8, RuleSyntax.Filter);

    /// <summary>Adds what comes behind all other rules, wherever its option stands.</summary>
    /// <exception cref="UsageException">A rule file cannot be read.</exception>
    public void Complete()
    {
        if (!_cvs)
        {
            return;
        }

        try
        {
            _rules.AddCvsExcludes();
        }
        catch (FilterException e)
        {
            throw new UsageException(e.Message, e.ExitCode);
        }
    }

    private static long Size(GivenOption given) =>
        SizeValue.Parse(given.Text, 'b') ?? throw new UsageException($"{given.Option.Name}={UsageException.Quote(given.Text)} is invalid (a number of bytes, or one with a unit such as 1.5m)");
}
