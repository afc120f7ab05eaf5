using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Filters;

namespace NativeSync.Engine.Session.Receiving.Directories;

/// <summary>A directory that the sender announced, from its Probe until everything in and below it is done.</summary>
/// <remarks>
/// Above the line: used by the dispatcher alone, or written by it before any other thread can see the entry.
/// Below: guarded by the tree's gate.
/// </remarks>
internal sealed class ReceiverDirectory(int id, ReceiverDirectory? parent, byte[] name)
{
    /// <summary>Stands for the root in reports of what lies anywhere below it.</summary>
    public static ReceiverDirectory Top { get; } = new(0, []);

    /// <summary>Stands for a directory that is done already, at a path relative to the destination.</summary>
    public ReceiverDirectory(int id, byte[] path)
        : this(id, null, path) => Path = path;

    public int Id { get; } = id;

    public ReceiverDirectory? Parent { get; } = parent;

    public byte[] Name { get; } = name;

    /// <summary>Relative to the destination.</summary>
    public byte[] Path { get; } = parent is null ? [] : PathBytes.Join(parent.Path, name);

    /// <summary>It does not exist here.</summary>
    public bool Void { get; set; }

    /// <summary>Something that is no directory stands in its place.</summary>
    public bool Displaces { get; set; }

    /// <summary>Nothing of it is wanted; what comes is dropped.</summary>
    public bool Skipped { get; set; }

    /// <summary>A link was passed to look at it. What its parent's entries do to that link decides what is really there.</summary>
    public bool ViaLink { get; set; }

    /// <summary>What is here now, protected or not; null when void, and once it is resolved.</summary>
    public DirectoryListing? Local { get; set; }

    /// <summary>The filter rules for what is here; null when void or skipped.</summary>
    public DirectoryRules? Rules { get; set; }

    /// <summary>What the sender has; kept until all contents are here.</summary>
    public RemoteListing? Remote { get; set; }

    /// <summary>See <see cref="AttributeWriter.UmaskIn"/>.</summary>
    public uint? Umask { get; set; }

    /// <summary>Goals of its child directories, by name in byte order.</summary>
    public List<DirectoryGoal> Goals { get; } = [];

    /// <summary>Its digest agreed, or its entries have been dealt with.</summary>
    public bool Resolved { get; set; }

    // ---- guarded by the tree's gate

    /// <summary>What itself is to look like; null for a root whose attributes stay.</summary>
    public DirectoryGoal? Goal { get; set; }

    /// <summary>True when <see cref="Goal"/> is known.</summary>
    public bool GoalKnown { get; set; }

    /// <summary>The name of the child that was announced last.</summary>
    public byte[]? LastChild { get; set; }

    /// <summary>No more children will be announced.</summary>
    public bool Closed { get; set; }

    /// <summary>Something in it was made, renamed or removed: its times must be set again.</summary>
    public bool Touched { get; set; }

    /// <summary>Contents that are not here yet.</summary>
    public int ContentPending { get; set; }

    /// <summary>Children that are not finished.</summary>
    public int ChildrenPending { get; set; }

    /// <summary>Children announced before this one was resolved: they do not know their goals yet.</summary>
    public List<ReceiverDirectory>? Unclaimed { get; set; }

    /// <summary>The sender was told that nothing more of it is wanted.</summary>
    public bool Settled { get; set; }

    /// <summary>Everything in and below it is done.</summary>
    public bool Finished { get; set; }

    public DirectoryGoal? FindGoal(ReadOnlySpan<byte> name)
    {
        var low = 0;
        var high = Goals.Count - 1;
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var order = Goals[middle].Name.AsSpan().SequenceCompareTo(name);
            if (order == 0)
            {
                return Goals[middle];
            }

            if (order < 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle - 1;
            }
        }

        return null;
    }
}
