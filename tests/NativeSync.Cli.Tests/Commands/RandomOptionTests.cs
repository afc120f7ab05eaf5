using System.Globalization;
using System.Text.RegularExpressions;
using NativeSync.TestKit.Trees;

namespace NativeSync.Cli.Tests.Commands;

/// <summary>rsync is the judge of random sets of options over random trees and changes: the same lines of <c>-i</c>, the same exit code, the same tree.</summary>
public sealed partial class RandomOptionTests
{
    private const int SetsOfATree = 10;

    private static readonly string[] Bases = ["-a", "-a", "-rlt", "-rltD", "-rlptgo", "-r", "-rt", "-rlD", "-aX", "-aAX", "-a --no-o --no-g", "-a --no-t", "-a --no-p"];

    /// <summary>
    /// Without --ignore-existing, under which rsync gives a file the times of a directory of the same name, and without -b beside other
    /// hierarchies, where rsync loses what gives way to another content. Each is taken with one chance in <see cref="Rarity"/>; of those with a common number in front only one at a time.
    /// </summary>
    private static readonly string[] Extras =
    [
        "1--existing", "1-u", "2--size-only", "2-c", "2-I", "--delete", "--delete", "3-W", "3--no-W", "3--inplace", "-S", "-O", "-E", "4--exclude=*.o", "4--exclude=/data", "4--exclude=a*/",
        "4--include=*/ --include=*.c --exclude=*", "4--exclude=.* --delete-excluded", "--numeric-ids", "--force", "-ii",
        "5-b", "-n", "5--link-dest=../start", "5--copy-dest=../start", "5--compare-dest=../start",
    ];

    private const int Rarity = 6;

    /// <summary>
    /// Which name of a file comes first decides what its other names show. And when rsync takes the setuid or setgid bit from a file
    /// by changing its owner, it says nothing of either, except under -n: files do not start with these bits.
    /// </summary>
    private const string WithoutLinks = "cp -dR --preserve=all --no-preserve=links";

    /// <summary>NATIVESYNC_SEED names another one.</summary>
    private static int Seed => Environment.GetEnvironmentVariable("NATIVESYNC_SEED") is { Length: > 0 } seed ? int.Parse(seed, CultureInfo.InvariantCulture) : 1;

    [Fact]
    public async Task TheSameOptionsDoAndSayTheSame()
    {
        List<string> differing = [];
        int trees = TestRun.IsQuick ? 2 : 52;
        for (int i = 0; i < trees; i++)
        {
            await CompareAsync(unchecked(Seed + (i * 7919)), differing);
        }

        Assert.True(differing.Count == 0, $"NATIVESYNC_SEED={Seed}: {differing.Count} of {trees * SetsOfATree} differ\n{string.Join('\n', differing.Take(10))}");
    }

    private static async Task CompareAsync(int seed, List<string> differing)
    {
        using TemporaryDirectory directory = new();
        string start = $"{directory.Path}/start", source = $"{directory.Path}/s";
        RandomTree tree = RandomTree.Build(source, seed, new RandomTreeOptions { Entries = 50 });
        directory.Shell($"{WithoutLinks} s start; find start -type f -perm /6000 -exec chmod ug-s {{}} +");
        tree.Mutate(25);
        directory.Shell($"{WithoutLinks} s t");
        source = $"{directory.Path}/t";
        Random random = new(seed);
        for (int i = 0; i < SetsOfATree; i++)
        {
            string options = Draw(random);
            directory.Shell("rm -rf theirs ours; cp -a start theirs; cp -a start ours");
            string[] words = [.. options.Split(' ')];
            (int code, string output, string error) = Rsync.Run([.. words, source + "/", $"{directory.Path}/theirs/"]);
            (int ourCode, string ourOutput, string ourError) = await NativeSyncRun.RunAsync(["sync", .. words, source + "/", $"{directory.Path}/ours/"]);
            string[] theirs = Lines(output), ours = Lines(ourOutput);
            string left = Rsync.Run([Judge(words), "--delete", "--numeric-ids", $"{directory.Path}/theirs/", $"{directory.Path}/ours/"]).Output;
            if (code != ourCode || !theirs.SequenceEqual(ours) || left.Length > 0)
            {
                differing.Add($"tree {seed}, {options}: exit {code} {ourCode}\n  rsync alone: {string.Join(" | ", theirs.Except(ours).Take(5))}\n  ours alone: {string.Join(" | ", ours.Except(theirs).Take(5))}\n  tree: {left}\n  {error}\n  {ourError}");
            }
        }
    }

    /// <summary>
    /// Without -t what is written has the time of its writing. Without -p rsync gives a file that replaces a link the link's own 0777,
    /// which is not worth following.
    /// </summary>
    private static string Judge(string[] words)
    {
        bool archive = words[0].Contains('a', StringComparison.Ordinal);
        bool times = words[0].Contains('t', StringComparison.Ordinal) || (archive && !words.Contains("--no-t"));
        bool modes = words[0].Contains('p', StringComparison.Ordinal) || (archive && !words.Contains("--no-p"));
        return $"-nrl{(times ? "t" : "")}{(modes ? "pA" : "")}goDHXcOi";
    }

    private static string Draw(Random random)
    {
        List<string> words = [Bases[random.Next(Bases.Length)], "-i"];
        HashSet<char> taken = [];
        foreach (string extra in Extras)
        {
            if (random.Next(Rarity) == 0 && (!char.IsAsciiDigit(extra[0]) || taken.Add(extra[0])))
            {
                words.Add(extra.TrimStart('1', '2', '3', '4', '5'));
            }
        }

        return string.Join(' ', words);
    }

    /// <summary>
    /// rsync may say twice that a directory cannot be deleted, and under -n that it is, too. And of a file that is here it says after a change of its ACL no more
    /// that the mode changed, except under -n.
    /// </summary>
    private static string[] Lines(string output)
    {
        HashSet<string> lines = [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => ChangedAcl().Replace(line, "$1.$2"))];
        const string stays = "cannot delete non-empty directory: ";
        lines.ExceptWith([.. lines.Where(line => line.StartsWith(stays, StringComparison.Ordinal)).Select(line => $"*deleting   {line[stays.Length..]}/")]);
        return [.. lines.Order(StringComparer.Ordinal)];
    }

    [GeneratedRegex(@"^(\.f...)p(..\.a)")]
    private static partial Regex ChangedAcl();
}
