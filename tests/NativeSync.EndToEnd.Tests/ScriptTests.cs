using NativeSync.EndToEnd.Tests.Support;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests;

/// <summary>Scripts written for rsync run unchanged where the name rsync is a link to the executable, and leave the same trees.</summary>
public sealed class ScriptTests
{
    private const string Scene =
        """
        mkdir -p src/sub/deep src/cache dst; echo one >src/one; echo two >src/sub/two; echo three >src/sub/deep/three; echo junk >src/cache/junk; ln -s one src/link; echo old >dst/old
        find . -exec touch -h -d '2020-02-02 02:02:02' {} +
        """;

    [Theory]
    [InlineData("collect what is listed, and take it away at the source", """
        printf 'one\nsub/two\n' >list
        rsync -a --files-from=list --remove-source-files src/ dst/ || exit
        rsync --version | awk 'NR == 1 { exit $3 < "3" }' || exit
        rsync -ai --dry-run src/ dst/ | grep -c '^>f' >count
        """)]
    [InlineData("nightly, each day linked to the day before", """
        for day in 1 2 3; do
            echo $day >src/day; touch -d "2021-01-0$day" src/day
            rsync -a --delete --exclude=/cache --link-dest="$PWD/snapshots/latest" src/ "snapshots/$day.part/" --mkpath || [ $? -eq 24 ] || exit
            mv "snapshots/$day.part" "snapshots/$day"; ln -sfn "$day" snapshots/latest
        done
        """)]
    [InlineData("a mirror that changes all at once", """
        rsync -a --delete --delay-updates --stats src/ dst/ | sed -n 's/^Number of regular files transferred: //p' >count
        echo changed >src/one; rm -r src/sub/deep
        rsync -a --delete --delay-updates --out-format='%o %n' src/ dst/ | LC_ALL=C sort >lines
        """)]
    public async Task AScriptRunsUnchanged(string purpose, string script)
    {
        using var scratch = new Scratch();
        List<string> trees = [];
        foreach ((string name, string program) in ((string, string)[])[("theirs", ""), ("ours", Tool.Path)])
        {
            string at = scratch[name];
            await Command.ShellAsync($"umask 022; mkdir -p '{at}' '{at}.bin'; cd '{at}'; {Scene}\n[ -z '{program}' ] || ln -s '{program}' '{at}.bin/rsync'");
            await Command.ShellAsync($"umask 022; cd '{at}'; PATH='{at}.bin':$PATH\n{script}");
            trees.Add(at);
        }

        await TreeJudge.MustHaveSameManifestAsync(trees[0], trees[1], ["mtime"], purpose);
    }
}
