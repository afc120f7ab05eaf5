namespace NativeSync.Engine.FileSystem.Following;

/// <summary>
/// Where a pass over everything saw the names of files with several: an event names one of them alone, and the others are to be
/// looked at, too.
/// </summary>
internal sealed class LinkNotes
{
    /// <summary>Files; a farm of hard links has more, and is looked at as a whole. Some 100 MB at most.</summary>
    private const int Most = 300_000;

    private readonly Dictionary<string, List<string>> _places = [];

    public void Clear() => _places.Clear();

    /// <summary>There are more than are kept.</summary>
    public bool AreMany => _places.Count > Most;

    /// <summary>Notes a name.</summary>
    /// <param name="key"><see cref="ChangeSet.Key"/> of the file.</param>
    /// <param name="directory">The directory that holds the name.</param>
    public void Add(string key, string directory)
    {
        if (!_places.TryGetValue(key, out var places))
        {
            _places.Add(key, places = []);
        }

        if (places.Count == 0 || !ReferenceEquals(places[^1], directory))
        {
            places.Add(directory);
        }
    }

    /// <summary>Each file, and the directories that hold its names.</summary>
    public Dictionary<string, List<string>> All => _places;
}
