namespace NativeSync.Cli.Tests.Commands;

/// <summary>The installed rsync is the judge: the same command over the same trees says the same lines and leaves the same tree.</summary>
public sealed class SameAsRsyncTests
{
    private static readonly Dictionary<string, string> Scenes = new()
    {
        ["new"] = "mkdir -p s/dir/sub s/empty; echo hi >s/a; echo b >s/dir/b; echo c >s/dir/sub/c; ln -s a s/l; mkfifo s/fifo; mknod s/dev c 1 3; ln s/a s/hard; rmdir d",
        ["change"] =
            """
            mkdir -p s/dir; echo hi >s/a; echo hi >s/b; ln -s a s/l; echo x >s/dir/x; touch s/same; mkfifo s/fifo; mknod s/dev c 1 3
            touch -h -d 2001-01-01 s/* s/dir/x; touch -d 2001-01-01 s; cp -a s/. d/
            echo more >>s/a; touch -d 2002-02-02 s/a; chmod 600 s/b; ln -sf b s/l; touch -h -d 2002-01-01 s/l; chown 1:2 s/dir/x; touch -d 2003-01-01 s/dir s/same
            rm s/dev; mknod s/dev c 1 5; touch -d 2001-01-01 s/dev; chmod 611 s/fifo; touch -d 2004-01-01 s
            """,
        ["delete"] = "mkdir -p s/k d/gone/sub d/k; echo 1 >s/k/1; cp -a s/k/1 d/k/; touch d/gone/f d/gone/sub/g d/k/old d/z; ln -s x d/lnk; touch -d 2001-01-01 s d s/k d/k",
        ["types"] = "mkdir -p s/wasfile/sub/sub d/wasdir; echo q >s/wasfile/sub/q; echo x >s/wasdir; echo y >d/wasfile; ln -s q s/waslfile; echo z >d/waslfile; echo w >s/waslink; ln -s q d/waslink; touch -d 2001-01-01 s d",
        ["same"] = "mkdir s/x; echo 1 >s/x/1; ln -s 1 s/x/l; cp -a s/. d/",
        ["names"] = "touch $'s/new\\nline' $'s/\\xff\\xfe' s/-dash 's/a\\#123b' 's/sp ace'; touch -d 2001-01-01 s/* s d",
        ["xattr"] = "echo 1 >s/a; echo 2 >s/b; mkdir s/c; setfacl -m u:1:r s/c; touch -d 2001-01-01 s/a s/b s/c; cp -a s/. d/; chmod 715 s/c; chmod 777 d/c; setfattr -n user.k -v v s/a; setfacl -m u:1:r s/b; touch -d 2001-01-01 s d",
        ["content"] = "echo 1234 >s/a; echo 5678 >s/n; touch -d 2001-01-01 s/*; cp -a s/. d/; echo 9999 >s/n; touch -d 2001-01-01 s/n; echo 123 >s/a; touch -d 2002-01-01 s/a; touch -d 2003-01-01 s d",
    };

    private static readonly string[] OptionSets =
    [
        "-ai --delete", "-av --delete", "-aniv --delete --stats", "-rlptDi", "-aui", "-ai --existing", "-ai --size-only", "-aIi", "-aci --delete", "-ai --inplace", "-AXai", "-aiW --no-o --no-g",
        "-ai --exclude=a --delete", "-ai --include=*/ --include=a --exclude=* --delete --delete-excluded", "-aH",
    ];

    public static TheoryData<string, string> All
    {
        get
        {
            TheoryData<string, string> data = [];
            foreach (string scene in Scenes.Keys)
            {
                foreach (string options in OptionSets)
                {
                    data.Add(scene, options);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task TheSameCommandSaysAndDoesTheSame(string scene, string options)
    {
        using TemporaryDirectory directory = new();
        directory.Shell($"mkdir s d; {Scenes[scene]}\nif [ -d d ]; then cp -a d e; fi");
        string[] words = options.Split(' ');
        (int code, string output, string error) = Rsync.Run([.. words, $"{directory.Path}/s/", $"{directory.Path}/e/"]);
        (int ourCode, string ourOutput, string ourError) = await NativeSyncRun.RunAsync(["sync", .. words, $"{directory.Path}/s/", $"{directory.Path}/d/"]);
        Assert.True(code == ourCode, $"rsync {code} {error}\nnativesync {ourCode} {ourError}");
        Assert.Equal(Lines(output.Replace($"{directory.Path}/e", $"{directory.Path}/d", StringComparison.Ordinal)), Lines(ourOutput));

        // What both made is equal, as rsync itself sees it.
        bool made = Directory.Exists($"{directory.Path}/e") && !words[0].Contains('n', StringComparison.Ordinal);
        Assert.Equal("", made ? Rsync.Run(["-naHAXi", "--delete", "--checksum", $"{directory.Path}/e/", $"{directory.Path}/d/"]).Output : "");
    }

    /// <summary>Sorted, since both walk the tree in an order of their own; without what depends on protocol and clock.</summary>
    private static IEnumerable<string> Lines(string output) => output.Split('\n')
        .Where(static line => line.Length > 0 && !line.StartsWith("sent ", StringComparison.Ordinal) && !line.StartsWith("total size", StringComparison.Ordinal)
            && !line.StartsWith("File list", StringComparison.Ordinal) && !line.StartsWith("Total bytes", StringComparison.Ordinal))
        .Order(StringComparer.Ordinal);
}
