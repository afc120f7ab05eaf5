namespace NativeSync.Migration.Configuration;

/// <summary>All that the three files say, read and checked.</summary>
/// <param name="User">user.json.</param>
/// <param name="Client">client.json.</param>
/// <param name="Excludes">rsync_excludes_linux.txt as bytes.</param>
/// <param name="Warnings">What is odd but not wrong.</param>
public sealed record MigrationConfiguration(UserSettings User, ClientSettings Client, byte[] Excludes, IReadOnlyList<ConfigProblem> Warnings);

/// <summary>
/// The directory that holds the executable, the three configuration files, the log and the state. Everything inside is
/// relative, since scenario 1 of the guide copies the whole directory from machine to machine.
/// </summary>
public sealed class ToolDirectory
{
    /// <summary>Name of the state's directory.</summary>
    public const string StateDirectoryName = ".nativesync";

    /// <summary>Describes a directory; nothing is read yet.</summary>
    public ToolDirectory(string path) => Path = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path));

    /// <summary>Absolute path.</summary>
    public string Path { get; }

    /// <summary>Where the state lies.</summary>
    public string StateDirectory => File(StateDirectoryName);

    /// <summary>A file of the directory; an absolute name stays what it is.</summary>
    public string File(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Reads and checks the three files.</summary>
    /// <param name="checkWay">See <see cref="ClientSettings.Parse"/>.</param>
    /// <exception cref="ConfigException">A file is missing, unreadable or wrong; all problems of all files are in it.</exception>
    public MigrationConfiguration Load(Action<SshWay, Action<string, string>>? checkWay = null)
    {
        List<ConfigProblem> problems = [];
        List<ConfigProblem> warnings = [];
        UserSettings? user = Read(UserSettings.FileName, problems, bytes => UserSettings.Parse(bytes, warnings));
        ClientSettings? client = Read(ClientSettings.FileName, problems, bytes => ClientSettings.Parse(bytes, warnings, checkWay));
        byte[]? excludes = Read(ExcludesFile.FileName, problems, bytes => bytes);
        if (user is null || client is null || excludes is null)
        {
            throw new ConfigException(problems);
        }

        if (user.SecretKey is not null)
        {
            WarnOfReaders(UserSettings.FileName, "it holds your SecretKey", warnings);
        }

        if (client.Proxy?.Password is not null || client.SshWay?.Proxy?.Contains('@', StringComparison.Ordinal) == true)
        {
            WarnOfReaders(ClientSettings.FileName, "it holds the password of the proxy", warnings);
        }

        return new(user, client, excludes, warnings);
    }

    private void WarnOfReaders(string name, string why, List<ConfigProblem> warnings)
    {
        const UnixFileMode others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
        if (OperatingSystem.IsLinux() && (System.IO.File.GetUnixFileMode(File(name)) & others) != 0)
        {
            warnings.Add(new(name, 0, "", $"other users of this machine can read this file, and {why}; run: chmod 600 {name}"));
        }
    }

    private T? Read<T>(string name, List<ConfigProblem> problems, Func<byte[], T> parse)
        where T : class
    {
        try
        {
            return parse(System.IO.File.ReadAllBytes(File(name)));
        }
        catch (ConfigException e)
        {
            problems.AddRange(e.Problems);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            problems.Add(new(name, 0, "", $"not found in {Path}; the three configuration files belong beside the executable ('nativesync init' writes samples)"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problems.Add(new(name, 0, "", "cannot be read; run the tool as root, and check that it is a file"));
        }

        return null;
    }
}
