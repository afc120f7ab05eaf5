namespace NativeSync.Migration.Configuration;

/// <summary>One thing wrong in a configuration file: where it is and what is expected there.</summary>
/// <param name="File">Name of the file, as the user knows it.</param>
/// <param name="Line">Line, counted from 1; 0 when it belongs to no line.</param>
/// <param name="Key">Full name of the key, such as <c>Client.Net.Mode</c>; empty for the file as a whole.</param>
/// <param name="Message">What is expected and what was found.</param>
public sealed record ConfigProblem(string File, int Line, string Key, string Message)
{
    /// <inheritdoc/>
    public override string ToString()
    {
        string place = Line > 0 ? $"{File}, line {Line}" : File;
        return Key.Length > 0 ? $"{place}: {Key}: {Message}" : $"{place}: {Message}";
    }
}

/// <summary>The configuration cannot be used. The message has one line for each problem.</summary>
public sealed class ConfigException : Exception
{
    /// <summary>Creates it from all that was found wrong.</summary>
    public ConfigException(IReadOnlyList<ConfigProblem> problems)
        : base(string.Join('\n', problems))
    {
        Problems = problems;
    }

    /// <summary>Creates it from a single problem.</summary>
    public ConfigException(string file, int line, string key, string message)
        : this([new ConfigProblem(file, line, key, message)])
    {
    }

    /// <summary>All problems, in the order of the file.</summary>
    public IReadOnlyList<ConfigProblem> Problems { get; }
}
