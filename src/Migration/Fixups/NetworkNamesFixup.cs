namespace NativeSync.Migration.Fixups;

/// <summary>What ties names of interfaces to the source's cards: udev's persistent rules and systemd's link files.</summary>
internal sealed class NetworkNamesFixup : IFixup
{
    public string Name => "network-names";

    public string Purpose => "no interface is named after a network card of the source";

    public void Plan(FixupContext context)
    {
        foreach (string rules in (string[])["etc/udev/rules.d/70-persistent-net.rules", "etc/udev/rules.d/75-persistent-net-generator.rules", "etc/udev/rules.d/z25_persistent-net.rules", "etc/udev/rules.d/30-net_persistent_names.rules"])
        {
            // An empty generator file is how images keep the rules from coming back: it may stay.
            if (context.Tree.Text(rules) is { Length: > 0 } text && text.Contains("ATTR{address}", StringComparison.Ordinal) | text.Contains("SYSFS{address}", StringComparison.Ordinal) | text.Contains("ATTRS{address}", StringComparison.Ordinal))
            {
                context.Remove(rules, "binds names to the source's network cards");
            }
        }

        foreach (string link in context.Tree.Files("etc/systemd/network", "", ".link"))
        {
            if (Ini.Has(context.Tree.Text(link) ?? "", "Match", "MACAddress", "PermanentMACAddress", "Path", "OriginalName"))
            {
                context.Remove(link, "binds a name to a network card of the source");
            }
        }
    }
}

/// <summary>Files of sections and keys, as systemd and NetworkManager have them.</summary>
internal static class Ini
{
    /// <summary>Whether a section has one of the keys.</summary>
    public static bool Has(string text, string section, params ReadOnlySpan<string> keys)
    {
        foreach (string key in keys)
        {
            if (Value(text, section, key) is not null)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The value of a key; null when it is not there.</summary>
    public static string? Value(string text, string section, string key)
    {
        string at = "";
        foreach (string line in text.Split('\n'))
        {
            string trimmed = line.Trim();
            if (trimmed.StartsWith('['))
            {
                at = trimmed.Trim('[', ']');
            }
            else if (at == section && trimmed.IndexOf('=', StringComparison.Ordinal) is > 0 and int equals && trimmed.AsSpan(0, equals).TrimEnd().SequenceEqual(key))
            {
                return trimmed[(equals + 1)..].Trim();
            }
        }

        return null;
    }

    /// <summary>The text with a section's keys set: those that are there are replaced, a null takes one away, new ones come first.</summary>
    public static string Set(string text, string section, params ReadOnlySpan<(string Key, string? Value)> keys)
    {
        List<string> lines = [.. text.Split('\n')];
        int begin = lines.FindIndex(l => l.Trim() == $"[{section}]");
        if (begin < 0)
        {
            if (lines[^1].Length == 0)
            {
                lines.RemoveAt(lines.Count - 1);
            }

            begin = lines.Count + (lines.Count > 0 ? 1 : 0);
            lines.AddRange(lines.Count > 0 ? ["", $"[{section}]", ""] : [$"[{section}]", ""]);
        }

        foreach ((string key, string? value) in keys)
        {
            int end = lines.FindIndex(begin + 1, static l => l.TrimStart().StartsWith('['));
            int at = lines.FindIndex(begin + 1, (end < 0 ? lines.Count : end) - begin - 1, l => IsKey(l, key));
            if (at >= 0)
            {
                lines.RemoveAt(at);
            }

            if (value is not null)
            {
                lines.Insert(at >= 0 ? at : begin + 1, $"{key}={value}");
            }
        }

        return string.Join('\n', lines);
    }

    /// <summary>The text without those lines of a section whose key begins so.</summary>
    public static string Without(string text, string section, params ReadOnlySpan<string> prefixes)
    {
        List<string> kept = [];
        string at = "";
        foreach (string line in text.Split('\n'))
        {
            string trimmed = line.Trim();
            at = trimmed.StartsWith('[') ? trimmed.Trim('[', ']') : at;
            bool goes = false;
            foreach (string prefix in prefixes)
            {
                goes |= at == section && trimmed.StartsWith(prefix, StringComparison.Ordinal) && trimmed.Contains('=', StringComparison.Ordinal);
            }

            if (!goes)
            {
                kept.Add(line);
            }
        }

        return string.Join('\n', kept);
    }

    private static bool IsKey(string line, string key)
        => line.AsSpan().TrimStart() is var trimmed && trimmed.StartsWith(key) && trimmed[key.Length..].TrimStart().StartsWith("=");
}
