using System.Globalization;

namespace NativeSync.Cli.Rehearse;

/// <summary>Options of a rehearsal.</summary>
/// <param name="Source">Tree to migrate; null makes a sample.</param>
/// <param name="Keep">Leave the work area for a look at it.</param>
/// <param name="Mode">Client.Net.Mode.</param>
/// <param name="NoDisks">Use a directory even where there could be disks.</param>
/// <param name="NoSsh">Use an agent as a child process even where there is an sshd.</param>
/// <param name="Help">Only print the help.</param>
internal sealed record RehearseOptions(string? Source, bool Keep, int Mode, bool NoDisks, bool NoSsh, bool Help)
{
    /// <summary>Reads the arguments.</summary>
    public static RehearseOptions? Parse(string[] args, out string error)
    {
        RehearseOptions options = new(null, false, 0, false, false, false);
        error = "";
        for (int i = 0; i < args.Length; i++)
        {
            string name = args[i];
            string? value = null;
            if (name.IndexOf('=', StringComparison.Ordinal) is > 0 and int equals)
            {
                value = name[(equals + 1)..];
                name = name[..equals];
            }

            if (name is "--source" or "--mode")
            {
                value ??= i + 1 < args.Length ? args[++i] : null;
                if (string.IsNullOrEmpty(value))
                {
                    error = $"{name} needs a value";
                    return null;
                }
            }

            switch (name)
            {
                case "--source":
                    options = options with { Source = value };
                    break;
                case "--mode" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int mode) && mode <= 3:
                    options = options with { Mode = mode };
                    break;
                case "--mode":
                    error = $"--mode is a number from 0 to 3, not \"{value}\"";
                    return null;
                case "--no-disks":
                    options = options with { NoDisks = true };
                    break;
                case "--no-ssh":
                    options = options with { NoSsh = true };
                    break;
                case "--keep":
                    options = options with { Keep = true };
                    break;
                case "--help" or "-h" or "-help":
                    options = options with { Help = true };
                    break;
                default:
                    error = $"unknown argument \"{args[i]}\"; see nativesync rehearse --help";
                    return null;
            }
        }

        return options;
    }
}
