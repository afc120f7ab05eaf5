using NativeSync.Engine.FileSystem;
using NativeSync.Engine.Session.Receiving.Directories;

namespace NativeSync.Engine.Session.Receiving.Deleting;

/// <summary>A directory from which entries go, and itself as well when it is below another one.</summary>
internal sealed class DoomedDirectory
{
    /// <summary>A directory that stays.</summary>
    /// <param name="directory">An announced one.</param>
    /// <param name="below">Its path below that; empty for itself.</param>
    /// <param name="fd">A handle on it.</param>
    /// <param name="listing">Has the entries that go.</param>
    public DoomedDirectory(ReceiverDirectory directory, byte[] below, int fd, DirectoryListing listing)
    {
        Directory = directory;
        Below = below;
        Path = below.Length == 0 ? directory.Path : PathBytes.Join(directory.Path, below);
        Fd = fd;
        Listing = listing;
    }

    /// <summary>One that goes with what is in it; the handle, once it is open, is its own.</summary>
    public DoomedDirectory(DoomedDirectory above, byte[] name)
        : this(above.Directory, PathBytes.Join(above.Below, name), -1, new DirectoryListing())
    {
        Above = above;
        Name = name;
        OwnsFd = true;
    }

    public ReceiverDirectory Directory { get; }

    public byte[] Below { get; }

    /// <summary>Relative to the destination.</summary>
    public byte[] Path { get; }

    public DoomedDirectory? Above { get; }

    public byte[]? Name { get; }

    public int Fd { get; set; }

    /// <summary>The handle is closed with it.</summary>
    public bool OwnsFd { get; init; }

    public DirectoryListing Listing { get; }

    /// <summary>What goes and is no directory, in rsync's order.</summary>
    public List<int> Files { get; } = [];

    /// <summary>What came of unlinking each of them; null when that is done as they are told.</summary>
    public int[]? Errors { get; set; }

    /// <summary>All have been tried.</summary>
    public bool IsDone { get; set; }

    /// <summary>Nothing stays in it, so far.</summary>
    public bool IsEmptied { get; set; } = true;

    /// <summary>Its files count and are told.</summary>
    public bool Counts { get; set; } = true;

    /// <summary>So is it itself.</summary>
    public bool CountsItself { get; set; } = true;

    /// <summary>rsync's order, of which --max-delete lets only the first go: directories from the last to the first, then the rest.</summary>
    public static IEnumerable<int> InOrder(DirectoryListing listing)
    {
        for (var pass = 0; pass < 2; pass++)
        {
            for (var i = listing.Count - 1; i >= 0; i--)
            {
                if (listing.Metadata(i).IsDirectory == (pass == 0))
                {
                    yield return i;
                }
            }
        }
    }
}
