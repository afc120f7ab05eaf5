using System.Globalization;

namespace NativeSync.Migration.Configuration;

/// <summary>
/// Typed access to one object of a configuration file by full key (<c>Client.Net.Mode</c>), written nested, flat with
/// dots, or any mixture of both. Problems are collected, so that one run names them all.
/// </summary>
internal sealed class ConfigReader
{
    private readonly string _file;
    private readonly string _prefix;
    private readonly Dictionary<string, Entry> _values = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<ConfigProblem> _errors;
    private readonly List<ConfigProblem> _warnings;

    public ConfigReader(string file, ConfigNode root, List<ConfigProblem> errors, List<ConfigProblem> warnings, string prefix = "")
    {
        _file = file;
        _prefix = prefix;
        _errors = errors;
        _warnings = warnings;
        Flatten("", root);
    }

    /// <summary>What is written for a text or a number, for whoever has to choose how to read it; empty for anything else.</summary>
    public string Peek(string key) => _values.TryGetValue(key, out Entry? entry) && entry.Node.Kind is ConfigKind.String or ConfigKind.Number ? entry!.Node.Text : "";

    /// <summary>The text of a key; null when absent, null or empty.</summary>
    public string? Text(string key)
    {
        if (Take(key) is not { } node)
        {
            return null;
        }

        if (node.Kind is not (ConfigKind.String or ConfigKind.Number))
        {
            Error(node, key, $"expected a text in quotes, found {node.Shown}");
            return null;
        }

        return node.Text.Length == 0 ? null : node.Text;
    }

    /// <summary>A whole number within a range, also when written as a string; null when absent or empty.</summary>
    public long? Integer(string key, long min, long max)
    {
        if (Take(key) is not { } node || (node.Kind == ConfigKind.String && string.IsNullOrWhiteSpace(node.Text)))
        {
            return null;
        }

        if (node.Kind is (ConfigKind.String or ConfigKind.Number)
            && long.TryParse(node.Text.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value)
            && value >= min && value <= max)
        {
            return value;
        }

        string range = max == long.MaxValue ? $"of {min} or more" : $"from {min} to {max}";
        Error(node, key, $"expected a whole number {range}, found {node.Shown}");
        return null;
    }

    /// <summary>A number with an optional fraction within a range.</summary>
    public double? Number(string key, double min, double max)
    {
        if (Take(key) is not { } node || (node.Kind == ConfigKind.String && string.IsNullOrWhiteSpace(node.Text)))
        {
            return null;
        }

        if (node.Kind is (ConfigKind.String or ConfigKind.Number)
            && double.TryParse(node.Text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
            && value >= min && value <= max)
        {
            return value;
        }

        Error(node, key, string.Create(CultureInfo.InvariantCulture, $"expected a number from {min} to {max}, found {node.Shown}"));
        return null;
    }

    /// <summary>true or false, also when written as a string.</summary>
    public bool? Boolean(string key)
    {
        if (Take(key) is not { } node || (node.Kind == ConfigKind.String && string.IsNullOrWhiteSpace(node.Text)))
        {
            return null;
        }

        if (node.Kind is (ConfigKind.Boolean or ConfigKind.String) && bool.TryParse(node.Text.Trim(), out bool value))
        {
            return value;
        }

        Error(node, key, $"expected true or false, found {node.Shown}");
        return null;
    }

    /// <summary>The items of a list; none when absent.</summary>
    public IReadOnlyList<ConfigNode> List(string key)
    {
        if (Take(key) is not { } node)
        {
            return [];
        }

        if (node.Kind != ConfigKind.Array)
        {
            Error(node, key, $"expected a list [ … ], found {node.Shown}");
            return [];
        }

        return node.Items;
    }

    /// <summary>The line that a key stands on; 0 when it is absent.</summary>
    public int Line(string key) => _values.TryGetValue(key, out Entry? entry) ? entry.Node.Line : 0;

    /// <summary>Records that the value of a key cannot be used.</summary>
    public void Error(string key, string message) => _errors.Add(new(_file, Line(key), _prefix + key, message));

    /// <summary>Records something about a key that the user should know.</summary>
    public void Warn(string key, string message) => _warnings.Add(new(_file, Line(key), _prefix + key, message));

    /// <summary>Warns of every key that nothing asked for.</summary>
    public void WarnUnread()
    {
        foreach ((string key, Entry entry) in _values)
        {
            if (!entry.Read)
            {
                _warnings.Add(new(_file, entry.Node.Line, _prefix + key, "this key is not known and has no effect; check its spelling"));
            }
        }
    }

    private void Error(ConfigNode node, string key, string message) => _errors.Add(new(_file, node.Line, _prefix + key, message));

    private ConfigNode? Take(string key)
    {
        if (!_values.TryGetValue(key, out Entry? entry))
        {
            return null;
        }

        entry.Read = true;
        return entry.Node.Kind == ConfigKind.Null ? null : entry.Node;
    }

    private void Flatten(string path, ConfigNode node)
    {
        foreach ((string name, ConfigNode value) in node.Members)
        {
            string key = path.Length == 0 ? name : $"{path}.{name}";
            if (value.Kind == ConfigKind.Object)
            {
                Flatten(key, value);
            }
            else if (_values.TryGetValue(key, out Entry? first))
            {
                _errors.Add(new(_file, value.Line, _prefix + key, $"given twice, first on line {first.Node.Line}; remove one"));
            }
            else
            {
                _values.Add(key, new Entry(value));
            }
        }
    }

    private sealed class Entry(ConfigNode node)
    {
        public ConfigNode Node { get; } = node;

        public bool Read { get; set; }
    }
}
