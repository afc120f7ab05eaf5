using NativeSync.Engine.Session.Receiving.Directories;

namespace NativeSync.Engine.Session.Receiving;

/// <summary>A directory of a listing, from its Probe until all of it has been told.</summary>
internal sealed class ListedDirectory(int id, byte[] path)
{
    public int Id { get; } = id;

    public byte[] Path { get; } = path;

    public RemoteListing Remote { get; } = new();

    /// <summary>Directories announced in it and not told yet, by name.</summary>
    public Dictionary<string, ListedDirectory> Children { get; } = [];

    /// <summary>Indices in the order of the listing.</summary>
    public int[] Order { get; private set; } = [];

    /// <summary>No more directories will be announced in it.</summary>
    public bool Closed { get; set; }

    /// <summary>What is no directory by name, then the directories as if a slash stood behind their names.</summary>
    public void Sort()
    {
        Order = new int[Remote.Count];
        for (var i = 0; i < Order.Length; i++)
        {
            Order[i] = i;
        }

        Array.Sort(Order, Compare);
    }

    private int Compare(int a, int b)
    {
        var directories = Remote.Entries.Metadata(a).IsDirectory;
        if (directories != Remote.Entries.Metadata(b).IsDirectory)
        {
            return directories ? 1 : -1;
        }

        if (!directories)
        {
            return a.CompareTo(b);
        }

        var first = Remote.Entries.Name(a);
        var second = Remote.Entries.Name(b);
        var common = first.CommonPrefixLength(second);
        var x = common < first.Length ? first[common] : (byte)'/';
        var y = common < second.Length ? second[common] : (byte)'/';
        return x.CompareTo(y);
    }
}
