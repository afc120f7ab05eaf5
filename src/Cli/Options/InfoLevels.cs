namespace NativeSync.Cli.Options;

/// <summary>What <c>--info</c> can name.</summary>
internal enum InfoItem
{
    Backup, Copy, Del, FileList, Misc, Mount, Name, NonRegular, Progress, Remove, Skip, Stats, SymSafe,
}

/// <summary>rsync's levels of information: those that <c>-v</c> brings along, those that other options do, and those of <c>--info</c>, which win.</summary>
internal sealed class InfoLevels
{
    private const int Highest = 4;

    private static readonly string[] Names = ["backup", "copy", "del", "flist", "misc", "mount", "name", "nonreg", "progress", "remove", "skip", "stats", "symsafe"];

    /// <summary>rsync's <c>--debug</c>; only three of its words have a meaning outside of rsync's own code.</summary>
    private static readonly string[] DebugNames =
    [
        "acl", "backup", "bind", "chdir", "connect", "cmd", "del", "deltasum", "dup", "exit", "filter", "flist", "fuzzy", "genr", "hash", "hlink", "iconv", "io", "nstr", "own", "proto", "recv",
        "send", "time",
    ];

    // What -v and -vv set; NONREG is on from the start.
    private static readonly InfoItem[] First = [InfoItem.Copy, InfoItem.Del, InfoItem.FileList, InfoItem.Misc, InfoItem.Name, InfoItem.Stats, InfoItem.SymSafe];
    private static readonly InfoItem[] Second = [InfoItem.Backup, InfoItem.Misc, InfoItem.Mount, InfoItem.Name, InfoItem.Remove, InfoItem.Skip];

    private readonly int[] _given = new int[Names.Length];
    private readonly int[] _implied = new int[Names.Length];

    /// <summary>Nothing given.</summary>
    public InfoLevels()
    {
        Array.Fill(_given, -1);
        _implied[(int)InfoItem.NonRegular] = 1;
    }

    /// <summary>How often <c>-v</c> was given.</summary>
    public int Verbosity { get; set; }

    /// <summary><c>--debug=deltasum</c>, or <c>-vv</c>.</summary>
    public bool TellsDelta => _deltaSum ?? Verbosity > 1;

    /// <summary><c>--debug=cmd</c>, or <c>-vv</c>.</summary>
    public bool TellsCommand => _command ?? Verbosity > 1;

    /// <summary><c>--debug=nstr</c>: what was agreed.</summary>
    public bool TellsChoices { get; private set; }

    private bool? _deltaSum, _command;

    /// <summary>The level of one item.</summary>
    public int this[InfoItem item]
    {
        get
        {
            int level = _given[(int)item];
            return level >= 0 ? level
                : Math.Max(_implied[(int)item], (Verbosity > 0 && First.Contains(item) ? 1 : 0) + (Verbosity > 1 && Second.Contains(item) ? 1 : 0));
        }
    }

    /// <summary>What an option other than <c>--info</c> brings along.</summary>
    public void Imply(InfoItem item, int level) => _implied[(int)item] = level;

    /// <summary><c>--progress</c>: names, the heading, and each file.</summary>
    public void ImplyProgress(bool on)
    {
        Imply(InfoItem.FileList, on ? 2 : 0);
        Imply(InfoItem.Name, on ? 1 : 0);
        Imply(InfoItem.Progress, on ? 1 : 0);
    }

    /// <summary>Reads the words of <c>--info</c>.</summary>
    /// <returns>True for <c>help</c>.</returns>
    /// <exception cref="UsageException">A word that rsync does not know.</exception>
    public bool ReadInfo(string words)
    {
        foreach ((string word, string name, int level) in Split(words))
        {
            int index = Array.IndexOf(Names, name);
            switch (name)
            {
                case "help": return true;
                case "all": Array.Fill(_given, level); break;
                case "none": Array.Fill(_given, 0); break;
                case var _ when index < 0: throw new UsageException($"Unknown --info item: \"{UsageException.Quote(word)}\" (try: --info=help)");
                default: _given[index] = level; break;
            }
        }

        return false;
    }

    /// <summary>Reads the words of <c>--debug</c>.</summary>
    /// <returns>True for <c>help</c>.</returns>
    /// <exception cref="UsageException">A word that rsync does not know (code 1), or one that asks for what does not exist here (code 4).</exception>
    public bool ReadDebug(string words)
    {
        foreach ((string word, string name, int level) in Split(words))
        {
            switch (name)
            {
                case "help": return true;
                case "deltasum": _deltaSum = level > 0; break;
                case "cmd": _command = level > 0; break;
                case "nstr": TellsChoices = level > 0; break;
                case "all": _deltaSum = _command = TellsChoices = level > 0; break;
                case "none": _deltaSum = _command = TellsChoices = false; break;
                case var _ when !DebugNames.Contains(name): throw new UsageException($"Unknown --debug item: \"{UsageException.Quote(word)}\" (try: --debug=help)");
                case var _ when level > 0:
                    throw new UsageException($"--debug={UsageException.Quote(word)}: there is no such output here (cmd, deltasum and nstr are known; NATIVESYNC_DEBUG=1 shows where an error came up)", UsageException.Unsupported);
            }
        }

        return false;
    }

    /// <summary>What <c>--info=help</c> and <c>--debug=help</c> print.</summary>
    public static string Help(bool debug) => debug
        ? "--debug=cmd       the command that reaches the other side\n--debug=deltasum  whether deltas are made\n--debug=nstr      which checksum and compression are used\n--debug=all       all of them\n--debug=none      none of them; a 0 behind a word silences it, too\n"
        : $"--info takes these words, each with a level behind it (NAME2; 0 silences):\n{string.Join(' ', Names)}, all, none\n-v sets {Text(First)}; -vv a level more of {Text(Second)}\n";

    private static string Text(InfoItem[] items) => string.Join(' ', items.Select(static item => Names[(int)item]));

    private static IEnumerable<(string Word, string Name, int Level)> Split(string words)
    {
        foreach (string word in words.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            string name = word.TrimEnd("0123456789".ToCharArray());
            int level = name.Length == word.Length ? 1 : int.TryParse(word.AsSpan(name.Length), out int number) ? Math.Min(number, Highest) : Highest;
            yield return (word, name.ToLowerInvariant(), level);
        }
    }
}
