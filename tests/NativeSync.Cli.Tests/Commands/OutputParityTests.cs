using System.Text.RegularExpressions;

namespace NativeSync.Cli.Tests.Commands;

/// <summary>What is written with the options about output equals what rsync writes, line by line, but for rates, wire bytes and the order of names.</summary>
public sealed partial class OutputParityTests
{
    private const string Changes =
        """
        mkdir -p s/dir s/new d; echo hi >s/a; echo hi >s/b; ln -s a s/l; echo x >s/dir/x; touch s/same; mkfifo s/fifo; mknod s/dev c 1 3; chmod 755 s s/dir s/new
        touch -h -d 2001-01-01 s/* s/dir/x; touch -d 2001-01-01 s; cp -a s/. d/
        echo more >>s/a; touch -d 2002-02-02 s/a; chmod 4600 s/b; ln -sf b s/l; touch -h -d 2002-01-01 s/l; chown 1:2 s/dir/x; touch -d 2003-01-01 s/dir s/same
        rm s/dev; mknod s/dev c 1 5; touch -d 2001-01-01 s/dev; chmod 611 s/fifo; echo n >s/new/n; echo newf >s/nf; mkdir d/gone; touch d/gone/z d/y; touch -d 2004-01-01 s s/new s/new/n s/nf; touch -d 2005-01-01 d d/*
        """;

    private const string New = "mkdir -p s/dir s/e; echo hi >s/a; ln -s a s/l; echo 12345678 >s/dir/b; ln s/a s/hard; touch $'s/tab\\there' $'s/nl\\nx' $'s/\\xff' 's/b\\#189' s/é; touch -h -d 2001-01-01 s/* s";

    private const string Same = "mkdir -p s/x d; echo 1 >s/x/1; ln -s 1 s/x/l; touch s/x/1 s/x; cp -a s/. d/";

    private static readonly string[] OptionSets =
    [
        "-a", "-av", "-avv", "-ai", "-aii", "-avi", "-avvi", "-a --stats", "-av --stats", "-avhh --stats", "-av --no-h --stats", "-a --info=name", "-a --info=name2", "-a --info=NAME2,stats1", "-a --info=stats2",
        "-a --info=flist", "-a --info=flist2", "-av --info=flist0", "-av --info=none", "-av --info=all0", "-a --info=misc", "-a --info=misc2", "-a --info=del --delete", "-av --info=del0 --delete",
        "-av --info=name0", "-avq", "-aiq", "-aq --stats", "-aq --progress", "-av --info=stats0", "-aivn --delete", "-a --progress", "-a --progress -i --delete", "-a --progress --no-progress",
        "-a --progress --info=name0", "-a --progress --info=flist0", "-av --info=progress0 --progress", "-aP --info=stats", "-an --progress", "-a --out-format=%o_%n%L --delete",
        "-a --out-format=[%i|%n|%L|%o|%f|%M|%U|%G|%B|%C|%h|%a|%m|%P|%u] --delete", "-ac --out-format=%C_%n", "-ai --out-format=%-10U|%20n|%-12n|%%|%q|%5o|% --delete", "-a --out-format=", "-a --log-format=%n",
        "-avv --out-format=%o_%n", "-avv --existing", "-avv --ignore-existing", "-a --info=skip --ignore-existing", "-avvu", "-8ai", "-8a --out-format=%n", "-a --info=skip,name2",
    ];

    public static TheoryData<string> Scenes => ["new", "change", "same"];

    [Theory]
    [MemberData(nameof(Scenes))]
    public async Task TheSameOptionsWriteTheSameLines(string scene)
    {
        string script = scene switch { "new" => New, "change" => Changes, _ => Same };
        using TemporaryDirectory directory = new();
        directory.Shell($"mkdir start; cd start; {script}");
        List<string> differing = [];
        foreach (string options in OptionSets)
        {
            directory.Shell("for side in theirs ours; do rm -rf $side; mkdir $side; cp -a start/s $side/s; if [ -d start/d ]; then cp -a start/d $side/d; fi; done");
            string[] words = options.Split(' ');
            (int code, string output, string error) = Rsync.Run([.. words, $"{directory.Path}/theirs/s/", $"{directory.Path}/theirs/d/"]);
            (int ourCode, string ourOutput, string ourError) = await NativeSyncRun.RunAsync(["sync", .. words, $"{directory.Path}/ours/s/", $"{directory.Path}/ours/d/"]);
            string[] theirs = Lines(output.Replace($"{directory.Path[1..]}/theirs", "", StringComparison.Ordinal)), ours = Lines(ourOutput.Replace($"{directory.Path[1..]}/ours", "", StringComparison.Ordinal));
            if (code != ourCode || !theirs.SequenceEqual(ours))
            {
                differing.Add($"{options}: {code} {ourCode} {error}{ourError}\n  rsync alone: {string.Join(" | ", theirs.Except(ours))}\n  ours alone: {string.Join(" | ", ours.Except(theirs))}");
            }
        }

        Assert.True(differing.Count == 0, string.Join('\n', differing));
    }

    [Fact]
    public async Task TheLogHasTheSameLines()
    {
        List<string> differing = [];
        foreach (string options in (string[])["-a --delete", "-aq", "-av --log-file-format=%i_%n", "-aH --log-file-format=", "-ai --stats", "-avv", "-aii"])
        {
            using TemporaryDirectory directory = new();
            directory.Shell($"{Changes}\ncp -a d e");
            string[] words = options.Split(' ');
            Rsync.Run([.. words, $"--log-file={directory.Path}/theirs.log", $"{directory.Path}/s/", $"{directory.Path}/e/"]);
            await NativeSyncRun.RunAsync(["sync", .. words, $"--log-file={directory.Path}/ours.log", $"{directory.Path}/s/", $"{directory.Path}/d/"]);
            string[] theirs = LogLines($"{directory.Path}/theirs.log"), ours = LogLines($"{directory.Path}/ours.log");
            if (!theirs.SequenceEqual(ours))
            {
                differing.Add($"{options}:\n  rsync alone: {string.Join(" | ", theirs.Except(ours))}\n  ours alone: {string.Join(" | ", ours.Except(theirs))}");
            }
        }

        Assert.True(differing.Count == 0, string.Join('\n', differing));
    }

    [Fact]
    public async Task EverythingGoesToStandardErrorWhenItIsAskedFor()
    {
        using TemporaryDirectory directory = new();
        directory.Shell("mkdir s; echo 1 >s/1");
        (_, string output, string error) = await NativeSyncRun.RunAsync("sync", "-ai", "--stderr=all", $"{directory.Path}/s/", $"{directory.Path}/d");
        Assert.Equal("", output);
        Assert.Contains(">f+++++++++ 1\n", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task UnderTheNameOfRsyncErrorsHaveItsWords()
    {
        using TemporaryDirectory directory = new();
        (int code, string output, string error) = await NativeSyncRun.RunAsync("rsync", ["-a", $"{directory.Path}/none", $"{directory.Path}/d"]);
        Assert.Equal((23, ""), (code, output));
        Assert.StartsWith("rsync: ", error, StringComparison.Ordinal);
        Assert.EndsWith("rsync error: some files/attrs were not transferred (see previous errors) (code 23)\n", error, StringComparison.Ordinal);
        Assert.EndsWith("rsync error: syntax or usage error (code 1)\n", (await NativeSyncRun.RunAsync("rsync", ["--nonsense"])).Error, StringComparison.Ordinal);
        Assert.StartsWith("rsync  version 3.5.0  protocol version 32\n", (await NativeSyncRun.RunAsync("rsync", ["--version"])).Output, StringComparison.Ordinal);
    }

    private static string[] LogLines(string path) => Lines(DateAndProcess().Replace(File.ReadAllText(path, System.Text.Encoding.Latin1), ""));

    /// <summary>Sorted, since both walk the tree in an order of their own; without what depends on protocol and clock. Of what rsync redraws, the last.</summary>
    private static string[] Lines(string output)
    {
        output = Counted().Replace(output, "N");
        output = Redrawn().Replace(output, "");
        return [.. output.Split('\n').Where(static line => !line.StartsWith("total: matches=", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
    }

    [GeneratedRegex(@"(?<=^sent )[\d,.KM]+|(?<=^sent .*received )[\d,.KM]+|[\d,.KM]+(?= bytes/sec)|(?<=speedup is )[\d,.KM]+|(?<=^(Total bytes|File list) .*: )[\d,.KM]+|[\d.]+[kMG]B/s *\d+:\d+:\d+|(to|ir)-chk=\d+/\d+|(?<=xfr#)\d+", RegexOptions.Multiline)]
    private static partial Regex Counted();

    [GeneratedRegex(@"\r *[\d,]+ *\d+% *N  (?=\r)")]
    private static partial Regex Redrawn();

    [GeneratedRegex(@"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[\d+\] ", RegexOptions.Multiline)]
    private static partial Regex DateAndProcess();
}
