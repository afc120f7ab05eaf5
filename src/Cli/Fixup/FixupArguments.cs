namespace NativeSync.Cli.Fixup;

/// <summary>What `nativesync fixup` was asked for.</summary>
internal sealed class FixupArguments
{
    public string? Root { get; private set; }

    public bool DryRun { get; private set; }

    public bool Json { get; private set; }

    public bool Help { get; private set; }

    public bool List { get; private set; }

    public string? FactsFile { get; private set; }

    public List<string> Skip { get; } = [];

    public List<string> Only { get; } = [];

    /// <summary>Reads them; null and what is wrong when they cannot be.</summary>
    public static FixupArguments? Parse(string[] args, out string error)
    {
        FixupArguments result = new();
        error = "";
        for (int i = 0; i < args.Length; i++)
        {
            string name = args[i];
            string? value = null;
            if (name.StartsWith("--", StringComparison.Ordinal) && name.IndexOf('=', StringComparison.Ordinal) is > 0 and int equals)
            {
                (name, value) = (name[..equals], name[(equals + 1)..]);
            }

            switch (name)
            {
                case "--dry-run" or "-n" when value is null:
                    result.DryRun = true;
                    continue;
                case "--json" when value is null:
                    result.Json = true;
                    continue;
                case "--list" when value is null:
                    result.List = true;
                    continue;
                case "--help" or "-h" when value is null:
                    result.Help = true;
                    return result;
                case "--root" or "--facts" or "--skip" or "--only":
                    value ??= ++i < args.Length ? args[i] : null;
                    if (string.IsNullOrEmpty(value))
                    {
                        error = $"{name} needs a value; see nativesync fixup --help";
                        return null;
                    }

                    result.Take(name, value);
                    continue;
                default:
                    error = name.StartsWith('-')
                        ? $"unknown argument \"{Options.UsageException.Quote(args[i])}\"; see nativesync fixup --help"
                        : $"unknown argument \"{Options.UsageException.Quote(args[i])}\"; the directory is given by --root";
                    return null;
            }
        }

        if (result is { Root: null, List: false })
        {
            error = "--root is missing: the directory that the migrated system is mounted at; see nativesync fixup --help";
            return null;
        }

        return result;
    }

    private void Take(string name, string value)
    {
        switch (name)
        {
            case "--root":
                Root = value;
                break;
            case "--facts":
                FactsFile = value;
                break;
            case "--skip":
                Skip.AddRange(value.Split(',', StringSplitOptions.RemoveEmptyEntries));
                break;
            default:
                Only.AddRange(value.Split(',', StringSplitOptions.RemoveEmptyEntries));
                break;
        }
    }
}
