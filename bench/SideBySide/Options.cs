using System.Globalization;

namespace NativeSync.SideBySide;

/// <summary>The command line of <c>bench/compare</c>.</summary>
internal sealed record Options
{
    public const string Help = """
        bench/compare [--case NAME]… [--lines] [--cubic] [--runs N] [--exe FILE] [--only TEXT] [--trace] [--no-warm-up] [--no-write] [--list]
          --case NAME   this case (see --list); several may be given; default: all that need no asking and find room in memory (an hour)
          --lines       one table of all long lines with each kind of data (12 minutes a run), or of those --case names; no round that is not timed
          --cubic       the kernels of a line's ends as most machines have them: cubic, and at most 4 MiB to send from and 6 to receive into
          --runs N      timed runs of each contender, in turn (default 5)
          --exe FILE    the executable under test (default artifacts/nativesync, built if it is not there)
          --only TEXT   only the contenders whose name contains TEXT
          --trace       says every half second what a line carries, and each of its TCP connections
          --no-warm-up  timed runs alone: nobody looks at memory
          --no-write    prints the tables and leaves docs/benchmarks.md alone
        """;

    public IReadOnlyList<string> Cases { get; init; } = [];

    public int Runs { get; init; } = 5;

    public string? Executable { get; init; }

    public string Only { get; init; } = "";

    public bool Write { get; init; } = true;

    public bool Trace { get; init; }

    public bool WarmUp { get; init; } = true;

    public bool List { get; init; }

    /// <summary>The table of all lines.</summary>
    public bool Lines { get; init; }

    /// <summary>The ends of a line have the congestion control and the buffers that most systems come with.</summary>
    public bool Cubic { get; init; }

    /// <summary>What was typed, for the reproduction line.</summary>
    public string CommandLine { get; init; } = "bench/compare";

    /// <summary>Null, and the reason, when the words make no sense.</summary>
    public static (Options? Options, string? Error) Parse(string[] words)
    {
        // Where the executable lies is of no use to who reads the page.
        var shown = words.Select((word, at) => at > 0 && words[at - 1] == "--exe" ? Path.GetFileName(word) : word);
        var options = new Options { CommandLine = string.Join(' ', shown.Prepend("bench/compare")) };
        List<string> cases = [];
        for (int i = 0; i < words.Length; i++)
        {
            string? value = i + 1 < words.Length ? words[i + 1] : null;
            switch (words[i])
            {
                case "--case" when value is not null: cases.Add(value); i++; break;
                case "--runs" when int.TryParse(value, CultureInfo.InvariantCulture, out int runs) && runs > 0: options = options with { Runs = runs }; i++; break;
                case "--exe" when value is not null: options = options with { Executable = Path.GetFullPath(value) }; i++; break;
                case "--only" when value is not null: options = options with { Only = value }; i++; break;
                case "--no-write": options = options with { Write = false }; break;
                case "--no-warm-up": options = options with { WarmUp = false }; break;
                case "--trace": options = options with { Trace = true }; break;
                case "--lines": options = options with { Lines = true, WarmUp = false }; break;
                case "--cubic": options = options with { Cubic = true }; break;
                case "--list": options = options with { List = true }; break;
                default: return (null, $"'{words[i]}' makes no sense here\n{Help}");
            }
        }

        return (options with { Cases = cases }, null);
    }
}
