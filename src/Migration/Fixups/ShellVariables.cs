namespace NativeSync.Migration.Fixups;

/// <summary>Files of shell assignments: /etc/sysconfig and its ifcfg files.</summary>
internal static class ShellVariables
{
    /// <summary>The value of a variable without its quotes; null when it is not set.</summary>
    public static string? Value(string text, string name)
    {
        string? value = null;
        foreach (string line in text.Split('\n'))
        {
            if (NameOf(line).SequenceEqual(name))
            {
                value = line[(line.IndexOf('=', StringComparison.Ordinal) + 1)..].Trim().Trim('"', '\'');
            }
        }

        return value;
    }

    /// <summary>The text with variables set; what has the value already, however quoted, stays.</summary>
    public static string Set(string text, string quote, params ReadOnlySpan<(string Name, string Value)> variables)
    {
        foreach ((string name, string value) in variables)
        {
            if (string.Equals(Value(text, name), value, StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }

            List<string> lines = [.. text.Split('\n')];
            int at = lines.FindIndex(l => NameOf(l).SequenceEqual(name));
            string line = $"{name}={quote}{value}{quote}";
            if (at >= 0)
            {
                lines[at] = line;
            }
            else
            {
                lines.Insert(lines[^1].Length == 0 ? lines.Count - 1 : lines.Count, line);
            }

            text = string.Join('\n', lines);
        }

        return text;
    }

    /// <summary>The text without the variables whose name begins with one of these (a '=' at its end: is exactly that).</summary>
    public static string Without(string text, params ReadOnlySpan<string> prefixes)
    {
        List<string> kept = [];
        foreach (string line in text.Split('\n'))
        {
            ReadOnlySpan<char> name = NameOf(line);
            bool goes = false;
            foreach (string prefix in prefixes)
            {
                goes |= prefix.EndsWith('=') ? name.SequenceEqual(prefix.AsSpan(0, prefix.Length - 1)) : name.StartsWith(prefix);
            }

            if (!goes)
            {
                kept.Add(line);
            }
        }

        return string.Join('\n', kept);
    }

    private static ReadOnlySpan<char> NameOf(string line)
    {
        ReadOnlySpan<char> trimmed = line.AsSpan().TrimStart();
        int equals = trimmed.IndexOf('=');
        return equals <= 0 || trimmed[0] == '#' ? [] : trimmed[..equals];
    }
}
