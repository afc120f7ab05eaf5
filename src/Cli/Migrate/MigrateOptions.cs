using System.Globalization;
using NativeSync.Migration.Logging;

namespace NativeSync.Cli.Migrate;

/// <summary>What a run of the migration tool is to do.</summary>
internal enum MigrateAction
{
    Migrate,
    Check,
    Clean,
    Help,
    Version,
}

/// <summary>The options of the guide. As with the tool they come from, one dash or two, and "=V" or a separate word, are the same.</summary>
internal sealed record MigrateOptions
{
    public MigrateAction Action { get; init; }

    /// <summary>Null: "log" in the tool directory.</summary>
    public string? LogFile { get; init; }

    public MigrationLogLevel LogLevel { get; init; } = MigrationLogLevel.Info;

    /// <summary>Show the run as JSON, one object a line.</summary>
    public bool Json { get; init; }

    /// <summary>Null: where the executable is.</summary>
    public string? Directory { get; init; }

    /// <summary>Reads the arguments.</summary>
    /// <param name="args">What followed the command name.</param>
    /// <param name="error">What is wrong with them, in one line.</param>
    public static MigrateOptions? Parse(string[] args, out string error)
    {
        MigrateOptions options = new();
        error = "";
        for (int i = 0; i < args.Length; i++)
        {
            string arg = args[i];
            string name = arg.TrimStart('-');
            if (arg.Length - name.Length is not (1 or 2) || name.Length == 0)
            {
                error = $"unexpected argument \"{arg}\"; see nativesync migrate --help";
                return null;
            }

            int equals = name.IndexOf('=', StringComparison.Ordinal);
            string? value = equals < 0 ? null : name[(equals + 1)..];
            name = equals < 0 ? name : name[..equals];
            bool takesValue = name is "log-file" or "log-level" or "config-dir";
            if (takesValue && value is null)
            {
                value = i + 1 < args.Length ? args[++i] : null;
            }

            if (takesValue && string.IsNullOrEmpty(value))
            {
                error = $"--{name} needs a value, such as --{name}={(name == "log-level" ? "3" : name == "log-file" ? "my.log" : "/root/tool")}";
                return null;
            }

            if (!takesValue && value is not null && !(bool.TryParse(value, out bool on) && on))
            {
                error = $"--{name} takes no value";
                return null;
            }

            switch (name)
            {
                case "help" or "h":
                    options = options with { Action = MigrateAction.Help };
                    break;
                case "version":
                    options = options with { Action = MigrateAction.Version };
                    break;
                case "check":
                    options = options with { Action = MigrateAction.Check };
                    break;
                case "clean":
                    options = options with { Action = MigrateAction.Clean };
                    break;
                case "json":
                    options = options with { Json = true };
                    break;
                case "no-console":
                    break; // There is no other way of working.
                case "log-file":
                    options = options with { LogFile = value };
                    break;
                case "config-dir":
                    options = options with { Directory = value };
                    break;
                case "log-level":
                    if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int level) || level is < 1 or > 3)
                    {
                        error = $"--log-level is 1 (errors), 2 (information) or 3 (debug), not \"{value}\"";
                        return null;
                    }

                    options = options with { LogLevel = (MigrationLogLevel)level };
                    break;
                default:
                    error = $"unknown option \"{arg}\"; see nativesync migrate --help";
                    return null;
            }
        }

        return options;
    }
}
