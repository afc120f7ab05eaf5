using System.Text;
using Microsoft.Extensions.Logging;

namespace NativeSync.Transport;

/// <summary>What <c>ssh_config</c> files say about one host. Unset values are null or empty.</summary>
internal sealed class SshConfigValues
{
    public string? HostName { get; set; }

    public int? Port { get; set; }

    public string? User { get; set; }

    public List<string> IdentityFiles { get; } = [];

    public List<string> CertificateFiles { get; } = [];

    public bool? IdentitiesOnly { get; set; }

    public string? IdentityAgent { get; set; }

    public List<string>? UserKnownHostsFiles { get; set; }

    public List<string>? GlobalKnownHostsFiles { get; set; }

    public string? StrictHostKeyChecking { get; set; }

    public string? HostKeyAlias { get; set; }

    public string? ProxyJump { get; set; }

    public int? ConnectTimeoutSeconds { get; set; }
}

/// <summary>
/// Reads the part of ssh_config(5) that NativeSync honours: Host blocks with patterns and negation, and Include.
/// The first value of a keyword wins. Match blocks are passed over with a warning; unknown keywords are ignored.
/// </summary>
internal sealed class SshConfigReader(string home, ILogger? logger)
{
    private const int MaxIncludeDepth = 16;

    private readonly SshConfigValues _values = new();

    public SshConfigValues Values => _values;

    /// <summary>Adds what a file says about the host; a file that does not exist says nothing.</summary>
    /// <param name="path">The file.</param>
    /// <param name="host">The host as the user typed it.</param>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public void Read(string path, string host)
    {
        if (File.Exists(path))
        {
            bool active = true;
            ReadLines(path, host, ref active, 0);
        }
    }

    private void ReadLines(string path, string host, ref bool active, int depth)
    {
        int number = 0;
        foreach (string line in File.ReadLines(path))
        {
            number++;
            List<string> words = Split(line);
            if (words.Count < 2)
            {
                continue;
            }

            List<string> arguments = words[1..];
            switch (words[0].ToLowerInvariant())
            {
                case "host":
                    active = HostPattern.MatchesList(host, arguments);
                    break;
                case "match":
                    active = IsMatchAll(arguments);
                    if (!active)
                    {
                        logger?.LogWarning("{File}:{Line}: Match blocks are not supported; this one is passed over", Printable.Line(path), number);
                    }

                    break;
                case "include" when active:
                    Include(arguments, path, host, depth);
                    break;
                case { } keyword when active:
                    Set(keyword, arguments);
                    break;
            }
        }
    }

    private static bool IsMatchAll(List<string> arguments) =>
        arguments.Count == 1 && arguments[0].Equals("all", StringComparison.OrdinalIgnoreCase);

    private void Include(List<string> arguments, string from, string host, int depth)
    {
        if (depth >= MaxIncludeDepth)
        {
            logger?.LogWarning("{File}: Include goes too deep; not followed", Printable.Line(from));
            return;
        }

        string directory = from.StartsWith("/etc/", StringComparison.Ordinal) ? "/etc/ssh" : Path.Combine(home, ".ssh");
        foreach (string argument in arguments)
        {
            string path = argument.StartsWith("~/", StringComparison.Ordinal) ? Path.Combine(home, argument[2..]) : Path.Combine(directory, argument);
            foreach (string file in Expand(path))
            {
                // A Host line inside an included file ends with that file.
                bool active = true;
                ReadLines(file, host, ref active, depth + 1);
            }
        }
    }

    /// <summary>Wildcards in the last part of the path only.</summary>
    private static IEnumerable<string> Expand(string path)
    {
        string name = Path.GetFileName(path);
        if (!name.Contains('*', StringComparison.Ordinal) && !name.Contains('?', StringComparison.Ordinal))
        {
            return File.Exists(path) ? [path] : [];
        }

        string? directory = Path.GetDirectoryName(path);
        return directory is null || !Directory.Exists(directory)
            ? []
            : Directory.GetFiles(directory).Where(f => HostPattern.Matches(Path.GetFileName(f), name)).Order(StringComparer.Ordinal);
    }

    private void Set(string keyword, List<string> arguments)
    {
        string first = arguments[0];
        switch (keyword)
        {
            case "hostname":
                _values.HostName ??= first;
                break;
            case "port":
                _values.Port ??= int.TryParse(first, out int port) && port is > 0 and <= 65535 ? port : null;
                break;
            case "user":
                _values.User ??= first;
                break;
            case "identityfile":
                _values.IdentityFiles.Add(first);
                break;
            case "certificatefile":
                _values.CertificateFiles.Add(first);
                break;
            case "identitiesonly":
                _values.IdentitiesOnly ??= IsYes(first);
                break;
            case "identityagent":
                _values.IdentityAgent ??= first;
                break;
            case "userknownhostsfile":
                _values.UserKnownHostsFiles ??= arguments;
                break;
            case "globalknownhostsfile":
                _values.GlobalKnownHostsFiles ??= arguments;
                break;
            case "stricthostkeychecking":
                _values.StrictHostKeyChecking ??= first.ToLowerInvariant();
                break;
            case "hostkeyalias":
                _values.HostKeyAlias ??= first;
                break;
            case "proxyjump":
                _values.ProxyJump ??= first;
                break;
            case "connecttimeout":
                _values.ConnectTimeoutSeconds ??= int.TryParse(first, out int seconds) && seconds > 0 ? seconds : null;
                break;
        }
    }

    private static bool IsYes(string text) => text.Equals("yes", StringComparison.OrdinalIgnoreCase) || text.Equals("true", StringComparison.OrdinalIgnoreCase);

    /// <summary>Words of one line: <c>keyword value</c> or <c>keyword=value</c>, double quotes, <c>#</c> comments.</summary>
    internal static List<string> Split(string line)
    {
        var words = new List<string>();
        int i = 0;
        while (true)
        {
            while (i < line.Length && (char.IsWhiteSpace(line[i]) || (words.Count == 1 && line[i] == '=')))
            {
                i++;
            }

            if (i >= line.Length || line[i] == '#')
            {
                return words;
            }

            var word = new StringBuilder();
            bool quoted = false;
            for (; i < line.Length; i++)
            {
                char c = line[i];
                if (c == '"')
                {
                    quoted = !quoted;
                }
                else if (!quoted && (char.IsWhiteSpace(c) || (words.Count == 0 && c == '=')))
                {
                    break;
                }
                else if (c == '\\' && i + 1 < line.Length && line[i + 1] is '"' or '\\')
                {
                    word.Append(line[++i]);
                }
                else
                {
                    word.Append(c);
                }
            }

            words.Add(word.ToString());
        }
    }
}
