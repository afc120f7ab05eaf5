using System.Text;
using FsCheck;
using FsCheck.Fluent;
using NativeSync.Engine.Filters;

namespace NativeSync.Engine.Tests.Filters;

/// <summary>The installed rsync is the judge: generated trees and rule lists, the same names sent and the same names deleted.</summary>
public sealed class FilterOracleTests(FilterTrees trees) : IClassFixture<FilterTrees>
{
    [Fact]
    public void RuleListsDecideAsRsyncDoes() => Run(300, CheckRuleList);

    [Fact]
    public void ExcludeFilesDecideAsRsyncDoes() => Run(100, CheckExcludeFile);

    [Fact]
    public void ATransferWithoutTrailingSlashIsAnchoredAtTheParent() => Run(30, CheckAnchoring);

    private static void Run(int count, Action<int> property) =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(count), Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), property));

    private void CheckRuleList(int seed)
    {
        Random random = new(seed);
        (string source, string destination) = trees.Pick(random);
        List<string> rules = [.. Enumerable.Range(0, random.Next(1, 7)).Select(_ => RandomRule(random))];
        bool deleteExcluded = random.Next(6) == 0;

        // The rules go through a merge file, which takes any byte; that is rsync's own reading of the same syntax.
        string file = trees.RuleFile(string.Join('\n', rules) + "\n");
        string[] extra = deleteExcluded ? ["--delete-excluded"] : [];
        var theirs = RsyncOracle.Ask(source + "/", destination + "/", [$"--filter=. {file}", .. extra]);
        FilterList list = FilterList.Parse(rules.Select(Encoding.Latin1.GetBytes), deleteExcluded);
        AssertAgrees(seed, string.Join('\n', rules) + (deleteExcluded ? "\n--delete-excluded" : ""), source, destination, list, theirs);
    }

    private void CheckExcludeFile(int seed)
    {
        Random random = new(seed);
        (string source, string destination) = trees.Pick(random);
        bool include = random.Next(4) == 0, nulSeparated = random.Next(4) == 0;
        StringBuilder content = new();
        string[] prefixes = ["", "", "", "", "- ", "+ ", "#", ";", " ", "!", "-", "P ", "exclude "];
        string[] ends = nulSeparated ? ["\0", "\0", "\0\0"] : ["\n", "\n", "\r\n", "\r", "\n\n", "\0x\n"];
        for (int i = random.Next(1, 8); i > 0; i--)
        {
            content.Append(prefixes[random.Next(prefixes.Length)]).Append(RandomPattern(random)).Append(ends[random.Next(ends.Length)]);
        }

        if (include)
        {
            content.Append("- *").Append(nulSeparated ? '\0' : '\n');
        }

        string file = trees.RuleFile(content.ToString());
        string[] from0 = nulSeparated ? ["--from0"] : [];
        var theirs = RsyncOracle.Ask(source + "/", destination + "/", [.. from0, (include ? "--include-from=" : "--exclude-from=") + file]);
        FilterList list = FilterList.Parse(ExcludeFile.Read(Encoding.Latin1.GetBytes(content.ToString()), include, nulSeparated));
        AssertAgrees(seed, content.ToString(), source, destination, list, theirs);
    }

    private void CheckAnchoring(int seed)
    {
        Random random = new(seed);
        (string source, _) = trees.Pick(random);
        string top = Path.GetFileName(source);
        string[] rules = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => random.Next(2) == 0 ? $"- /{top}/{RandomPattern(random)}" : RandomRule(random))];
        string file = trees.RuleFile(string.Join('\n', rules) + "\n");
        var theirs = RsyncOracle.Ask(source, trees.Empty, [$"--filter=. {file}"]);
        FilterList list = FilterList.Parse(rules.Select(Encoding.Latin1.GetBytes));
        SortedSet<string> sent = new(StringComparer.Ordinal);
        if (list.Check(Encoding.Latin1.GetBytes(top), true, FilterSide.Sender) == FilterDecision.Included)
        {
            sent.Add(top);
            Simulation.Walk(trees.Names(source), list, top + "/", sent);
        }

        Assert.True(sent.SetEquals(theirs.Sent), $"seed {seed}\n{string.Join('\n', rules)}\nours {string.Join(' ', sent.Except(theirs.Sent))}\ntheirs {string.Join(' ', theirs.Sent.Except(sent))}");
    }

    private void AssertAgrees(int seed, string rules, string source, string destination, FilterList list, (SortedSet<string> Sent, SortedSet<string> Deleted) theirs)
    {
        SortedSet<string> sent = new(StringComparer.Ordinal);
        Simulation.Walk(trees.Names(source), list, "", sent);
        SortedSet<string> deleted = Simulation.Deletions(trees.Names(source), trees.Names(destination), sent, list);
        Assert.True(
            sent.SetEquals(theirs.Sent) && deleted.SetEquals(theirs.Deleted),
            $"""
            seed {seed}, rules:
            {rules}
            sent by us alone: {string.Join(' ', sent.Except(theirs.Sent))}
            sent by rsync alone: {string.Join(' ', theirs.Sent.Except(sent))}
            deleted by us alone: {string.Join(' ', deleted.Except(theirs.Deleted))}
            deleted by rsync alone: {string.Join(' ', theirs.Deleted.Except(deleted))}
            """);
    }

    private static string RandomRule(Random random)
    {
        string[] kinds = ["-", "-", "-", "+", "+", "H", "S", "P", "R", "exclude", "include", "hide", "show", "protect", "risk"];
        string kind = kinds[random.Next(kinds.Length)];
        if (random.Next(40) == 0)
        {
            return "!";
        }

        string modifiers = "";
        if (random.Next(4) == 0)
        {
            string allowed = kind is "-" or "+" or "exclude" or "include" ? "!psr" : "!p";
            modifiers = allowed[random.Next(allowed.Length)].ToString();
        }

        return kind + (modifiers.Length > 0 && (kind.Length > 1 || random.Next(2) == 0) ? "," : "") + modifiers + (random.Next(8) == 0 ? "_" : " ") + RandomPattern(random);
    }

    private static string RandomPattern(Random random)
    {
        string[] atoms =
        [
            "a", "b", "ab", "foo", "x", "*", "*", "**", "***", "?", "/", "/", "/", "[ab]", "[!a]", "[^b]", "[a-c]", "[]a]", "[[:alpha:]]", "[[:nope:]]", "[a", "\\", "\\a", "\\*", "\\[",
            "\u00e9", "[\u00e0-\u00ff]", ".", " ", "-", "!", "[[:digit:]x]", "[\\]a]", "[a-]", "1",
        ];
        StringBuilder pattern = new();
        if (random.Next(4) == 0)
        {
            pattern.Append('/');
        }

        for (int i = random.Next(1, 5); i > 0; i--)
        {
            pattern.Append(atoms[random.Next(atoms.Length)]);
        }

        if (random.Next(6) == 0)
        {
            pattern.Append(random.Next(2) == 0 ? "/" : "/***");
        }

        return pattern.ToString();
    }
}
