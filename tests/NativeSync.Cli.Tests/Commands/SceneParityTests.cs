using System.Text.RegularExpressions;

namespace NativeSync.Cli.Tests.Commands;

/// <summary>Whole command lines in scenes that are about what is said: rsync says the same lines, ends the same way and leaves the same tree.</summary>
public sealed partial class SceneParityTests
{
    /// <summary>A scene, then command lines; T/ is where the scene is.</summary>
    private static readonly (string Scene, string[] Lines)[] Scenes =
    [
        // What makes way is foreseen, with what is in it, and what would not.
        ("mkdir -p s d/x/y d/l; echo 1 >s/x; echo a >d/x/y/f; echo 2 >d/x/g; ln -s q s/l; echo w >d/l/w; mkdir s/m; echo q >d/m; mkdir -p d/n; echo n >s/n",
            ["-an -i T/s/ T/d/", "-an -i --delete T/s/ T/d/", "-an -i --force T/s/ T/d/", "-a -i T/s/ T/d/", "-a -i --delete T/s/ T/d/", "-a -n -v T/s/ T/d/", "-aHn -i --delete T/s/ T/d/"]),

        // What another hierarchy has.
        ("mkdir -p s/q/q2 l d s/r s/new; echo 1 >s/a; ln s/a s/b; ln -s x s/y; mkfifo s/f; echo 2 >s/q/c; cp -a s/. l/; rmdir l/new; chmod 700 l/r; touch -d 2001-01-01 l/q",
            ["-aHi --link-dest=T/l T/s/ T/d/", "-aHi --copy-dest=T/l T/s/ T/d/", "-ai --compare-dest=T/l T/s/ T/d/", "-avH --link-dest=T/l T/s/ T/d/", "-aHii --link-dest=T/l T/s/ T/d/",
                "-aHii --copy-dest=T/l T/s/ T/d/", "-aHiin --copy-dest=T/l T/s/ T/d/", "-aHiin --link-dest=T/l T/s/ T/d/", "-ai --link-dest=T/l T/s/ T/n", "-aii --copy-dest=T/l T/l/ T/n",
                "-av --link-dest=T/l T/l/ T/n", "-vi --link-dest=T/l T/s/a T/d/"]),

        // The heading, and what is made of the destination.
        ("mkdir -p s/q d; echo 1 >s/q/a; echo 2 >s/b; echo 3 >s/c; echo b >list",
            ["-v T/s/b T/d", "-dv T/s/ T/d", "-v T/s/b T/s/c T/d -i", "-av --mkpath T/s/ T/n", "-av --mkpath T/s/b T/d/e/f", "-av --mkpath T/s/b T/n/e/f/", "-v --files-from=/dev/null T/s T/d",
                "-an --mkpath T/s/ T/n/m/o -v", "-avm T/s/ T/n", "-avn T/s T/n", "-av T/s/b T/nn/", "-av T/s T/nn/", "-av --delete-before T/s/ T/d", "-av --delete-after T/s/ T/d", "-av --delete-delay T/s/ T/d",
                "-av --delay-updates T/s/ T/d", "-av --no-i-r T/s/ T/d", "-av --files-from=T/list T/s T/d", "-rv --info=flist0 T/s/ T/d"]),

        // Names from the root.
        ("mkdir -p s/q d; echo 1 >s/q/a", ["-aRi T/s/q T/d", "-aRv T/s/q/a T/d", "-aRi T/s/./q T/d", "-aR --out-format=%n|%f|%i T/s/q T/d"]),

        // Below a link that is followed.
        ("mkdir -p s/q/r x/y d; echo 1 >s/a; echo 3 >x/y/f; ln -s ../x s/lx; ln -s ../x/y/f s/lf", ["-aki --remove-source-files T/s/ T/d/", "-aLi --remove-source-files T/s/ T/d/"]),

        // A place of several parts for what is incomplete: what is there already, what is sent of it, and what is deleted.
        ("mkdir -p s/.a/b s/.a/.a s/q/.a s/q/x d/.a/.a d/.a/b d/q/.a d/q/x/.a/b d/q/z/.a/b; echo 1 >s/f; echo 2 >s/q/g; echo old >d/f; echo f >d/.a/b/f; echo o >d/.a/b/other; echo n >s/.a/b/n; echo m >s/.a/m; echo z >d/q/z/.a/b/z",
            ["-ai --delay-updates --partial-dir=.a/b T/s/ T/d/", "-ai --delete --partial-dir=./.a//b/ T/s/ T/d/", "-ai --delete-after --delay-updates --partial-dir=.a/b T/s/ T/d/", "-ain --delete-excluded --partial-dir=.a/b T/s/ T/d/",
                "-ai --partial-dir=b T/s/ T/d/", "-ai --partial-dir=./. T/s/ T/d/"]),
    ];

    [Fact]
    public async Task TheSameLinesTheSameCodeAndTheSameTree()
    {
        using TemporaryDirectory directory = new();
        List<string> differing = [];
        foreach ((string scene, string[] lines) in Scenes)
        {
            directory.Shell($"rm -rf start; umask 022; mkdir start; cd start; {scene}; find . -exec touch -h -d 2001-01-01 {{}} +");
            foreach (string line in lines)
            {
                directory.Shell("rm -rf T theirs; cp -a start T");
                string[] words = [.. line.Split(' ').Select(word => word.Replace("T/", directory.Path + "/T/", StringComparison.Ordinal))];
                (int code, string output, string error) = Rsync.Run(words);
                directory.Shell("mv T theirs; cp -a start T");
                (int ourCode, string ourOutput, string ourError) = await NativeSyncRun.RunAsync(["sync", .. words]);

                // Directories that were implied, or made on the way, get the time of the run, and here another umask.
                string left = Rsync.Run(["-nrlgoDHcOi", "--delete", $"{directory.Path}/theirs/", $"{directory.Path}/T/"]).Output;
                if (code != ourCode || left.Length > 0 || !Lines(output).SequenceEqual(Lines(ourOutput)))
                {
                    differing.Add($"{line}: {code} {ourCode}\n{output}-- ours:\n{ourOutput}-- tree: {left}\n{error}{ourError}");
                }
            }
        }

        Assert.True(differing.Count == 0, string.Join('\n', differing));
    }

    /// <summary>Numbers fall and end at 0, as scripts that show a bar expect it.</summary>
    [Fact]
    public async Task ProgressCountsWhatIsLeftToCheck()
    {
        using TemporaryDirectory directory = new();
        directory.Shell("mkdir -p s/q d; for i in 1 2 3 4 5 6 7 8; do echo $i >s/$i; echo $i >s/q/$i; done");
        (int code, string output, string error) = await NativeSyncRun.RunAsync("sync", "-a", "--progress", $"{directory.Path}/s/", $"{directory.Path}/d/");
        Assert.True(code == 0, error);
        MatchCollection counts = Check().Matches(output);
        Assert.Equal([.. Enumerable.Range(1, 16)], counts.Select(match => int.Parse(match.Groups[1].Value, null)));
        Assert.Equal(("0", "18"), (counts[^1].Groups[2].Value, counts[^1].Groups[3].Value));
        Assert.Equal("18", Check().Matches(Rsync.Run(["-a", "--progress", $"{directory.Path}/s/", $"{directory.Path}/e/"]).Output)[^1].Groups[3].Value);
    }

    [GeneratedRegex(@"\(xfr#(\d+), (?:to|ir)-chk=(\d+)/(\d+)\)")]
    private static partial Regex Check();

    private static string[] Lines(string output) =>
        [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(static line => !line.StartsWith("sent ", StringComparison.Ordinal) && !line.StartsWith("total size", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
}
