namespace NativeSync.TestKit.Trees;

/// <summary>
/// What <c>tests/tools/manifest.c</c> says about a tree: path → field → value. Immutable. The tool is compiled on first
/// use into <c>artifacts/tools</c>, under the hash of its source.
/// </summary>
public sealed class Manifest
{
    private static readonly Lazy<Task<string>> Tool = new(static () => TestTool.CompileAsync("manifest", "-lcrypto"));

    private readonly SortedDictionary<string, Dictionary<string, string>> _entries = new(StringComparer.Ordinal);

    private Manifest()
    {
    }

    /// <summary>Number of entries, the root included.</summary>
    public int Count => _entries.Count;

    /// <summary>Escaped paths below the root.</summary>
    public IEnumerable<string> Paths => _entries.Keys;

    /// <summary>A field of an entry, or null.</summary>
    public string? this[string path, string field] => _entries.TryGetValue(path, out Dictionary<string, string>? fields) && fields.TryGetValue(field, out string? value) ? value : null;

    /// <summary>Reads a tree. Content reads every file; identity adds inode, ctime, link count and blocks.</summary>
    public static async Task<Manifest> ReadAsync(string root, bool content = true, bool identity = false)
    {
        List<string> command = [await Tool.Value];
        if (content)
        {
            command.Add("-c");
        }

        if (identity)
        {
            command.Add("-i");
        }

        command.Add(root);
        return Parse((await Command.RunAsync(command)).MustExit(0).Output);
    }

    /// <summary>
    /// What differs, one line each ("path: field: here -> there"), at most <paramref name="limit"/> of them. Fields are
    /// left out by name or, with a trailing '*', by prefix; "*:d" and the like leave a field out for one type ("mtime:d"); <paramref name="except"/> (path, type, field) leaves out one difference.
    /// </summary>
    public List<string> Differences(Manifest other, IReadOnlyCollection<string>? ignore = null, Func<string, string, string, bool>? except = null, int limit = 40)
    {
        List<string> found = [];
        foreach ((string path, Dictionary<string, string> fields) in _entries)
        {
            if (found.Count >= limit)
            {
                break;
            }

            if (!other._entries.TryGetValue(path, out Dictionary<string, string>? theirs))
            {
                found.Add($"{path}: only on the first side (type {fields["type"]})");
                continue;
            }

            foreach (string field in fields.Keys.Union(theirs.Keys).Where(field => !Ignored(field, fields["type"], ignore)))
            {
                string here = fields.GetValueOrDefault(field, "(none)");
                string there = theirs.GetValueOrDefault(field, "(none)");
                // Holes may be added, they must not be lost.
                bool better = field == "sparse" && here == "0";
                if (here != there && !better && except?.Invoke(path, fields["type"], field) != true)
                {
                    found.Add($"{path}: {field}: {here} -> {there}");
                }
            }
        }

        found.AddRange(other._entries.Where(entry => !_entries.ContainsKey(entry.Key)).Take(limit).Select(entry => $"{entry.Key}: only on the second side (type {entry.Value["type"]})"));
        return found;
    }

    private static bool Ignored(string field, string type, IReadOnlyCollection<string>? ignore) => ignore is not null && ignore.Any(pattern =>
        pattern == field || pattern == $"{field}:{type}" || (pattern.EndsWith('*') && field.StartsWith(pattern[..^1], StringComparison.Ordinal)));

    private static Manifest Parse(string text)
    {
        var manifest = new Manifest();
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            string[] parts = line.Split('\t');
            Dictionary<string, string> fields = new(parts.Length, StringComparer.Ordinal);
            foreach (string part in parts.AsSpan(1))
            {
                int equals = part.IndexOf('=', StringComparison.Ordinal);
                fields[part[..equals]] = part[(equals + 1)..];
            }

            manifest._entries.Add(parts[0], fields);
        }

        return manifest;
    }
}
