namespace NativeSync.Cli.Options;

/// <summary>One option of <c>nativesync sync</c>: the source of the parser, of <c>--help</c> and of docs/cli.md.</summary>
/// <param name="Id">What it is about.</param>
/// <param name="Long">Its long name without dashes; empty when it has only a short one.</param>
/// <param name="Short">Its short name; '\0' for none.</param>
/// <param name="Argument">How help calls its argument; null when it takes none.</param>
/// <param name="Relation">How it compares with rsync's.</param>
/// <param name="Help">What it does, in a few words.</param>
internal sealed record OptionSpec(OptionId Id, string Long, char Short, string? Argument, Relation Relation, string Help)
{
    /// <summary>Other long names.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>Names that are accepted behind <c>--no-</c>.</summary>
    public IReadOnlyList<string> Negations { get; init; } = [];

    /// <summary>Accepted, but left out of help and documentation, as rsync leaves it out.</summary>
    public bool Hidden { get; init; }

    /// <summary>How messages call it.</summary>
    public string Name => Long.Length > 0 ? "--" + Long : "-" + Short;

    /// <summary>How help and documentation show it, e.g. <c>--timeout=SECONDS</c> or <c>--archive, -a</c>.</summary>
    public string Usage => (Long.Length > 0 ? $"--{Long}{(Argument is null ? "" : "=" + Argument)}" : "")
        + (Long.Length > 0 && Short != '\0' ? ", " : "") + (Short != '\0' ? "-" + Short : "")
        + (Long.Length == 0 && Argument is not null ? " " + Argument : "");
}
