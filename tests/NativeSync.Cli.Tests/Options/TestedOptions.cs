using System.Text;
using System.Text.RegularExpressions;
using NativeSync.Cli.Options;

namespace NativeSync.Cli.Tests.Options;

/// <summary>Which test classes use which option: what docs/testing.md shows, and what fails when an option has no test.</summary>
internal static partial class TestedOptions
{
    public const string Begin = "<!-- The table below is made from the tests' sources; NATIVESYNC_UPDATE_DOCS=1 ./test.sh --quick writes it. -->";
    public const string End = "<!-- End of the table. -->";

    /// <summary>Knows every option by its place in the table, and proves nothing about what it does.</summary>
    private const string TableTests = "OptionTableTests";

    /// <summary>So many classes stand in a row; the rest would only be noise.</summary>
    private const int Shown = 3;

    private static readonly string[] NoProof = [TableTests, "DocumentationTests", "ManualPage", "TestedOptions"];

    /// <summary>The classes for each option that help lists. Refused ones, and those without effect, are the table's own matter.</summary>
    public static IReadOnlyList<(OptionSpec Option, IReadOnlyList<string> Classes)> Find(string root)
    {
        Dictionary<string, HashSet<string>> used = [];
        foreach (string file in Directory.EnumerateFiles(Path.Combine(root, "tests"), "*.cs", SearchOption.AllDirectories))
        {
            string name = Path.GetFileNameWithoutExtension(file);
            if (file.Contains("/obj/", StringComparison.Ordinal) || NoProof.Contains(name))
            {
                continue;
            }

            foreach (Match match in Words().Matches(File.ReadAllText(file)))
            {
                foreach (string option in Options(match.Value))
                {
                    (used.TryGetValue(option, out HashSet<string>? classes) ? classes : used[option] = []).Add(name);
                }
            }
        }

        return [.. OptionTable.All.Where(static option => !option.Hidden).Select(option => (option, Classes(option, used)))];
    }

    public static string Markdown(IReadOnlyList<(OptionSpec Option, IReadOnlyList<string> Classes)> rows)
    {
        StringBuilder text = new("| option | tests |\n|---|---|\n");
        foreach ((OptionSpec option, IReadOnlyList<string> classes) in rows)
        {
            text.Append($"| `{option.Name}` | {string.Join(", ", classes.Take(Shown))}{(classes.Count > Shown ? ", …" : "")} |\n");
        }

        return text.ToString();
    }

    private static List<string> Classes(OptionSpec option, Dictionary<string, HashSet<string>> used)
    {
        IEnumerable<string> names = [option.Long.Length > 0 ? "--" + option.Long : "", option.Short != '\0' ? "-" + option.Short : "",
            .. option.Aliases.Select(static alias => "--" + alias), .. option.Negations.Select(static name => "--no-" + name)];
        List<string> classes = [.. names.SelectMany(name => used.GetValueOrDefault(name) ?? []).Distinct().Order(StringComparer.Ordinal)];
        return option.Relation is Relation.Lacks or Relation.NoEffect ? [TableTests] : classes;
    }

    /// <summary>A long option, or every letter of a cluster.</summary>
    private static IEnumerable<string> Options(string word)
    {
        if (word.StartsWith("--", StringComparison.Ordinal))
        {
            return [word];
        }

        return word.All(static c => c == '-' || OptionTable.Find(c) is not null) ? word[1..].Select(static c => "-" + c) : [];
    }

    [GeneratedRegex("""(?<=["' ,(\[])(--[a-zA-Z0-9][a-zA-Z0-9-]*|-[a-zA-Z0-9@]{1,12})(?=["' ,=)\]]|$)""", RegexOptions.Multiline)]
    private static partial Regex Words();
}
