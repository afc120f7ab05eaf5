namespace NativeSync.Migration.Fixups;

/// <summary>
/// A tree with the changes of the steps laid over it: a later step sees what an earlier one plans, also in a dry run, where
/// nothing is ever written.
/// </summary>
internal sealed class PlannedTree(IRootTree tree)
{
    private readonly SortedDictionary<string, Pending> _pending = new(StringComparer.Ordinal);

    /// <summary>The tree as it is on the disk.</summary>
    public IRootTree Disk => tree;

    /// <summary>The tree as it will be.</summary>
    public IRootTree View => field ??= new Overlay(this);

    /// <summary>Notes the new content of a resolved path; null takes it away.</summary>
    public void Set(string path, byte[]? content, uint modeIfNew) => _pending[path] = new(content, null, modeIfNew, null);

    /// <summary>Notes a link.</summary>
    public void SetLink(string path, string target) => _pending[path] = new(null, target, 0, null);

    /// <summary>Notes that what is at a path now is to be kept at another before anything is changed.</summary>
    public void Keep(string path, string place) => _pending[place] = new(tree.Read(path), tree.LinkTarget(path), 0, path);

    /// <summary>Writes what is pending to the disk, what is put away first.</summary>
    public void Commit()
    {
        Commit(kept: true);
        Commit(kept: false);
        _pending.Clear();
    }

    private void Commit(bool kept)
    {
        foreach ((string path, Pending change) in _pending)
        {
            if (change.Like is not null != kept)
            {
                continue;
            }

            if (change.Target is { } target)
            {
                tree.Link(path, target);
            }
            else if (change.Content is { } content)
            {
                tree.Write(path, content, change.Mode, change.Like);
            }
            else
            {
                tree.Remove(path);
            }
        }
    }

    /// <param name="content">The new content; null for a link, and for what goes.</param>
    /// <param name="target">The link's target.</param>
    /// <param name="mode">Mode of a file that is not there yet.</param>
    /// <param name="like">The path that this one is a copy of.</param>
    private sealed class Pending(byte[]? content, string? target, uint mode, string? like)
    {
        public byte[]? Content => content;

        public string? Target => target;

        public uint Mode => mode;

        public string? Like => like;
    }

    /// <summary>Reads only; what is pending comes before the disk.</summary>
    private sealed class Overlay(PlannedTree owner) : IRootTree
    {
        private IRootTree Tree => owner.Disk;

        public string? Resolve(string path) => owner._pending.ContainsKey(path) ? path : Tree.Resolve(path);

        public RootEntryKind Kind(string path) => !owner._pending.TryGetValue(path, out Pending? p) ? Tree.Kind(path)
            : p.Target is not null ? RootEntryKind.Link : p.Content is not null ? RootEntryKind.File : RootEntryKind.None;

        public byte[]? Read(string path) => owner._pending.TryGetValue(path, out Pending? p) ? p.Content : Tree.Read(path);

        public Stream? Open(string path) => !owner._pending.TryGetValue(path, out Pending? p) ? Tree.Open(path) : p.Content is { } c ? new MemoryStream(c, writable: false) : null;

        public string? LinkTarget(string path) => owner._pending.TryGetValue(path, out Pending? p) ? p.Target : Tree.LinkTarget(path);

        public bool HasLabel(string path) => Tree.HasLabel(path);

        public IReadOnlyList<string> List(string path)
        {
            SortedSet<string> names = new(Tree.List(path), StringComparer.Ordinal);
            string prefix = path + "/";
            foreach ((string changed, Pending p) in owner._pending)
            {
                if (changed.StartsWith(prefix, StringComparison.Ordinal) && !changed.AsSpan(prefix.Length).Contains('/'))
                {
                    _ = p.Content is null && p.Target is null ? names.Remove(changed[prefix.Length..]) : names.Add(changed[prefix.Length..]);
                }
            }

            return [.. names];
        }

        public void Write(string path, ReadOnlySpan<byte> content, uint modeIfNew, string? like) => throw new NotSupportedException();

        public void Link(string path, string target) => throw new NotSupportedException();

        public void Remove(string path) => throw new NotSupportedException();
    }
}
