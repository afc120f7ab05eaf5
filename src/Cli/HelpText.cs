using System.Text;
using NativeSync.Cli.Options;

namespace NativeSync.Cli;

/// <summary>What <c>--help</c> prints.</summary>
internal static class HelpText
{
    private const int OptionColumn = 26;

    private const string Overview =
        """
        Usage: nativesync [COMMAND] [OPTION]...

        Commands
          (none), migrate   move this server to a Tencent Cloud CVM, as client.json and user.json say; with --check only
                            look whether it would work, with --clean give up (nativesync migrate --help tells all)
          init              write client.json, user.json and the exclude list to fill in
          sync              synchronise files, with rsync's options and meaning
          verify            compare two trees by digest, and name what differs
          bench             figures for a directory of yours and the line to a host, and what to set for them
          rehearse          a whole migration on this machine, against a simulated cloud
          fixup             make a copied system boot: what the migration does in its end, on any mounted root
          completion        what bash, zsh or fish load to complete the command line
          serve             the remote end; NativeSync starts it itself

        nativesync COMMAND --help tells more. --version prints the version.

        """;

    private const string Sync =
        """
        Usage: nativesync sync [OPTION]... SRC... DEST
          or   nativesync sync [OPTION]... SRC... [USER@]HOST:DEST
          or   nativesync sync [OPTION]... [USER@]HOST:SRC... DEST

        A slash behind SRC means the contents of the directory. More sources on the same host may be written :SRC.
        The other side needs no installation: NativeSync brings itself along over SSH.

        Options

        """;

    private const string Verify =
        """
        Usage: nativesync verify [OPTION]... SRC DEST

        Compares two trees, either of which may be [USER@]HOST:PATH, by type, size, owner, permissions, times, links, extended
        attributes and the digest of the contents, and names each entry that differs and in what. --no-times, --no-owner and
        so on leave something out. SRC and DEST are the trees themselves, with or without a slash behind.
        Exit code 0: equal; 23: something differs or could not be read.

        Options
        """;

    private const string Bench =
        """
        Usage: nativesync bench [OPTION]... SRC [[USER@]HOST:DIR]

        Measures how fast the directory SRC is scanned, read and compressed and, with HOST:DIR, what the line carries: a sample
        of SRC, 32 MiB at most, is sent into a new directory below DIR, which is removed again. Ends with what to set, why,
        and a command line to copy.

        Options
        --seconds=N               how long each measurement may take (5)

        """;

    private const string Serve =
        """
        Usage: nativesync serve [--wait=SECONDS]

        The remote end. It speaks NativeSync's protocol on standard input and output, and is started by NativeSync itself.
        It ends when it has not been told within SECONDS (600) what to do.

        """;

    /// <summary>The help of a command; null or an unknown name gives the overview.</summary>
    public static string ForCommand(string? command) => command switch
    {
        "sync" => Sync + Options(static option => !option.Hidden && option.Relation != Relation.Lacks) + NotYet(),
        "rsync" => ForCommand("sync").Replace("nativesync sync", "rsync", StringComparison.Ordinal),
        "verify" => Verify + "\n" + Options(static option => IsForVerify(option.Id)),
        "bench" => Bench + Options(static option => IsForBench(option.Id)),
        "serve" => Serve,
        _ => Overview,
    };

    /// <summary>Whether <c>verify</c> takes the option, too.</summary>
    public static bool IsForVerify(OptionId id) => id is OptionId.Exclude or OptionId.ExcludeFrom or OptionId.Include or OptionId.IncludeFrom or OptionId.Filter or OptionId.FilterFiles or OptionId.CvsExclude
        or OptionId.From0 or OptionId.Permissions or OptionId.Times or OptionId.Owner or OptionId.Group or OptionId.Links or OptionId.Devices or OptionId.Specials
        or OptionId.DevicesAndSpecials or OptionId.ModifyWindow or OptionId.Acls or OptionId.Xattrs or OptionId.HardLinks or OptionId.NumericIds or OptionId.OneFileSystem or OptionId.OmitDirectoryTimes or OptionId.FileFlags or OptionId.ChecksumIndex or OptionId.ProjectIds
        or OptionId.Archive or OptionId.Quiet or OptionId.Verbose or OptionId.Json or OptionId.Rsh or OptionId.RsyncPath or OptionId.Port or OptionId.Identity or OptionId.KnownHosts
        or OptionId.HostKeyCheck or OptionId.SshConfig or OptionId.Timeout or OptionId.Help or OptionId.Version;

    /// <summary>Whether <c>bench</c> takes the option, too: how to reach the other side, and how to tell.</summary>
    public static bool IsForBench(OptionId id) => id is OptionId.Json or OptionId.Rsh or OptionId.RsyncPath or OptionId.Port or OptionId.Identity or OptionId.KnownHosts or OptionId.HostKeyCheck
        or OptionId.SshConfig or OptionId.Timeout or OptionId.ConnectTimeout or OptionId.Ipv4 or OptionId.Ipv6 or OptionId.Help or OptionId.Version;

    private static string Options(Func<OptionSpec, bool> which)
    {
        StringBuilder text = new();
        foreach (OptionSpec option in OptionTable.All.Where(which))
        {
            string usage = option.Usage;
            text.Append(usage.Length < OptionColumn - 1 ? usage.PadRight(OptionColumn) : $"{usage}\n{new string(' ', OptionColumn)}").Append(option.Help).Append('\n');
        }

        return text.ToString();
    }

    private static string NotYet()
    {
        StringBuilder text = new("\nOptions of rsync that are refused by name, exit code 4\n");
        int column = 0;
        foreach (OptionSpec option in OptionTable.All.Where(static option => option is { Relation: Relation.Lacks, Hidden: false }))
        {
            if (column + option.Name.Length > 100)
            {
                text.Append('\n');
                column = 0;
            }

            text.Append(column == 0 ? "  " : " ").Append(option.Name);
            column += option.Name.Length + 1;
        }

        return text.Append('\n').ToString();
    }
}
