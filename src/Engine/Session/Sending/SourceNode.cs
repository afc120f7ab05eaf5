using System.Text;
using NativeSync.Engine.Filters;
using NativeSync.Protocol;

namespace NativeSync.Engine.Session.Sending;

/// <summary>
/// A name that the operator gave, or one on the way to such a name: together they are the top of what is sent. Below them the
/// file system decides.
/// </summary>
internal sealed class SourceNode(byte[] name, byte[] path)
{
    private readonly List<SourceNode> _children = [];
    private readonly Dictionary<string, SourceNode> _byName = [];
    private bool _sorted = true;

    public byte[] Name { get; } = name;

    /// <summary>From the root of the transfer.</summary>
    public byte[] Path { get; } = path;

    /// <summary>The directory that holds the entry; null for the root.</summary>
    public SourcePlace? Place { get; set; }

    /// <summary>The directory itself, when it stands for one whatever links lead there: on the way to others, or with a slash behind.</summary>
    public SourcePlace? Own { get; set; }

    /// <summary>The filter rules of its source.</summary>
    public FilterScope? Filters { get; set; }

    /// <summary>Which argument named it first.</summary>
    public int Order { get; set; } = int.MaxValue;

    /// <summary>It was asked for itself.</summary>
    public bool Named { get; set; }

    /// <summary>What it was found to be when it was named.</summary>
    public bool IsDirectory { get; set; }

    public EntryMark Mark { get; set; }

    /// <summary>Directories whose contents are sent, and the argument that named each.</summary>
    public List<(Origin Origin, int Order)> Contents { get; } = [];

    /// <summary>In ascending order of names.</summary>
    public IReadOnlyList<SourceNode> Children
    {
        get
        {
            if (!_sorted)
            {
                _children.Sort(static (a, b) => a.Name.AsSpan().SequenceCompareTo(b.Name));
                _sorted = true;
            }

            return _children;
        }
    }

    public SourceNode? Find(ReadOnlySpan<byte> name) =>
        _children.Count == 0 ? null : _byName.GetValueOrDefault(Encoding.Latin1.GetString(name));

    public SourceNode Add(byte[] name)
    {
        var key = Encoding.Latin1.GetString(name);
        if (!_byName.TryGetValue(key, out var child))
        {
            child = new SourceNode(name, PathBytes.Join(Path, name));
            _byName.Add(key, child);
            _children.Add(child);
            _sorted = false;
        }

        return child;
    }

    public void AddContents(in Origin origin, int order)
    {
        foreach (var (known, _) in Contents)
        {
            if (ReferenceEquals(known.Place, origin.Place) && known.Path.AsSpan().SequenceEqual(origin.Path))
            {
                return;
            }
        }

        Contents.Add((origin, order));
    }
}
