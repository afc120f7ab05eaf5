namespace NativeSync.Engine.FileSystem.Following;

/// <summary>Directories to look at, by absolute path (Latin-1): some for themselves, some with all below them.</summary>
internal sealed class ChangedDirectories
{
    private readonly HashSet<string> _wanted = [];
    private readonly HashSet<string> _whole = [];

    /// <summary>Those with all below them.</summary>
    public IReadOnlyCollection<string> Whole => _whole;

    /// <summary>Adds a directory, and the way to it.</summary>
    public void Add(string path)
    {
        for (; _wanted.Add(path) && path.Length > 1; path = Above(path))
        {
        }
    }

    /// <summary>Adds a directory with all below it.</summary>
    public void AddWhole(string path)
    {
        _whole.Add(path);
        Add(path);
    }

    /// <summary>Whether a directory is to be looked at.</summary>
    public bool Contains(string path) => _wanted.Contains(path) || IsBelowWhole(path);

    /// <summary>Whether a directory is one of those that are looked at with all below them, or below one.</summary>
    public bool IsBelowWhole(string path)
    {
        for (; path.Length > 1; path = Above(path))
        {
            if (_whole.Contains(path))
            {
                return true;
            }
        }

        return _whole.Contains(path);
    }

    /// <summary>The directory that holds a name.</summary>
    public static string Above(string path) => path[..Math.Max(1, path.LastIndexOf('/'))];

    /// <summary>A name in a directory.</summary>
    public static string Below(string directory, string name) => name.Length == 0 ? directory : directory.Length == 1 ? "/" + name : $"{directory}/{name}";
}
