using NativeSync.Migration.Configuration;

namespace NativeSync.Cli.Migrate;

/// <summary>`nativesync init`: commented samples of the three configuration files.</summary>
internal static class InitCommand
{
    /// <summary>Writes the files that are not there yet.</summary>
    /// <param name="args">Nothing, or the directory.</param>
    /// <param name="cancellationToken">Not needed: it is done at once.</param>
    public static Task<int> RunAsync(string[] args, CancellationToken cancellationToken = default)
    {
        if (args is [var option, ..] && option.StartsWith('-'))
        {
            bool help = option is "--help" or "-h" or "-help";
            (help ? Console.Out : Console.Error).WriteLine(help
                ? "nativesync init [DIR]\n\nWrites samples of user.json, client.json and rsync_excludes_linux.txt beside the executable, or into DIR.\nFiles that exist are left alone."
                : $"nativesync: unknown option \"{option}\"; see nativesync init --help");
            return Task.FromResult(help ? 0 : 2);
        }

        ToolDirectory tool = new(args is [var given, ..] ? given : Path.GetDirectoryName(Environment.ProcessPath) ?? ".");
        (string Name, string Content, UnixFileMode Mode)[] files =
        [
            (UserSettings.FileName, ConfigSamples.User, UnixFileMode.UserRead | UnixFileMode.UserWrite),
            (ClientSettings.FileName, ConfigSamples.Client, UnixFileMode.UserRead | UnixFileMode.UserWrite),
            (ExcludesFile.FileName, ConfigSamples.Excludes, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead),
        ];
        foreach ((string name, string content, UnixFileMode mode) in files)
        {
            try
            {
                using FileStream file = new(tool.File(name), new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = mode });
                file.Write(System.Text.Encoding.UTF8.GetBytes(content));
                Console.Out.WriteLine($"wrote {tool.File(name)}");
            }
            catch (IOException) when (File.Exists(tool.File(name)))
            {
                Console.Out.WriteLine($"left {tool.File(name)} as it is");
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                Console.Error.WriteLine($"nativesync: {tool.File(name)} cannot be written; check that the directory exists and is yours");
                return Task.FromResult(1);
            }
        }

        Console.Out.WriteLine($"Fill in {UserSettings.FileName}, look at {ClientSettings.FileName}, then run as root: nativesync --check{(args.Length > 0 ? " --config-dir=" + tool.Path : "")}");
        return Task.FromResult(0);
    }
}
