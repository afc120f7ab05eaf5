namespace NativeSync.Engine.FileSystem.Following;

/// <summary>
/// Where passes saw the names of files with several: an event names one of them alone, and the others are to be looked at, too.
/// </summary>
internal sealed class LinkNotes
{
    /// <summary>Bytes, about; a farm of hard links would take more, and is looked at as a whole.</summary>
    private const long Most = 100_000_000;

    /// <summary>What a file takes besides its names, a name, and the path of a directory besides its characters: keys, lists and entries of the table.</summary>
    private const int FileCost = 200, NameCost = 16, PathCost = 24;

    /// <summary>Beyond so many places of one file a place is noted again rather than looked for.</summary>
    private const int FewPlaces = 1000;

    private readonly Dictionary<string, List<string>> _places = [];
    private string? _last;
    private long _bytes;

    public void Clear()
    {
        _places.Clear();
        _places.TrimExcess();
        _last = null;
        _bytes = 0;
    }

    /// <summary>There are more than are kept.</summary>
    public bool AreMany => _bytes > Most;

    /// <summary>Notes a name.</summary>
    /// <param name="key"><see cref="ChangeSet.Key"/> of the file.</param>
    /// <param name="directory">The directory that holds the name.</param>
    /// <param name="mayBeKnown">A pass before may have noted it.</param>
    public void Add(string key, string directory, bool mayBeKnown)
    {
        if (!_places.TryGetValue(key, out var places))
        {
            _places.Add(key, places = []);
            _bytes += FileCost;
        }

        if (places.Count == 0 || !(ReferenceEquals(places[^1], directory) || (mayBeKnown && places.Count < FewPlaces && places.Contains(directory))))
        {
            places.Add(directory);
            _bytes += NameCost + (ReferenceEquals(_last, directory) ? 0 : PathCost + (directory.Length * sizeof(char)));
            _last = directory;
        }
    }

    /// <summary>Each file, and the directories that hold its names.</summary>
    public Dictionary<string, List<string>> All => _places;
}
