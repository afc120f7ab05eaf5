using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using FsCheck.Fluent;
using NativeSync.TestKit.Trees;

namespace NativeSync.Cli.Tests.Filters;

/// <summary>
/// The installed rsync is the judge: for generated pairs of a tree (source and destination) and a list of rules, given by the same
/// command line, the names transferred and the names deleted are the same.
/// </summary>
public sealed class FilterPairTests
{
    private const int TreesInABatch = 12;

    private static readonly int Singles = TestRun.IsQuick ? 200 : 2600;
    private static readonly int Batches = TestRun.IsQuick ? 20 : 210;

    [Fact]
    public void TheCommandLinesRulesDecideAsInRsync() => Assert.Equal(Singles, Check(Singles, Single));

    [Fact]
    public void RulesInTheTreeDecideAsInRsync() => Assert.Equal(Batches * TreesInABatch, Check(Batches, Batch));

    /// <summary>Judges a property for so many seeds, a few at once; what fails names its seed. NATIVESYNC_SEED=fresh draws other seeds.</summary>
    /// <returns>How many pairs were judged.</returns>
    private static int Check(int count, Func<int, string, int> property)
    {
        const int workers = 3;
        int[] seeds = Environment.GetEnvironmentVariable("NATIVESYNC_SEED") is { Length: > 0 } only
            ? only == "fresh" ? [.. Gen.Choose(0, int.MaxValue).Sample(count)] : [int.Parse(only, CultureInfo.InvariantCulture)]
            : [.. Enumerable.Range(1, count)];
        int next = -1, pairs = 0;
        ConcurrentQueue<string> failures = new();
        Parallel.For(0, workers, new ParallelOptions { MaxDegreeOfParallelism = workers }, _ =>
        {
            Scratch place = new();
            for (int i = Interlocked.Increment(ref next); i < seeds.Length; i = Interlocked.Increment(ref next))
            {
                try
                {
                    Interlocked.Add(ref pairs, property(seeds[i], place.Root));
                }
                catch (Exception e)
                {
                    failures.Enqueue($"seed {seeds[i]}: {e}");
                    place.Dispose();
                    place = new(); // the tree is still there
                }
            }

            place.Dispose();
        });
        Assert.True(failures.IsEmpty, $"{failures.Count} of {count} differ:\n{string.Join('\n', failures.Take(20))}");
        return seeds.Length == count ? pairs : count * (pairs / seeds.Length);
    }

    /// <summary>One tree, and rules from options and the files that they name.</summary>
    private static int Single(int seed, string root)
    {
        Random random = new(seed);
        RuleGenerator rules = new(random);
        PairTree tree = new(root);
        List<string> arguments = [rules.Once(3) ? "-rlni" : "-rlnIii", "--delete"];
        bool nulSeparated = rules.Once(10);
        int files = 0;
        bool dirMerges = rules.Once(3);
        if (nulSeparated)
        {
            arguments.Add("--from0");
        }

        Dictionary<string, string> readBy = RuleGenerator.FileNames.ToDictionary(n => n, n => n == ".cvsignore" ? "C" : "");
        for (int i = random.Next(1, 6); i > 0; i--)
        {
            arguments.Add(rules.Pick("filter", "filter", "filter", "old", "from", "merge", dirMerges ? "dir-merge" : "filter") switch
            {
                "filter" => "--filter=" + rules.Rule(raw: false),
                "old" => rules.Pick("--exclude=", "--include=") + rules.Pick("", "", "", "- ", "+ ") + rules.Pattern(raw: false),
                "from" => rules.Pick("--exclude-from=", "--exclude-from=", "--include-from=") + NewFile(rules.PatternFile(nulSeparated)),
                "merge" => "--filter=" + MergeRule(2),
                _ => DirMergeRule(),
            });
        }

        if (dirMerges)
        {
            arguments.Add(rules.Pick("-F", "-FF", "-C", "--filter=:C"));
        }

        foreach (string option in (string[])["--delete-excluded", "-m", "--max-size=2", "--min-size=1", "-C"])
        {
            if (rules.Once(10))
            {
                arguments.Add(option);
            }
        }

        // In the directory above both roots, where rules with a path in front look, too.
        foreach (string name in RuleGenerator.FileNames)
        {
            if (RuleFile(name) is { } content)
            {
                tree.File(name, content);
            }
        }

        tree.Grow(random, "ab", 10, !dirMerges, RuleFile);
        tree.Grow(random, "dst", 10, !dirMerges, RuleFile);
        bool contents = !rules.Once(8);
        arguments.Add(root + (contents ? "/ab/" : "/ab"));
        arguments.Add(root + (contents ? "/dst/" : "/"));
        Judge(seed, arguments, tree);
        return 1;

        string NewFile(string content)
        {
            string name = $"rules{++files}";
            tree.File(name, content);
            return root + "/" + name;
        }

        string MergeRule(int depth)
        {
            string modifiers = rules.MergeModifiers();
            string content = rules.MergeFile(modifiers, nulSeparated, depth > 0 ? () => MergeRule(depth - 1) : null);
            return rules.Pick(".", "merge,") + modifiers + "_" + NewFile(content);
        }

        string DirMergeRule()
        {
            string name = rules.Pick(RuleGenerator.FileNames), modifiers = rules.MergeModifiers();
            readBy[name] = modifiers;
            return "--filter=" + rules.Pick(":", "dir-merge,") + modifiers + " " + rules.Pick("", "", "/", "../") + name;
        }

        string? RuleFile(string name) => dirMerges && rules.Once(4) ? rules.MergeFile(readBy[name], nulSeparated, null) : null;
    }

    /// <summary>Several trees in one run: each has a list of rules in its own rule file, and further ones below.</summary>
    private static int Batch(int seed, string root)
    {
        Random random = new(seed);
        RuleGenerator rules = new(random);
        string modifiers = rules.MergeModifiers();
        PairTree tree = new(root);
        List<string> arguments = [rules.Once(3) ? "-rlni" : "-rlnIii", "--delete", $"--filter=:{modifiers} .f"];
        tree.Folder("ab");
        tree.Folder("dst");
        for (int i = 0; i < TreesInABatch; i++)
        {
            bool top = true;
            tree.Grow(random, $"ab/t{i}", 6, false, RuleFile);
            top = true;
            tree.Grow(random, $"dst/t{i}", 6, false, RuleFile);
            string? RuleFile(string name)
            {
                bool own = name == ".f" && (top || rules.Once(5));
                top &= !own;
                return own ? rules.MergeFile(modifiers, false, null) : null;
            }
        }

        arguments.Add(root + "/ab/");
        arguments.Add(root + "/dst/");
        Judge(seed, arguments, tree);
        return TreesInABatch;
    }

    private static void Judge(int seed, List<string> arguments, PairTree tree)
    {
        Decisions theirs = FilterJudge.AskRsync(arguments), ours = FilterJudge.AskEngine(arguments);
        if (!ours.Agrees(theirs))
        {
            throw new UnreachableException(
                $"""
                NATIVESYNC_SEED={seed}: {string.Join(' ', arguments)}
                {tree.RuleFiles()}
                sent by us alone: {string.Join(' ', ours.Sent.Except(theirs.Sent))}
                sent by rsync alone: {string.Join(' ', theirs.Sent.Except(ours.Sent))}
                deleted by us alone: {string.Join(' ', ours.Deleted.Except(theirs.Deleted))}
                deleted by rsync alone: {string.Join(' ', theirs.Deleted.Except(ours.Deleted))}
                we: {ours.Failure} {ours.Messages}
                rsync: {theirs.Failure} {theirs.Messages}
                """);
        }

        tree.Clear();
    }
}
