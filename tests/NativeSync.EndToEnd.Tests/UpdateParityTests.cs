using NativeSync.EndToEnd.Tests.Support;
using NativeSync.TestKit.Trees;

namespace NativeSync.EndToEnd.Tests;

/// <summary>
/// How files are brought about, rsync being the judge: from the same start the destination, the backups and the other hierarchies
/// look the same afterwards, hard links between them included, and the exit code is the same.
/// </summary>
public sealed class UpdateParityTests
{
    private static readonly string[] Others = ["--link-dest=../older --link-dest=../oldest", "--copy-dest=../oldest --copy-dest=../older", "--compare-dest=../older --compare-dest=../oldest"];

    // rsync itself loses its way with -H and --compare-dest, and refuses some relative paths that begin with "..": BASE is absolute.

    /// <summary>Sets of options; the other hierarchies are copies of the destination, changed in part.</summary>
    public static TheoryData<string> OptionSets =>
    [
        "-ab",
        "-aHb --delete",
        "-ab --suffix=.old --delete-after",
        "-aHb --backup-dir=../backup --delete",
        "-ab --backup-dir=kept --suffix=.k --delete --force",
        "-ab --inplace --backup-dir=BASE/backup/deep/er",
        "-a --delete-before",
        "-a --delete-after",
        "-a --delete-delay --delay-updates",
        "-aH --delay-updates",
        "-aHb --delay-updates --delete-after --backup-dir=../backup",
        "-a -T BASE/temp --delete",
        "-a --partial-dir=.part --delete",
        "-aH --partial-dir=.part --delay-updates --delete-before",
        "-a --append",
        "-a --append-verify",
        "-aI --append -b",
        "-aH " + Others[0],
        "-aHXA --delete " + Others[0],
        "-a --delete " + Others[1],
        "-a --delete " + Others[2],
        "-acH " + Others[0],
        "-ac --delete-before " + Others[2],
        "-aHn --delete " + Others[0],
        "-ayy --no-W --delete-after " + Others[0],
        "-a --no-W -y --delete-after",
        "-a --preallocate --fsync",
        "-au --delete",
        "-aI --size-only",
        "-a --size-only --delete",
        "-a --modify-window=3600",
        "-a --existing -b",
        "-a --max-delete=3 --delete-after",
        "-a --max-delete=0 --delete",
        "-a --max-delete=-1 --delete-before",
        "-a --delete-excluded --exclude=*.o --delete-delay",
        "-a --force --ignore-errors --delete-before",
        "-a --cc=none -b",
    ];

    /// <summary>NATIVESYNC_SEED names another one.</summary>
    private static int Seed { get; } = Environment.GetEnvironmentVariable("NATIVESYNC_SEED") is { Length: > 0 } seed
        ? int.Parse(seed, System.Globalization.CultureInfo.InvariantCulture)
        : 1001;

    [Theory]
    [MemberData(nameof(OptionSets))]
    public Task TheSameOptionsGiveTheSameTrees(string options) => CompareAsync(Seed, options, Way.Local);

    [Theory]
    [InlineData("-aHb --delete --backup-dir=../backup --delay-updates", true)]
    [InlineData("-aH --delete-before --link-dest=../older --link-dest=../oldest", true)]
    [InlineData("-a --append", true)]
    [InlineData("-aHb --delete-after --backup-dir=../backup", true)]
    [InlineData("-a --delete-delay --delay-updates", true)]
    [InlineData("-aHb --delete-delay --suffix=.b --copy-dest=../older -yy", false)]
    [InlineData("-a --append-verify -b", false)]
    [InlineData("-a --delete-after --partial-dir=.part --compare-dest=../older", false)]
    public Task TheSameOptionsGiveTheSameTreesThroughARemoteShell(string options, bool push) => CompareAsync(Seed, options, push ? Way.Push : Way.Pull);

    [Fact]
    public async Task RandomSetsOfOptionsGiveTheSameTrees()
    {
        int sets = Environment.GetEnvironmentVariable("NATIVESYNC_QUICK") == "1" ? 12 : 60;
        for (int i = 0; i < sets; i++)
        {
            int seed = unchecked(Seed + (i * 7919));
            await CompareAsync(seed, RandomOptions(new Random(seed)), Way.Local);
        }
    }

    private enum Way
    {
        Local,
        Push,
        Pull,
    }

    private static string RandomOptions(Random random)
    {
        string Pick(params string[] of) => of[random.Next(of.Length)];
        string deletion = Pick("", "", "--delete", "--delete-before", "--delete-delay", "--delete-after", "--delete --delete-excluded");
        string backup = Pick("", "", "-b", "-b --suffix=.bak", "--backup-dir=BASE/backup", "--backup-dir=BASE/backup --suffix=~1");
        string writing = Pick("", "", "--inplace", "--delay-updates", "--partial-dir=.part", "-T BASE/temp", "--preallocate");
        // Which of two hierarchies an in-place write goes through is a matter of order: no alternatives with it.
        // And where an old file gives way to one of another hierarchy, rsync keeps no backup of it; here it is kept.
        string others = writing == "--inplace" ? "" : backup.Length > 0 ? Pick("", Others[1]) : Pick("", Others[0], Others[1], Others[2]);
        // With -c, and a file here that another hierarchy has, too, rsync links it in some cases only.
        string check = others.Length > 0 && others != Others[1] ? Pick("", "-u", "-I", "--size-only", "--existing") : Pick("", "", "-c", "-u", "-I", "--size-only", "--existing");
        string links = writing == "--inplace" || others == Others[2] ? "" : Pick("", "-H");
        string rules = Pick("", "--exclude=*.o", "--exclude=cache --exclude=/data");
        return string.Join(' ', new[] { "-a", links, deletion, backup, writing, others, check, rules }.Where(word => word.Length > 0));
    }

    private static async Task CompareAsync(int seed, string options, Way way)
    {
        using var scratch = new Scratch();
        string source = scratch["src"];
        RandomTree tree = RandomTree.Build(source, seed, new RandomTreeOptions { Entries = 120 });
        foreach (string side in (string[])["rsync", "nativesync"])
        {
            Directory.CreateDirectory(scratch[side]);
            Directory.CreateDirectory(scratch[side + "/temp"]);
            // In place, what is written through one name of a file shows under the others, in an order that nobody decides.
            string[] copy = options.Contains("--inplace", StringComparison.Ordinal) || options.Contains("--append", StringComparison.Ordinal)
                ? ["-rP", "--preserve=mode,ownership,timestamps,xattr"]
                : ["-a"];
            (await Command.RunAsync(["cp", .. copy, source, scratch[side + "/dst"]])).MustExit(0);
        }

        tree.Mutate(25);
        foreach (string side in (string[])["rsync", "nativesync"])
        {
            (await Command.RunAsync(["cp", "-a", source, scratch[side + "/oldest"]])).MustExit(0);
        }

        tree.Mutate(20);
        foreach (string side in (string[])["rsync", "nativesync"])
        {
            (await Command.RunAsync(["cp", "-a", source, scratch[side + "/older"]])).MustExit(0);
        }

        tree.Mutate(15);
        if (options.Contains("append", StringComparison.Ordinal))
        {
            // Names with newlines are taken apart here, and are then none of an existing file.
            await Command.ShellAsync(
                $"cd '{scratch.Root}'; for t in rsync/dst nativesync/dst; do find $t -type f -size +2k -links 1 | sort | awk 'NR % 3 == 0' | while IFS= read -r n; do truncate -c -s -1000 \"$n\"; touch -c -d @1300000000 \"$n\"; done; done");
        }

        CommandResult rsync = await RunAsync(scratch, source, "rsync", options, way);
        CommandResult sync = await RunAsync(scratch, source, "nativesync", options, way);
        string story = $"NATIVESYNC_SEED={seed}, options {options}\n{rsync}\n{sync}";
        if (rsync.ExitCode == 2 && rsync.Error.Contains("File-list index", StringComparison.Ordinal))
        {
            // A leader of hard links that cannot be made makes rsync itself lose its way: it judges nothing then.
            Assert.True(sync.ExitCode is 0 or 23, story);
            return;
        }

        // rsync asks for the default ACL of what was a directory before it replaced it, and takes the answer for an error.
        bool rsyncTripped = rsync.ExitCode == 23 && rsync.ErrorLines.All(line => line.Contains("get_acl: sys_acl_get_file", StringComparison.Ordinal) || line.StartsWith("rsync error:", StringComparison.Ordinal));
        Assert.True(rsync.ExitCode == sync.ExitCode || (rsyncTripped && sync.ExitCode == 0), story);
        await TreeJudge.MustHaveSameManifestAsync(
            scratch["rsync"], scratch["nativesync"], ["sparse", .. Undecided(options)], story, except: (path, type, field) => field == "mtime" && type is "d" or "l");
    }

    /// <summary>Attributes that are not transferred stay with whichever file was there, and rsync keeps them on fewer than all ways.</summary>
    private static IEnumerable<string> Undecided(string options) =>
        options.Contains('X', StringComparison.Ordinal) ? [] : ["xattr:*"];

    private static Task<CommandResult> RunAsync(Scratch scratch, string source, string side, string options, Way way)
    {
        string[] words = options.Replace("BASE", scratch[side], StringComparison.Ordinal).Split(' ');
        string[] remote = way == Way.Local ? [] : ["-e", LocalShell.Path(scratch)];
        string from = (way == Way.Pull ? "here:" : "") + source + "/";
        string to = (way == Way.Push ? "here:" : "") + scratch[side + "/dst"] + "/";
        return side == "rsync"
            ? Tool.RsyncAsync([.. words, .. remote, from, to])
            : Tool.SyncAsync([.. words, .. remote, .. way == Way.Local ? (string[])[] : ["--rsync-path=" + Tool.Path], from, to]);
    }
}
