using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;

namespace NativeSync.Engine.FileSystem.Following;

/// <summary>A handle of a file system that is followed.</summary>
/// <param name="fileSystem">f_fsid.</param>
/// <param name="bytes">struct file_handle.</param>
internal sealed class ChangedHandle(long fileSystem, byte[] bytes)
{
    public long FileSystem => fileSystem;

    public byte[] Bytes => bytes;

    /// <summary>It is a directory into which names were moved, of which no event names the file.</summary>
    public bool TakesMoved { get; set; }
}

/// <summary>
/// What has changed since a moment, each thing once: directories by handle, since names of those above them may change at any
/// time. Not safe for several threads at once.
/// </summary>
internal sealed class ChangeSet
{
    /// <summary>Of each kind; what changes more is looked at as a whole more cheaply. Some 100 MB at most.</summary>
    private const int Most = 500_000;

    private const int ManyLinks = 50_000;

    /// <summary>Characters of a key.</summary>
    public const int KeyLength = 8;

    private readonly Dictionary<string, ChangedHandle> _directories = [];
    private readonly Dictionary<string, ChangedHandle> _links = [];
    private readonly HashSet<string> _arrived = [];
    private readonly HashSet<string> _touched = [];
    private int _manyLinks = ManyLinks;

    /// <summary>Directories in which something happened.</summary>
    public Dictionary<string, ChangedHandle> Directories => _directories;

    /// <summary>
    /// Directories that came to be under these names, each the key of the directory that holds it and the name as Latin-1: whatever bore the name
    /// before is not what does now.
    /// </summary>
    public HashSet<string> Arrived => _arrived;

    /// <summary>
    /// What something happened to that was told without a directory: a name was added or removed, or it was reached by its handle
    /// (as servers of NFS do).
    /// </summary>
    public Dictionary<string, ChangedHandle> Links => _links;

    /// <summary>Time to drop those that are gone: whatever is deleted is among them.</summary>
    public bool AreLinksMany => _links.Count >= _manyLinks;

    /// <summary>Directories changed places.</summary>
    public bool HasMoves { get; private set; }

    /// <summary>Why the set does not hold all that happened; null when it does.</summary>
    public string? Lost { get; private set; }

    /// <summary>A short name for a handle, of <see cref="KeyLength"/> characters that are no text.</summary>
    public static string Key(long fileSystem, ReadOnlySpan<byte> handle)
    {
        Span<byte> key = stackalloc byte[KeyLength * sizeof(char)];
        XxHash128.Hash(handle, key, fileSystem);
        return new string(MemoryMarshal.Cast<byte, char>(key));
    }

    /// <summary>Whether the content or the attributes of an object changed, or its names.</summary>
    public bool IsTouched(string key) => _touched.Contains(key);

    /// <summary>Forgets all.</summary>
    public void Clear()
    {
        _directories.Clear();
        _links.Clear();
        _arrived.Clear();
        _touched.Clear();
        HasMoves = false;
        Lost = null;
        _manyLinks = ManyLinks;
    }

    /// <summary>Takes all that another one holds.</summary>
    public void TakeAll(ChangeSet from)
    {
        foreach (var (key, directory) in from._directories)
        {
            directory.TakesMoved |= _directories.TryGetValue(key, out var known) && known.TakesMoved;
            _directories[key] = directory;
        }

        foreach (var (key, link) in from._links)
        {
            _links[key] = link;
        }

        foreach (var name in from._arrived)
        {
            _arrived.Add(name);
        }

        foreach (var key in from._touched)
        {
            _touched.Add(key);
        }

        HasMoves |= from.HasMoves;
        Lost ??= from.Lost;
        from.Clear();
        Bound();
    }

    /// <summary>Drops what is gone for good, and waits until there are twice as many as stay.</summary>
    public void DropLinks(Func<ChangedHandle, bool> isGone)
    {
        foreach (var (key, handle) in _links)
        {
            if (isGone(handle))
            {
                _links.Remove(key);
            }
        }

        _manyLinks = Math.Max(ManyLinks, 2 * _links.Count);
    }

    /// <summary>Adds what the kernel tells.</summary>
    public void Take(ReadOnlySpan<byte> events)
    {
        while (Lost is null && !events.IsEmpty)
        {
            if (!ChangeEvent.TryRead(ref events, out var change))
            {
                Lost = "the kernel's events could not be understood";
            }
            else if ((change.Mask & ChangeMask.Overflow) != 0)
            {
                Lost = "the kernel's queue overflowed";
            }
            else
            {
                Add(change);
            }
        }

        Bound();
    }

    private void Bound()
    {
        if (_directories.Count > Most || _arrived.Count > Most || _touched.Count > Most || _links.Count > Most)
        {
            Clear();
            Lost = "more changed than is kept track of";
        }
    }

    private void Add(in ChangeEvent change)
    {
        if (!change.File.IsEmpty)
        {
            var file = Key(change.FileSystem, change.File);
            _touched.Add(file);
            if (change.Parent.IsEmpty)
            {
                Add(_links, file, change.FileSystem, change.File);
            }
        }

        if (change.Parent.IsEmpty)
        {
            return;
        }

        var parent = Key(change.FileSystem, change.Parent);
        var directory = Add(_directories, parent, change.FileSystem, change.Parent);
        var moved = (change.Mask & ChangeMask.MovedTo) != 0;
        if ((change.Mask & ChangeMask.Directory) == 0)
        {
            directory.TakesMoved |= moved;
        }
        else if (moved || (change.Mask & ChangeMask.Created) != 0)
        {
            _arrived.Add(parent + Encoding.Latin1.GetString(change.Name));
            HasMoves |= moved;
        }
    }

    private static ChangedHandle Add(Dictionary<string, ChangedHandle> to, string key, long fileSystem, ReadOnlySpan<byte> handle)
    {
        if (!to.TryGetValue(key, out var known))
        {
            to.Add(key, known = new ChangedHandle(fileSystem, handle.ToArray()));
        }

        return known;
    }
}
