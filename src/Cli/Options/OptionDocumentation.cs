using System.Text;

namespace NativeSync.Cli.Options;

/// <summary>The table of options as it stands in docs/cli.md; a test holds the two together.</summary>
internal static class OptionDocumentation
{
    /// <summary>The line before the table.</summary>
    public const string Begin = "<!-- The table below is made from src/Cli/Options/OptionTable.cs; NATIVESYNC_UPDATE_DOCS=1 ./test.sh --quick writes it. -->";

    /// <summary>The line behind the table.</summary>
    public const string End = "<!-- End of the table. -->";

    /// <summary>A Markdown table of all options that are not hidden.</summary>
    public static string Markdown()
    {
        StringBuilder text = new("| option | compared with rsync | meaning |\n|---|---|---|\n");
        foreach (OptionSpec option in OptionTable.All.Where(static option => !option.Hidden))
        {
            IEnumerable<string> names = ["`" + option.Usage.Replace("|", "\\|", StringComparison.Ordinal) + "`",
                .. option.Aliases.Select(static alias => $"`--{alias}`"), .. option.Negations.Take(2).Select(static name => $"`--no-{name}`")];
            text.Append("| ").AppendJoin(", ", names).Append(" | ").Append(Word(option.Relation)).Append(" | ").Append(option.Help).Append(" |\n");
        }

        return text.ToString();
    }

    private static string Word(Relation relation) => relation switch
    {
        Relation.Equal => "equal",
        Relation.Exceeds => "exceeds",
        Relation.Differs => "differs",
        Relation.NoEffect => "accepted, no effect",
        Relation.Lacks => "refused by name (exit 4)",
        _ => "NativeSync's own",
    };
}
