using System.Text;
using NativeSync.Migration.Fixups;

namespace NativeSync.Migration.Tests.Fixups;

/// <summary>A small root in memory: files, links and their directories.</summary>
internal sealed class MemoryTree : IRootTree
{
    private readonly SortedDictionary<string, (byte[]? Content, string? Target)> _entries = new(StringComparer.Ordinal);

    public MemoryTree(params (string Path, string Content)[] files)
    {
        foreach ((string path, string content) in files)
        {
            Add(path, content);
        }
    }

    /// <summary>Paths that were written, linked or removed.</summary>
    public List<string> Writes { get; } = [];

    /// <summary>Whether files bear labels.</summary>
    public bool Labelled { get; set; }

    public IEnumerable<string> Paths => _entries.Keys;

    public MemoryTree Add(string path, string content = "")
    {
        _entries[path] = (Encoding.Latin1.GetBytes(content), null);
        return this;
    }

    public MemoryTree Add(string path, byte[] content)
    {
        _entries[path] = (content, null);
        return this;
    }

    public MemoryTree AddLink(string path, string target)
    {
        _entries[path] = (null, target);
        return this;
    }

    public string? Resolve(string path)
    {
        List<string> done = [];
        Stack<string> todo = new(path.Split('/').Reverse());
        for (int links = 0; todo.TryPop(out string? part);)
        {
            if (part is "" or ".")
            {
                continue;
            }

            if (part == "..")
            {
                done.RemoveRange(Math.Max(0, done.Count - 1), Math.Min(1, done.Count));
                continue;
            }

            string next = string.Join('/', [.. done, part]);
            RootEntryKind kind = Kind(next);
            if (kind == RootEntryKind.Link && ++links < 40)
            {
                string target = LinkTarget(next)!;
                if (target.StartsWith('/'))
                {
                    done.Clear();
                }

                foreach (string t in target.Split('/').Reverse())
                {
                    todo.Push(t);
                }
            }
            else if (kind == RootEntryKind.Directory)
            {
                done.Add(part);
            }
            else
            {
                return todo.Count == 0 && kind != RootEntryKind.Link ? next : null;
            }
        }

        return string.Join('/', done);
    }

    public RootEntryKind Kind(string path)
        => path.Length == 0 ? RootEntryKind.Directory
            : _entries.TryGetValue(path, out var entry) ? entry.Target is null ? RootEntryKind.File : RootEntryKind.Link
            : _entries.Keys.Any(k => k.StartsWith(path + "/", StringComparison.Ordinal)) ? RootEntryKind.Directory : RootEntryKind.None;

    public byte[]? Read(string path) => _entries.TryGetValue(path, out var entry) ? entry.Content : null;

    public Stream? Open(string path) => Read(path) is { } content ? new MemoryStream(content) : null;

    public IReadOnlyList<string> List(string path)
        => [.. _entries.Keys.Where(k => k.StartsWith(path + "/", StringComparison.Ordinal)).Select(k => k[(path.Length + 1)..].Split('/')[0]).Distinct()];

    public string? LinkTarget(string path) => _entries.TryGetValue(path, out var entry) ? entry.Target : null;

    public bool HasLabel(string path) => Labelled;

    public void Write(string path, ReadOnlySpan<byte> content, uint modeIfNew, string? like = null)
    {
        Writes.Add(path);
        _entries[path] = (content.ToArray(), null);
    }

    public void Link(string path, string target)
    {
        Writes.Add(path);
        AddLink(path, target);
    }

    public void Remove(string path)
    {
        Writes.Add(path);
        _entries.Remove(path);
    }
}

/// <summary>Takes down commands; each succeeds unless a test says otherwise.</summary>
internal sealed class RecordingShell : IRootShell
{
    public List<string> Scripts { get; } = [];

    public Func<string, (int, string)>? Answer { get; set; }

    public (int ExitCode, string Output) Run(string script, bool outside)
    {
        Scripts.Add(script);
        return Answer?.Invoke(script) ?? (0, "");
    }
}
